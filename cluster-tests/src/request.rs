//! Requests as bytes: built once, then patched (sends) or rebuilt into one buffer (deletes).

use std::io::Write as _;

use serde_json::json;

use crate::connection::Address;
use crate::options::Options;
use crate::tag::{TAG_BYTES, Tag, write_decimal, write_hex};

/// Any signature is accepted until there are users; parsing one is part of an honest figure.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, \
     SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
     Signature=0000000000000000000000000000000000000000000000000000000000000000";
const GROUP_ID_BYTES: usize = 8;
const DEDUPLICATION_ID_BYTES: usize = 8 + 16;

/// A whole HTTP request for `action`.
pub(crate) fn request(address: &Address, action: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 512);
    write_head(&mut bytes, address, action, body.len());
    bytes.extend_from_slice(body);
    bytes
}

fn write_head(bytes: &mut Vec<u8>, address: &Address, action: &str, body_bytes: usize) {
    let (authority, path) = (&address.authority, &address.path);
    write!(
        bytes,
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
         X-Amz-Date: 20260101T000000Z\r\nAuthorization: {AUTHORIZATION}\r\n\
         Content-Length: {body_bytes}\r\n\r\n"
    )
    .expect("writing to memory cannot fail");
}

pub(crate) fn create_queue(address: &Address, options: &Options) -> Vec<u8> {
    let attributes = match (options.is_fifo(), options.high_throughput) {
        (false, _) => json!({}),
        (true, false) => json!({ "FifoQueue": "true" }),
        (true, true) => json!({
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }),
    };
    let body = json!({ "QueueName": options.queue, "Attributes": attributes });
    request(address, "CreateQueue", body.to_string().as_bytes())
}

pub(crate) fn receive(address: &Address, queue_url: &str, options: &Options) -> Vec<u8> {
    let body = json!({
        "QueueUrl": queue_url,
        "MaxNumberOfMessages": options.batch,
        "WaitTimeSeconds": 1,
        "VisibilityTimeout": options.visibility_timeout,
    });
    request(address, "ReceiveMessage", body.to_string().as_bytes())
}

/// A send of `batch` messages whose tags, groups and deduplication ids are patched in place.
#[derive(Debug)]
pub(crate) struct SendRequest {
    bytes: Vec<u8>,
    entries: Vec<EntryPositions>,
}

#[derive(Clone, Copy, Debug)]
struct EntryPositions {
    tag: usize,
    /// Of group id and deduplication id; `None` in a standard queue.
    fifo: Option<(usize, usize)>,
}

impl SendRequest {
    pub(crate) fn new(address: &Address, queue_url: &str, options: &Options) -> SendRequest {
        let mut body = format!("{{\"QueueUrl\":{}", json!(queue_url)).into_bytes();
        let mut entries = Vec::new();
        let action = if options.batch == 1 {
            body.push(b',');
            entries.push(write_message(&mut body, options));
            "SendMessage"
        } else {
            body.extend_from_slice(b",\"Entries\":[");
            for id in 0..options.batch {
                let comma = if id == 0 { "" } else { "," };
                write!(body, "{comma}{{\"Id\":\"{id}\",").expect("writing to memory cannot fail");
                entries.push(write_message(&mut body, options));
                body.push(b'}');
            }
            body.push(b']');
            "SendMessageBatch"
        };
        body.push(b'}');
        let bytes = request(address, action, &body);
        let head_bytes = bytes.len() - body.len();
        for entry in &mut entries {
            entry.tag += head_bytes;
            entry.fifo = entry
                .fifo
                .map(|(group, id)| (group + head_bytes, id + head_bytes));
        }
        SendRequest { bytes, entries }
    }

    /// One tag for each message of the batch.
    pub(crate) fn with_tags(&mut self, tags: &[Tag]) -> &[u8] {
        assert_eq!(tags.len(), self.entries.len(), "one tag for each entry");
        for (tag, entry) in tags.iter().zip(&self.entries) {
            tag.write(&mut self.bytes[entry.tag..entry.tag + TAG_BYTES]);
            if let Some((group, id)) = entry.fifo {
                write_decimal(tag.group, &mut self.bytes[group..group + GROUP_ID_BYTES]);
                write_hex(tag.run, &mut self.bytes[id..id + 8]);
                write_decimal(
                    tag.number,
                    &mut self.bytes[id + 8..id + DEDUPLICATION_ID_BYTES],
                );
            }
        }
        &self.bytes
    }
}

