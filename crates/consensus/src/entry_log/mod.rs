//! Between openraft and the log that all groups of a node share.

mod appended_bytes;
mod flush;
mod holds;
mod reader;
mod storage;
mod sync_progress;

use std::ops::Range;

use bytes::Bytes;
use squorum_log::{Completion, Entry, GroupState, Log, LogError, LogId};
use squorum_types::GroupId;

pub(crate) use self::holds::{HoldGuard, Holds};
pub(crate) use self::reader::{LogReader, READ_BYTES_MAX};
pub(crate) use self::storage::{LogStorage, LogView, from_log};
pub(crate) use self::sync_progress::SyncProgress;

/// The log as this crate uses it: [`squorum_log::Log`], or a test's stand-in. Whatever is refused
/// with an error has had no effect, and its completion is dropped.
///
/// 1. An entry can be read when `append` returns; completions run after the sync, in the order in
///    which the operations were submitted.
/// 2. Operations reach the disk in that order.
/// 3. After a failure no completion succeeds.
pub trait EntryLog: Send + Sync + 'static {
    fn append(
        &self,
        group: GroupId,
        entries: Vec<Entry>,
        completion: Completion,
    ) -> Result<(), LogError>;

    /// Drops the entries after `kept`; all that are not purged if it is `None`.
    fn truncate_after(&self, group: GroupId, kept: Option<LogId>) -> Result<(), LogError>;

    /// Drops the entries up to `upto`.
    fn purge(&self, group: GroupId, upto: LogId) -> Result<(), LogError>;

    fn save_vote(
        &self,
        group: GroupId,
        vote: Bytes,
        completion: Completion,
    ) -> Result<(), LogError>;

    /// Durable with the next operation that is.
    fn save_committed(&self, group: GroupId, committed: LogId);

    /// The entries with indexes in `range` that the log has: from the first on as many as fit into
    /// `bytes_max`, at least one.
    fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, LogError>;

    fn state(&self, group: GroupId) -> GroupState;

    /// Whether a read from index `from` on goes to the disk.
    fn read_blocks(&self, group: GroupId, from: u64) -> bool;

    /// Whether an operation with so many bytes of payload has to wait for the disk before it is taken.
    fn write_blocks(&self, bytes: usize) -> bool;
}

impl EntryLog for Log {
    fn append(
        &self,
        group: GroupId,
        entries: Vec<Entry>,
        completion: Completion,
    ) -> Result<(), LogError> {
        Log::append(self, group, entries, completion)
    }

    fn truncate_after(&self, group: GroupId, kept: Option<LogId>) -> Result<(), LogError> {
        Log::truncate_after(self, group, kept, Box::new(ignore))
    }

    fn purge(&self, group: GroupId, upto: LogId) -> Result<(), LogError> {
        Log::purge(self, group, upto, Box::new(ignore))
    }

    fn save_vote(
        &self,
        group: GroupId,
        vote: Bytes,
        completion: Completion,
    ) -> Result<(), LogError> {
        Log::save_vote(self, group, vote, completion)
    }

    fn save_committed(&self, group: GroupId, committed: LogId) {
        Log::save_committed(self, group, committed);
    }

    fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, LogError> {
        Log::read(self, group, range, bytes_max)
    }

    fn state(&self, group: GroupId) -> GroupState {
        Log::state(self, group)
    }

    fn read_blocks(&self, group: GroupId, from: u64) -> bool {
        !Log::has_in_memory(self, group, from)
    }

    fn write_blocks(&self, bytes: usize) -> bool {
        !Log::has_room(self, bytes)
    }
}

/// For what nobody waits for: a failure poisons the log, and the next append tells.
fn ignore(_: Result<(), LogError>) {}
