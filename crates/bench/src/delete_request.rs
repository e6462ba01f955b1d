use std::io::Write as _;

use bytes::Bytes;
use serde_json::json;

use crate::action::Action;

/// Bodies of deletes. Handles are written as they stood in the receive's answer, so they need no
/// escaping.
#[derive(Debug)]
pub(crate) struct DeleteRequest {
    queue_url: String,
    body: Vec<u8>,
}

impl DeleteRequest {
    pub(crate) fn new(queue_url: &str) -> DeleteRequest {
        DeleteRequest {
            queue_url: json!(queue_url).to_string(),
            body: Vec::new(),
        }
    }

    /// DeleteMessage for one handle, DeleteMessageBatch for more; entries have their position as id.
    pub(crate) fn with_handles<'a>(
        &mut self,
        handles: impl ExactSizeIterator<Item = &'a Bytes>,
    ) -> (Action, &[u8]) {
        let (body, url) = (&mut self.body, &self.queue_url);
        let is_batch = handles.len() > 1;
        body.clear();
        write!(body, "{{\"QueueUrl\":{url},").expect("writing to memory cannot fail");
        body.extend_from_slice(if is_batch { b"\"Entries\":[" } else { b"" });
        for (id, handle) in handles.enumerate() {
            if is_batch {
                let comma = if id == 0 { "" } else { "," };
                write!(body, "{comma}{{\"Id\":\"{id}\",").expect("writing to memory cannot fail");
            }
            body.extend_from_slice(b"\"ReceiptHandle\":\"");
            body.extend_from_slice(handle);
            body.extend_from_slice(if is_batch { b"\"}" } else { b"\"" });
        }
        body.extend_from_slice(if is_batch { b"]}" } else { b"}" });
        let action = if is_batch {
            Action::DeleteMessageBatch
        } else {
            Action::DeleteMessage
        };
        (action, body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn deletes_are_single_or_batched() {
        let mut delete = DeleteRequest::new("http://q");
        let handles = [Bytes::from_static(b"a"), Bytes::from_static(b"b\\/")];
        let mut body_of = |count: usize| {
            let (action, body) = delete.with_handles(handles[..count].iter());
            (action, serde_json::from_slice::<Value>(body).unwrap())
        };
        let one = json!({ "QueueUrl": "http://q", "ReceiptHandle": "a" });
        assert_eq!(body_of(1), (Action::DeleteMessage, one));
        let entries = json!([
            { "Id": "0", "ReceiptHandle": "a" },
            { "Id": "1", "ReceiptHandle": "b/" },
        ]);
        let two = json!({ "QueueUrl": "http://q", "Entries": entries });
        assert_eq!(body_of(2), (Action::DeleteMessageBatch, two));
    }
}
