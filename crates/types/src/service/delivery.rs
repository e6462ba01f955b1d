use std::fmt;

use bytes::Bytes;

use crate::{MessageId, Timestamp};

/// A message handed to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    pub id: MessageId,
    pub receipt_handle: String,
    pub body: Bytes,
    pub body_md5: [u8; 16],
    /// As given in `SendEntry::attributes`.
    pub attributes: Bytes,
    pub sender_id: String,
    pub sent_at: Timestamp,
    pub first_received_at: Timestamp,
    pub receive_count: u64,
    /// FIFO only.
    pub sequence_number: Option<u128>,
    /// Empty if none; the same for the other texts.
    pub group_id: String,
    pub deduplication_id: String,
    pub trace_header: String,
    pub dead_letter_source: String,
}

/// Messages on their way to a consumer. Dropped without [`confirm`](Self::confirm), it gives them
/// back as if they had never been received: the client had gone, or got less than the whole answer.
pub struct Delivery {
    pub messages: Vec<ReceivedMessage>,
    undo: Option<Box<dyn FnOnce() + Send>>,
}

impl Delivery {
    pub fn empty() -> Delivery {
        Delivery {
            messages: Vec::new(),
            undo: None,
        }
    }

    /// `undo` must not block: it runs in a destructor.
    pub fn new(messages: Vec<ReceivedMessage>, undo: Box<dyn FnOnce() + Send>) -> Delivery {
        Delivery {
            messages,
            undo: Some(undo),
        }
    }

    /// The client has the whole answer, as far as this side can know.
    pub fn confirm(mut self) {
        self.undo = None;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take() {
            undo();
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}
