//! What a watchdog, a checkpointer and metrics want to know of a log.

use std::time::Duration;

use crate::error::LogError;

/// A snapshot of the log's condition; cheap to take.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// For how long the write and sync in progress have been running; `None` if none is.
    pub sync_in_progress: Option<Duration>,
    /// Bytes of disk held by segments that are not freed yet. A checkpointer acts on it: flush the
    /// state, then purge every group.
    pub retained_bytes: u64,
    /// Segments that are not freed yet.
    pub segments: u64,
    /// Syncs of segments so far; the marker's are not counted.
    pub flushes: u64,
    /// Records written so far.
    pub records: u64,
    /// Bytes written to segments so far.
    pub written_bytes: u64,
    /// Operations that wait for the writer, in bytes.
    pub queued_bytes: usize,
    /// Memory of the in-memory tails of all groups, in bytes.
    pub tail_bytes: usize,
    /// Why the log is poisoned, if it is.
    pub failure: Option<LogError>,
}
