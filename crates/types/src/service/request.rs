use std::sync::Arc;

use bytes::Bytes;

use super::QueueInfo;
use crate::{AttributeChanges, MessageId, QueueAttributes, QueueName, QueueTags, Timestamp};

#[derive(Clone, Debug)]
pub struct CreateQueue {
    pub name: QueueName,
    /// Defaults with the given values put in.
    pub attributes: QueueAttributes,
    /// The given values alone: only these are compared when the queue exists.
    pub given: AttributeChanges,
    /// Compared like the given values.
    pub tags: QueueTags,
}

#[derive(Clone, Debug, Default)]
pub struct ListQueues {
    pub prefix: String,
    pub page: Page,
}

/// A part of a list of queues, which is in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Only names after this one.
    pub after: Option<QueueName>,
    pub count_max: usize,
}

#[derive(Clone, Debug)]
pub struct QueueList {
    pub queues: Vec<Arc<QueueInfo>>,
    /// Whether there are names after the last one.
    pub more: bool,
}

/// One message to send, validated against the queue as it was found. What depends on the queue's
/// attributes is checked again if they have changed meanwhile.
#[derive(Clone, Debug)]
pub struct SendEntry {
    pub body: Bytes,
    pub body_md5: [u8; 16],
    /// Message attributes in the front end's encoding, empty if none; opaque to the node.
    pub attributes: Bytes,
    /// What the queue's limit is for: body and message attributes, without their encoding.
    pub size_bytes: usize,
    /// `None` means the queue's delay. Always `None` for FIFO.
    pub delay_seconds: Option<u32>,
    /// When receivers may see the message, whatever the delays say. Always `None` for FIFO.
    pub deliver_at: Option<Timestamp>,
    /// Empty if none. Never empty for FIFO.
    pub group_id: String,
    /// Given, or made from the content; empty on a standard queue.
    pub deduplication_id: String,
    /// Whether it was made from the content, which the queue must allow.
    pub deduplicates_by_content: bool,
    pub trace_header: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Of the first send, if this one was a duplicate.
    pub id: MessageId,
    /// FIFO only: 20 digits, rising within a message group.
    pub sequence_number: Option<u128>,
}

#[derive(Clone, Debug)]
pub struct ReceiveRequest {
    pub messages_max: usize,
    /// `None` means the queue's.
    pub visibility_timeout_seconds: Option<u32>,
    /// `None` means the queue's.
    pub wait_time_seconds: Option<u32>,
    /// FIFO only; empty if none.
    pub attempt_id: String,
}

#[derive(Clone, Debug)]
pub struct ChangeVisibilityEntry {
    /// As the client gave it.
    pub handle: String,
    pub visibility_timeout_seconds: u32,
}
