//! A message as it is shown: named as `ReceiveMessage` names it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use squorum_aws::{CodecError, Value, hex, stored_attributes};
use squorum_types::service::PeekedMessage;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownMessage {
    pub(crate) message_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// In place of a body that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body_base64: Option<String>,
    #[serde(rename = "MD5OfBody")]
    pub(crate) md5_of_body: String,
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) message_attributes: BTreeMap<String, ShownAttribute>,
    /// Milliseconds since the Unix epoch: when the message becomes visible by itself, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visible_at: Option<u64>,
    pub(crate) partition: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ShownAttribute {
    pub(crate) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

impl ShownMessage {
    pub(crate) fn new(message: &PeekedMessage) -> Result<ShownMessage, CodecError> {
        let body = std::str::from_utf8(&message.body).ok().map(str::to_owned);
        let body_base64 = body.is_none().then(|| BASE64.encode(&message.body));
        let message_attributes = stored_attributes(&message.attributes)?.into_iter();
        let message_attributes = message_attributes.map(|attribute| {
            let (string_value, binary_value) = match attribute.value {
                Value::Text(text) => (Some(text.to_owned()), None),
                Value::Binary(bytes) => (None, Some(BASE64.encode(bytes))),
            };
            let shown = ShownAttribute {
                data_type: attribute.data_type.to_owned(),
                string_value,
                binary_value,
            };
            (attribute.name.to_owned(), shown)
        });
        Ok(ShownMessage {
            message_id: message.id.to_string(),
            body,
            body_base64,
            md5_of_body: hex(&message.body_md5),
            attributes: system_attributes(message),
            message_attributes: message_attributes.collect(),
            visible_at: message.visible_at.map(|at| at.0),
            partition: message.position.partition,
        })
    }
}

fn system_attributes(message: &PeekedMessage) -> BTreeMap<String, String> {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let first_received_at = message.first_received_at.map(|at| at.0.to_string());
    let sequence_number = message.sequence_number.map(|number| number.to_string());
    let all = [
        ("SenderId", text(&message.sender_id)),
        ("SentTimestamp", Some(message.sent_at.0.to_string())),
        (
            "ApproximateReceiveCount",
            Some(message.receive_count.to_string()),
        ),
        ("ApproximateFirstReceiveTimestamp", first_received_at),
        ("SequenceNumber", sequence_number),
        ("MessageGroupId", text(&message.group_id)),
        ("MessageDeduplicationId", text(&message.deduplication_id)),
        ("AWSTraceHeader", text(&message.trace_header)),
        (
            "DeadLetterQueueSourceArn",
            text(&message.dead_letter_source),
        ),
    ];
    let given = all.into_iter();
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use squorum_types::service::PeekPosition;
    use squorum_types::{MessageId, Timestamp};

    use super::*;

    /// Version 1 of the stored form, without a digest that counts: `kind` is a `String`, `seal` binary.
    pub(crate) fn stored() -> Bytes {
        let mut stored = vec![1; 1];
        stored.extend([0; 16]);
        stored.extend(b"\x02\x01\x00\x04kind\x00\x06String\x00\x00\x00\x05order");
        stored.extend(b"\x02\x00\x04seal\x00\x06Binary\x00\x00\x00\x02\xff\x00");
        stored.into()
    }

    pub(crate) fn message(body: &'static [u8]) -> PeekedMessage {
        PeekedMessage {
            id: MessageId([0x11; 16]),
            position: PeekPosition::default(),
            body: Bytes::from_static(body),
            body_md5: [0xab; 16],
            attributes: stored(),
            sender_id: "sender".to_owned(),
            sent_at: Timestamp(1_700_000_000_000),
            receive_count: 2,
            first_received_at: Some(Timestamp(1_700_000_000_001)),
            visible_at: Some(Timestamp(1_700_000_030_000)),
            sequence_number: Some(7),
            group_id: "group".to_owned(),
            deduplication_id: String::new(),
            trace_header: String::new(),
            dead_letter_source: "arn".to_owned(),
        }
    }

    #[test]
    fn messages_are_shown_as_a_receive_names_them() {
        let shown = ShownMessage::new(&message(b"hello")).unwrap();
        let expected = serde_json::json!({
            "MessageId": "11111111-1111-1111-1111-111111111111",
            "Body": "hello",
            "MD5OfBody": "abababababababababababababababab",
            "Attributes": {
                "SenderId": "sender",
                "SentTimestamp": "1700000000000",
                "ApproximateReceiveCount": "2",
                "ApproximateFirstReceiveTimestamp": "1700000000001",
                "SequenceNumber": "7",
                "MessageGroupId": "group",
                "DeadLetterQueueSourceArn": "arn",
            },
            "MessageAttributes": {
                "kind": {"DataType": "String", "StringValue": "order"},
                "seal": {"DataType": "Binary", "BinaryValue": "/wA="},
            },
            "VisibleAt": 1_700_000_030_000_u64,
            "Partition": 0,
        });
        assert_eq!(serde_json::to_value(&shown).unwrap(), expected);
        assert_eq!(
            serde_json::from_value::<ShownMessage>(expected).unwrap(),
            shown
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_shown_in_base64() {
        let shown = ShownMessage::new(&message(b"\xff\x00")).unwrap();
        assert_eq!(shown.body, None);
        assert_eq!(shown.body_base64.as_deref(), Some("/wA="));
    }
}
