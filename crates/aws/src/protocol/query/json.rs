//! What clients get that accept `application/json`: the older service's JSON, which says `null` for
//! what is absent, has maps as lists, and names two members in lower case (recorded from AWS).

use serde_json::{Map, Value, json};

use super::layout::{Layout, Member};
use super::message_of;
use crate::error::ApiError;

pub(super) fn response(
    action: &str,
    result: Option<(&Layout, &Value)>,
    request_id: &str,
) -> String {
    let mut response = Map::new();
    if let Some((layout, value)) = result {
        response.insert(format!("{action}Result"), of(layout, value));
    }
    let metadata = json!({"RequestId": request_id});
    response.insert("ResponseMetadata".to_owned(), metadata);
    json!({(format!("{action}Response")): response}).to_string()
}

pub(super) fn error(error: &ApiError, request_id: &str) -> String {
    let details = json!({
        "Type": error.party(),
        "Code": error.shape().query_code(),
        "Message": message_of(error),
        "Detail": null,
    });
    json!({"Error": details, "RequestId": request_id}).to_string()
}

fn of(layout: &Layout, value: &Value) -> Value {
    match (layout, value) {
        (Layout::Structure(members), Value::Object(values)) => {
            let members = members.iter().map(|member| {
                let value = values.get(member.name);
                let value = value.map_or(Value::Null, |value| of(member.layout, value));
                (name_of(member).to_owned(), value)
            });
            Value::Object(members.collect())
        }
        (Layout::List { element, .. }, Value::Array(values)) => {
            values.iter().map(|value| of(element, value)).collect()
        }
        (
            Layout::Map {
                key_name,
                value_name,
                value: layout,
                ..
            },
            Value::Object(entries),
        ) => {
            let entries = entries.iter().map(|(key, value)| {
                let value = of(layout, value);
                json!({(*key_name): key, (*value_name): value})
            });
            entries.collect()
        }
        (_, value) => value.clone(),
    }
}

fn name_of(member: &Member) -> &'static str {
    match member.name {
        "Messages" => "messages",
        "QueueUrls" => "queueUrls",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::generated::Action;

    #[test]
    fn absent_members_are_null_and_maps_are_lists() {
        let layout = Action::ReceiveMessage.result_layout().unwrap();
        let result = json!({"Messages": [{"Body": "b", "Attributes": {"SenderId": "s"}}]});
        let written = response("ReceiveMessage", Some((layout, &result)), "id");
        let written: Value = serde_json::from_str(&written).unwrap();
        let message = &written["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"][0];
        assert_eq!(
            message["Attributes"],
            json!([{"Name": "SenderId", "Value": "s"}])
        );
        assert_eq!(message["Body"], "b");
        let members = message.as_object().unwrap();
        assert_eq!(members.get("MessageAttributes"), Some(&Value::Null));
        let metadata = json!({"RequestId": "id"});
        assert_eq!(
            written["ReceiveMessageResponse"]["ResponseMetadata"],
            metadata
        );
    }

    #[test]
    fn errors_name_the_older_protocol() {
        let written = error(&ApiError::QueueDoesNotExist, "id");
        let written: Value = serde_json::from_str(&written).unwrap();
        let code = "AWS.SimpleQueueService.NonExistentQueue";
        let message = "The specified queue does not exist for this wsdl version.";
        let error = json!({"Type": "Sender", "Code": code, "Message": message, "Detail": null});
        assert_eq!(written, json!({"Error": error, "RequestId": "id"}));
    }
}