/// Writes a message's members and says where its variable parts are in `body`.
fn write_message(body: &mut Vec<u8>, options: &Options) -> EntryPositions {
    body.extend_from_slice(b"\"MessageBody\":\"");
    let tag = body.len();
    body.resize(tag + options.size as usize, b'x');
    body.push(b'"');
    let fifo = options.is_fifo().then(|| {
        body.extend_from_slice(b",\"MessageGroupId\":\"");
        let group = body.len();
        body.resize(group + GROUP_ID_BYTES, b'0');
        body.extend_from_slice(b"\",\"MessageDeduplicationId\":\"");
        let id = body.len();
        body.resize(id + DEDUPLICATION_ID_BYTES, b'0');
        body.push(b'"');
        (group, id)
    });
    EntryPositions { tag, fifo }
}

/// Deletes by handles as they stood in the receive's answer, so they need no escaping.
#[derive(Debug)]
pub(crate) struct DeleteRequest {
    address: Address,
    queue_url: String,
    body: Vec<u8>,
    bytes: Vec<u8>,
}

impl DeleteRequest {
    pub(crate) fn new(address: Address, queue_url: &str) -> DeleteRequest {
        let queue_url = json!(queue_url).to_string();
        DeleteRequest {
            address,
            queue_url,
            body: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// DeleteMessage for one handle, DeleteMessageBatch for more.
    pub(crate) fn with_handles(&mut self, handles: &[Vec<u8>]) -> &[u8] {
        let (body, url) = (&mut self.body, &self.queue_url);
        body.clear();
        write!(body, "{{\"QueueUrl\":{url},").expect("writing to memory cannot fail");
        let action = if let [handle] = handles {
            body.extend_from_slice(b"\"ReceiptHandle\":\"");
            body.extend_from_slice(handle);
            body.extend_from_slice(b"\"}");
            "DeleteMessage"
        } else {
            body.extend_from_slice(b"\"Entries\":[");
            for (id, handle) in handles.iter().enumerate() {
                let comma = if id == 0 { "" } else { "," };
                write!(body, "{comma}{{\"Id\":\"{id}\",\"ReceiptHandle\":\"")
                    .expect("writing to memory cannot fail");
                body.extend_from_slice(handle);
                body.extend_from_slice(b"\"}");
            }
            body.extend_from_slice(b"]}");
            "DeleteMessageBatch"
        };
        self.bytes.clear();
        write_head(&mut self.bytes, &self.address, action, self.body.len());
        self.bytes.extend_from_slice(&self.body);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;
    use serde_json::Value;

    use super::*;

    fn body_of(request: &[u8]) -> Value {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        serde_json::from_str(body).unwrap()
    }

    fn address() -> Address {
        Address::parse("http://localhost:9324").unwrap()
    }

    #[test]
    fn sends_carry_what_was_patched() {
        let arguments = ["squorum-load", "fifo", "--batch", "2", "--size", "50"];
        let options = Options::parse_from(arguments);
        let mut send = SendRequest::new(&address(), "http://q", &options);
        let tags = [7, 8].map(|number| Tag {
            run: 0xab,
            group: number + 1,
            number,
        });
        let body = body_of(send.with_tags(&tags));
        for (index, tag) in tags.iter().enumerate() {
            let entry = &body["Entries"][index];
            let text = entry["MessageBody"].as_str().unwrap();
            assert_eq!(text.len(), 50);
            assert_eq!(Tag::parse(text.as_bytes()), Some(*tag));
            assert_eq!(entry["MessageGroupId"], format!("{:08}", tag.group));
            assert_eq!(
                entry["MessageDeduplicationId"],
                format!("000000ab{:016}", tag.number)
            );
        }
    }

    #[test]
    fn deletes_are_single_or_batched() {
        let mut delete = DeleteRequest::new(address(), "http://q");
        let handles = [b"a".to_vec(), b"b".to_vec()];
        assert_eq!(
            body_of(delete.with_handles(&handles[..1]))["ReceiptHandle"],
            "a"
        );
        assert_eq!(
            body_of(delete.with_handles(&handles))["Entries"][1]["ReceiptHandle"],
            "b"
        );
    }
}
