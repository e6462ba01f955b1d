//! Errors: of a running log ([`LogError`]) and of opening one ([`OpenError`]).

use std::io;
use std::sync::Arc;

use thiserror::Error;

/// Why an operation on an open log failed.
#[derive(Clone, Debug, Error)]
pub enum LogError {
    /// A write or a sync failed earlier, or just now. Nothing is acknowledged any more; the only
    /// way on is to end the process and open the log again.
    #[error("the log is poisoned: {reason}")]
    Poisoned { reason: Arc<str> },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// A payload or a vote is larger than a record may be. Nothing was written.
    #[error("a record of {bytes} bytes exceeds the limit of {limit_bytes} bytes")]
    TooLarge { bytes: usize, limit_bytes: usize },
    /// More groups than segment heads and the marker have room for. Nothing was written.
    #[error("a log holds at most {limit} groups")]
    TooManyGroups { limit: usize },
    /// An entry could not be read. Fatal for the group that needs it.
    #[error("cannot read segment {segment}: {source}")]
    Read {
        segment: u64,
        source: Arc<io::Error>,
    },
    /// An entry on disk does not match its checksum or its place.
    #[error("segment {segment} is corrupt at byte {offset}: {detail}")]
    Corrupt {
        segment: u64,
        offset: u64,
        detail: &'static str,
    },
}

/// Why a log could not be opened.
///
/// [`is_amnesia`](OpenError::is_amnesia) tells the errors that mean "this node has lost what it
/// had promised to remember" from the rest. Such a node must not vote or acknowledge under its old
/// id. A cluster of one voter may go on with [`Options::accept_loss`](crate::Options::accept_loss).
#[derive(Debug, Error)]
pub enum OpenError {
    /// The log ends before a record that the marker knows to have been synced.
    #[error(
        "the log ends at record {found} (segment {segment}, byte {offset}), but record {marker} was \
         synced: this node has lost part of its log"
    )]
    BehindMarker {
        found: u64,
        marker: u64,
        segment: u64,
        offset: u64,
    },
    /// Synced data is damaged or missing, and it is still needed.
    #[error("the log is corrupt: {detail}")]
    Corrupt { detail: String },
    /// The marker is missing or both its copies are damaged, although there is a log.
    #[error("the log's marker is {what}: nobody can tell whether the log is complete")]
    Marker { what: &'static str },
    /// Another process has the directory open.
    #[error("the log directory is in use by another process")]
    Locked,
    /// Written by a newer version of this program.
    #[error("{what} has version {version}, which this program does not know")]
    Unsupported { what: &'static str, version: u8 },
    /// [`Options`](crate::Options) contradict each other.
    #[error("invalid log options: {0}")]
    Options(&'static str),
    /// The file system failed.
    #[error("{action} {path}: {source}")]
    Io {
        action: &'static str,
        path: String,
        source: io::Error,
    },
}

impl OpenError {
    /// True if this node has lost, or cannot prove that it has not lost, synced data.
    pub fn is_amnesia(&self) -> bool {
        matches!(
            self,
            OpenError::BehindMarker { .. } | OpenError::Corrupt { .. } | OpenError::Marker { .. }
        )
    }
}
