//! Looking at messages without receiving them.

use bytes::Bytes;

use crate::{MessageId, Timestamp};

/// What a message waits for. Every stored message is in one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageState {
    /// To be received.
    Visible,
    /// With a consumer, until its visibility timeout ends.
    InFlight,
    /// Until its delay, or the queue's, ends.
    Delayed,
}

/// Where a look at a partition's messages goes on. A message's place never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeekPlace {
    /// Rises with every purge: of what was there before, nothing is left to look at.
    pub generation: u32,
    pub priority: u8,
    pub lane: u32,
    pub seq: u64,
}

/// Where a look at a queue's messages goes on: one partition after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeekPosition {
    pub partition: u16,
    /// `None`: from the partition's first message on.
    pub place: Option<PeekPlace>,
}

/// A message as it lies in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeekedMessage {
    pub id: MessageId,
    /// Where it lies: a look from there on begins with it.
    pub position: PeekPosition,
    pub body: Bytes,
    pub body_md5: [u8; 16],
    /// As given in `SendEntry::attributes`.
    pub attributes: Bytes,
    pub sender_id: String,
    pub sent_at: Timestamp,
    pub receive_count: u64,
    /// `None` if it was never received.
    pub first_received_at: Option<Timestamp>,
    /// When it becomes visible by itself; `None` if it is.
    pub visible_at: Option<Timestamp>,
    /// FIFO only.
    pub sequence_number: Option<u128>,
    /// Empty if none; the same for the other texts.
    pub group_id: String,
    pub deduplication_id: String,
    pub trace_header: String,
    pub dead_letter_source: String,
}

#[derive(Clone, Debug, Default)]
pub struct PeekPage {
    pub messages: Vec<PeekedMessage>,
    /// Where the next page begins; `None` after the queue's last message.
    pub next: Option<PeekPosition>,
    /// Messages that were looked at, whatever their state.
    pub looked_at: usize,
}
