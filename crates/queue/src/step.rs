use squorum_proto::queue::{DeadLetters, QueueSettings};
use squorum_types::Timestamp;

use crate::outbox::Outbox;
use crate::{Limits, StoredMessage};

/// What one command works with.
#[derive(Debug)]
pub(crate) struct Step<'a, T> {
    pub(crate) txn: &'a mut T,
    /// The shard's clock.
    pub(crate) now: Timestamp,
    pub(crate) settings: &'a QueueSettings,
    /// Where messages go that were received too often, if anywhere.
    pub(crate) dead_letters: Option<&'a DeadLetters>,
    pub(crate) limits: &'a Limits,
    /// The shard's next delivery number.
    pub(crate) next_delivery_number: &'a mut u64,
    pub(crate) outbox: &'a mut Outbox,
    /// Bytes of bodies that left partitions in this entry.
    pub(crate) moved_bytes: &'a mut usize,
    /// The partition's head is behind: messages beyond their retention may be among those to choose
    /// from, and go when they are come upon.
    pub(crate) may_be_expired: bool,
    /// Whether bodies are wanted, and those read. No write depends on it.
    pub(crate) owed: bool,
    pub(crate) messages: Vec<StoredMessage>,
}

impl<T> Step<'_, T> {
    /// Whether bodies may still leave partitions in this entry: each is written once more.
    pub(crate) fn has_room_to_move(&self) -> bool {
        *self.moved_bytes < self.limits.moved_bytes_max
    }

    /// Whether the retention of a message sent then is over.
    pub(crate) fn is_expired(&self, sent_at: Timestamp) -> bool {
        sent_at.plus_ms(self.settings.retention_ms) <= self.now
    }
}
