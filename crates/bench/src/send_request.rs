use std::io::Write as _;

use serde_json::json;

use crate::action::Action;
use crate::tag::{FILLER, TAG_BYTES, Tag, write_decimal, write_hex};

const GROUP_ID_BYTES: usize = 8;
const DEDUPLICATION_ID_BYTES: usize = 8 + 16;

/// Bodies of sends: built once for a number of messages, then patched in place.
#[derive(Debug)]
pub(crate) struct SendRequest {
    queue_url: String,
    size: usize,
    is_fifo: bool,
    is_batch: bool,
    body: Vec<u8>,
    entries: Vec<EntryPositions>,
}

#[derive(Clone, Copy, Debug)]
struct EntryPositions {
    tag: usize,
    /// Of group id and deduplication id; `None` in a standard queue.
    fifo: Option<(usize, usize)>,
}

impl SendRequest {
    /// A run with batches of one sends no batches; others send what is left of one as a batch too.
    pub(crate) fn new(queue_url: &str, batch: u64, size: usize, is_fifo: bool) -> SendRequest {
        SendRequest {
            queue_url: json!(queue_url).to_string(),
            size,
            is_fifo,
            is_batch: batch > 1,
            body: Vec::new(),
            entries: Vec::new(),
        }
    }

    fn action(&self) -> Action {
        if self.is_batch {
            Action::SendMessageBatch
        } else {
            Action::SendMessage
        }
    }

    /// Action and body for these messages; entries have their position as id.
    pub(crate) fn with_tags(&mut self, tags: &[Tag]) -> (Action, &[u8]) {
        if self.entries.len() != tags.len() {
            self.build(tags.len());
        }
        for (tag, entry) in tags.iter().zip(&self.entries) {
            tag.write(&mut self.body[entry.tag..entry.tag + TAG_BYTES]);
            if let Some((group, id)) = entry.fifo {
                write_decimal(tag.group, &mut self.body[group..group + GROUP_ID_BYTES]);
                write_hex(tag.run, &mut self.body[id..id + 8]);
                let number = &mut self.body[id + 8..id + DEDUPLICATION_ID_BYTES];
                write_decimal(tag.number, number);
            }
        }
        (self.action(), &self.body)
    }

    fn build(&mut self, messages: usize) {
        assert!(self.is_batch || messages == 1, "one message or a batch");
        self.body.clear();
        self.entries.clear();
        write!(self.body, "{{\"QueueUrl\":{}", self.queue_url)
            .expect("writing to memory cannot fail");
        if self.is_batch {
            self.body.extend_from_slice(b",\"Entries\":[");
            for id in 0..messages {
                let comma = if id == 0 { "" } else { "," };
                write!(self.body, "{comma}{{\"Id\":\"{id}\"")
                    .expect("writing to memory cannot fail");
                self.write_message();
                self.body.push(b'}');
            }
            self.body.push(b']');
        } else {
            self.write_message();
        }
        self.body.push(b'}');
    }

    /// Writes a message's members and notes where its variable parts are.
    fn write_message(&mut self) {
        let body = &mut self.body;
        body.extend_from_slice(b",\"MessageBody\":\"");
        let tag = body.len();
        body.resize(tag + self.size, FILLER);
        body.push(b'"');
        let fifo = self.is_fifo.then(|| {
            body.extend_from_slice(b",\"MessageGroupId\":\"");
            let group = body.len();
            body.resize(group + GROUP_ID_BYTES, b'0');
            body.extend_from_slice(b"\",\"MessageDeduplicationId\":\"");
            let id = body.len();
            body.resize(id + DEDUPLICATION_ID_BYTES, b'0');
            body.push(b'"');
            (group, id)
        });
        self.entries.push(EntryPositions { tag, fifo });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    fn tags(numbers: &[u64]) -> Vec<Tag> {
        let tag = |number: &u64| Tag {
            run: 0xab,
            group: number + 1,
            number: *number,
            due_us: 77,
        };
        numbers.iter().map(tag).collect()
    }

    #[test]
    fn sends_carry_what_was_patched_and_shrink_to_what_is_left() {
        let mut send = SendRequest::new("http://q/\"", 2, 60, true);
        assert_eq!(send.action(), Action::SendMessageBatch);
        for numbers in [&[7, 8][..], &[9, 10], &[11]] {
            let body: Value = serde_json::from_slice(send.with_tags(&tags(numbers)).1).unwrap();
            assert_eq!(body["QueueUrl"], "http://q/\"");
            let entries = body["Entries"].as_array().unwrap();
            assert_eq!(entries.len(), numbers.len());
            for (index, (entry, tag)) in entries.iter().zip(tags(numbers)).enumerate() {
                let text = entry["MessageBody"].as_str().unwrap();
                assert_eq!(text.len(), 60);
                assert_eq!(Tag::parse(text.as_bytes()), Some(tag));
                assert_eq!(entry["Id"], index.to_string());
                assert_eq!(entry["MessageGroupId"], format!("{:08}", tag.group));
                let id = format!("000000ab{:016}", tag.number);
                assert_eq!(entry["MessageDeduplicationId"], id);
            }
        }
    }

    #[test]
    fn a_batch_of_one_is_a_single_send() {
        let mut send = SendRequest::new("http://q", 1, 60, false);
        let body: Value = serde_json::from_slice(send.with_tags(&tags(&[3])).1).unwrap();
        assert_eq!(send.action(), Action::SendMessage);
        let tag = Tag::parse(body["MessageBody"].as_str().unwrap().as_bytes());
        assert_eq!(tag.unwrap().number, 3);
        assert!(body.get("MessageGroupId").is_none());
    }
}
