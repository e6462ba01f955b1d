//! Between openraft and the log that all groups of a node share.

mod flush;
mod reader;
mod storage;
mod sync_progress;

use std::ops::Range;

use bytes::Bytes;
use squorum_types::GroupId;
pub use temporary::{Completion, Entry, GroupState, LogError, LogId};

pub(crate) use self::reader::{LogReader, READ_BYTES_MAX};
pub(crate) use self::storage::{LogStorage, LogView, from_log};
pub(crate) use self::sync_progress::SyncProgress;

/// The log as this crate uses it: [`squorum_log::Log`], or a test's stand-in.
///
/// 1. An entry can be read when `append` returns; completions run after the sync, in the order in
///    which the operations were submitted.
/// 2. Operations reach the disk in that order.
/// 3. After a failure no completion succeeds.
pub trait EntryLog: Send + Sync + 'static {
    fn append(&self, group: GroupId, entries: Vec<Entry>, completion: Completion);

    /// Drops the entries after `kept`; all that are not purged if it is `None`.
    fn truncate_after(&self, group: GroupId, kept: Option<LogId>) -> Result<(), LogError>;

    /// Drops the entries up to `upto`.
    fn purge(&self, group: GroupId, upto: LogId) -> Result<(), LogError>;

    fn save_vote(&self, group: GroupId, vote: Bytes, completion: Completion);

    /// Durable with the next operation that is.
    fn save_committed(&self, group: GroupId, committed: Option<LogId>) -> Result<(), LogError>;

    /// The entries with indexes in `range` that the log has: from the first on until they exceed
    /// `bytes_max`, at least one.
    fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, LogError>;

    fn state(&self, group: GroupId) -> GroupState;
}

mod temporary {
    use bytes::Bytes;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct LogId {
        pub term: u64,
        pub index: u64,
    }
    impl LogId {
        pub const fn new(term: u64, index: u64) -> LogId {
            LogId { term, index }
        }
    }
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        pub id: LogId,
        pub payload: Bytes,
    }
    #[derive(Clone, Debug, thiserror::Error)]
    pub enum LogError {
        #[error("the log is poisoned: {reason}")]
        Poisoned { reason: std::sync::Arc<str> },
        #[error("the log is closed")]
        Closed,
    }
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct GroupState {
        pub vote: Option<Bytes>,
        pub committed: Option<LogId>,
        pub purged: Option<LogId>,
        pub last: Option<LogId>,
        pub synced_index: Option<u64>,
    }
    pub type Completion = Box<dyn FnOnce(Result<(), LogError>) + Send>;
}
