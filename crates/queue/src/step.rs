use squorum_proto::queue::QueueSettings;
use squorum_types::Timestamp;

use crate::{Limits, StoredMessage};

/// What one command works with.
#[derive(Debug)]
pub(crate) struct Step<'a, T> {
    pub(crate) txn: &'a mut T,
    /// The shard's clock.
    pub(crate) now: Timestamp,
    pub(crate) settings: QueueSettings,
    pub(crate) limits: &'a Limits,
    /// The shard's next delivery number.
    pub(crate) next_delivery_number: &'a mut u64,
    /// Whether bodies are wanted, and those read. No write depends on it.
    pub(crate) owed: bool,
    pub(crate) messages: Vec<StoredMessage>,
}
