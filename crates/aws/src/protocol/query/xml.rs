use std::fmt::Write;

use serde_json::Value;

use super::layout::{Layout, Member};
use super::message_of;
use crate::error::ApiError;

/// The namespace of a service's answers.
pub(super) struct Namespace(&'static str);

pub(super) const SQS: Namespace = Namespace("http://queue.amazonaws.com/doc/2012-11-05/");
pub(super) const STS: Namespace = Namespace("https://sts.amazonaws.com/doc/2011-06-15/");

const DECLARATION: &str = "<?xml version=\"1.0\"?>";

/// An action's answer. Actions without a layout have no result.
pub(super) fn response(
    namespace: &Namespace,
    action: &str,
    result: Option<(&Layout, &Value)>,
    request_id: &str,
) -> String {
    let namespace = namespace.0;
    let mut out = format!("{DECLARATION}<{action}Response xmlns=\"{namespace}\">");
    if let Some((layout, value)) = result {
        element(&mut out, &format!("{action}Result"), layout, value);
    }
    out.push_str("<ResponseMetadata>");
    text_element(&mut out, "RequestId", request_id);
    out.push_str("</ResponseMetadata></");
    out.push_str(action);
    out.push_str("Response>");
    out
}

/// An error. AWS has the empty `Detail` (recorded).
pub(super) fn error(namespace: &Namespace, error: &ApiError, request_id: &str) -> String {
    let namespace = namespace.0;
    let mut out = format!("{DECLARATION}<ErrorResponse xmlns=\"{namespace}\"><Error>");
    text_element(&mut out, "Type", error.party());
    text_element(&mut out, "Code", error.shape().query_code());
    text_element(&mut out, "Message", &message_of(error));
    out.push_str("<Detail/></Error>");
    text_element(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>");
    out
}

/// A value that is not a collection.
fn element(out: &mut String, name: &str, layout: &Layout, value: &Value) {
    match (layout, value) {
        (Layout::Structure(members), Value::Object(values)) => {
            let start = out.len();
            write_into(out, format_args!("<{name}>"));
            let content = out.len();
            for member in *members {
                if let Some(value) = values.get(member.name) {
                    member_elements(out, member, value);
                }
            }
            if out.len() == content {
                // An empty receive is <ReceiveMessageResult/> (recorded).
                out.truncate(start);
                write_into(out, format_args!("<{name}/>"));
            } else {
                write_into(out, format_args!("</{name}>"));
            }
        }
        (_, Value::String(text)) => text_element(out, name, text),
        (_, other) => text_element(out, name, &other.to_string()),
    }
}

fn member_elements(out: &mut String, member: &Member, value: &Value) {
    match (member.layout, value) {
        (Layout::List { name, element: of }, Value::Array(values)) => {
            for value in values {
                element(out, name, of, value);
            }
        }
        (
            Layout::Map {
                name,
                key_name,
                value_name,
                value: of,
            },
            Value::Object(entries),
        ) => {
            for (key, value) in entries {
                write_into(out, format_args!("<{name}>"));
                text_element(out, key_name, key);
                element(out, value_name, of, value);
                write_into(out, format_args!("</{name}>"));
            }
        }
        (layout, value) => element(out, member.name, layout, value),
    }
}

fn text_element(out: &mut String, name: &str, text: &str) {
    write_into(out, format_args!("<{name}>"));
    escape(out, text);
    write_into(out, format_args!("</{name}>"));
}

fn write_into(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = out.write_fmt(text);
}

/// Quotes and carriage returns too, which AWS escapes within texts: a parser would make line feeds
/// of the latter. XML has no way to write other control characters, which an error may repeat.
fn escape(out: &mut String, text: &str) {
    let is_plain = |c: char| c >= ' ' || c == '\t' || c == '\n';
    let is_special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\u{fffe}' | '\u{ffff}');
    let mut rest = text;
    while let Some(position) = rest.find(|c| is_special(c) || !is_plain(c)) {
        out.push_str(&rest[..position]);
        let mut others = rest[position..].chars();
        out.push_str(match others.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\r') => "&#xD;",
            _ => "\u{fffd}",
        });
        rest = others.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::generated::Action;

    fn of(action: Action, result: &Value) -> String {
        let layout = action.result_layout().unwrap();
        response(&SQS, action.as_str(), Some((layout, result)), "id")
    }

    fn framed(action: &str, result: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><{action}Response xmlns=\"http://queue.amazonaws.com/doc/\
             2012-11-05/\">{result}<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>\
             </{action}Response>"
        )
    }

    #[test]
    fn collections_are_flattened() {
        let value = json!({"DataType": "String", "StringValue": "v"});
        let message = json!({
            "Body": "<a&\"b\"\r\n>", "MessageId": "m", "Attributes": {"SenderId": "s"},
            "MessageAttributes": {"n": value},
        });
        let result = json!({"Messages": [message, {"MessageId": "2"}]});
        let expected = "<ReceiveMessageResult><Message><MessageId>m</MessageId>\
             <Body>&lt;a&amp;&quot;b&quot;&#xD;\n&gt;</Body>\
             <Attribute><Name>SenderId</Name><Value>s</Value></Attribute>\
             <MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue>\
             <DataType>String</DataType></Value></MessageAttribute></Message>\
             <Message><MessageId>2</MessageId></Message></ReceiveMessageResult>";
        assert_eq!(
            of(Action::ReceiveMessage, &result),
            framed("ReceiveMessage", expected)
        );
    }

    #[test]
    fn empty_results_and_none() {
        let empty = of(Action::ReceiveMessage, &json!({}));
        assert_eq!(empty, framed("ReceiveMessage", "<ReceiveMessageResult/>"));
        let none = response(&SQS, "DeleteQueue", None, "id");
        assert_eq!(none, framed("DeleteQueue", ""));
    }

    #[test]
    fn what_xml_cannot_write_is_replaced() {
        let mut out = String::new();
        escape(&mut out, "a\0\u{b}\u{ffff}\tb\u{e4}");
        assert_eq!(out, "a\u{fffd}\u{fffd}\u{fffd}\tb\u{e4}");
    }

    #[test]
    fn numbers_and_booleans_are_texts() {
        let failed = json!({"Id": "a", "SenderFault": true, "Code": "c"});
        let batch = of(Action::DeleteMessageBatch, &json!({"Failed": [failed]}));
        let expected = "<DeleteMessageBatchResult><BatchResultErrorEntry><Id>a</Id>\
             <SenderFault>true</SenderFault><Code>c</Code></BatchResultErrorEntry>\
             </DeleteMessageBatchResult>";
        assert_eq!(batch, framed("DeleteMessageBatch", expected));
    }
}
