use serde_json::{Map, Value};

use super::layout::Layout;
use super::parameters::Parameter;

/// The JSON of a request. What the layout does not know is left out: parameters of signatures, and
/// those that AWS ignores too.
pub(super) fn to_json(layout: &Layout, parameter: &Parameter) -> Value {
    match layout {
        Layout::Scalar => Value::String(parameter.value.clone().unwrap_or_default()),
        Layout::Structure(members) => {
            let members = members.iter().filter_map(|member| {
                let given = parameter.parts.get(member.wire_name())?;
                Some((member.name.to_owned(), to_json(member.layout, given)))
            });
            Value::Object(members.collect())
        }
        Layout::List { element, .. } => {
            let elements = parameter.elements().into_iter();
            elements.map(|given| to_json(element, given)).collect()
        }
        Layout::Map {
            key_name,
            value_name,
            value,
            ..
        } => {
            let absent = Parameter::default();
            let entries = parameter.elements().into_iter().filter_map(|entry| {
                // Without a name it is refused where names are checked.
                let key = entry.text(key_name);
                let key = key.or((!entry.parts.is_empty()).then_some(""))?.to_owned();
                let given = entry.parts.get(*value_name).unwrap_or(&absent);
                Some((key, to_json(value, given)))
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::generated::Action;

    fn of(action: Action, parameters: &str) -> Value {
        let read = Parameter::read(&[parameters.as_bytes()]).unwrap();
        to_json(action.request_layout(), &read)
    }

    #[test]
    fn collections_are_gathered() {
        let batch = "QueueUrl=q&Action=SendMessageBatch\
             &SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=y\
             &SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v";
        let attribute = json!({"DataType": "String", "StringValue": "v"});
        let entries = json!([
            {"Id": "a", "MessageBody": "x", "MessageAttributes": {"n": attribute}},
            {"Id": "b", "MessageBody": "y"},
        ]);
        let expected = json!({"QueueUrl": "q", "Entries": entries});
        assert_eq!(of(Action::SendMessageBatch, batch), expected);
    }

    #[test]
    fn names_differ_from_those_of_json() {
        let receive = "AttributeName.1=All&MessageSystemAttributeName.1=SenderId\
             &MessageAttributeName=x&MaxNumberOfMessages=2&AWSAccessKeyId=k";
        let expected = json!({
            "AttributeNames": ["All"], "MessageSystemAttributeNames": ["SenderId"],
            "MessageAttributeNames": ["x"], "MaxNumberOfMessages": "2",
        });
        assert_eq!(of(Action::ReceiveMessage, receive), expected);
        let create = "QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5\
             &Tag.1.Key=k&Tag.1.Value=v&Tag.2.Key=empty";
        let tags = json!({"k": "v", "empty": ""});
        let expected = json!({"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": tags});
        assert_eq!(of(Action::CreateQueue, create), expected);
    }

    #[test]
    fn what_has_no_name_is_not_left_out() {
        let send =
            "MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v";
        let attribute = json!({"DataType": "String", "StringValue": "v"});
        let expected = json!({"MessageAttributes": {"": attribute}});
        assert_eq!(of(Action::SendMessage, send), expected);
        let nothing = json!({"MessageAttributes": {}});
        assert_eq!(of(Action::SendMessage, "MessageAttribute="), nothing);
    }

    #[test]
    fn entries_of_maps_need_no_number() {
        let set = "Attribute.Name=DelaySeconds&Attribute.Value=5";
        let expected = json!({"Attributes": {"DelaySeconds": "5"}});
        assert_eq!(of(Action::SetQueueAttributes, set), expected);
    }
}
