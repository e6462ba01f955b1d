//! What is submitted to the log, in the order in which it reaches the disk.

use bytes::Bytes;
use squorum_types::GroupId;

use crate::entry::{Entry, LogId};
use crate::format::record;

#[derive(Debug)]
pub(crate) enum Operation {
    Append { group: GroupId, entries: Vec<Entry> },
    Vote { group: GroupId, vote: Bytes },
    Committed { group: GroupId, committed: LogId },
    TruncateAfter { group: GroupId, kept: Option<LogId> },
    Purge { group: GroupId, upto: LogId },
}

impl Operation {
    /// Bytes on disk, and roughly in the queue.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Operation::Append { entries, .. } => entries
                .iter()
                .map(|entry| record::HEADER_BYTES + entry.payload.len())
                .sum(),
            Operation::Vote { vote, .. } => record::HEADER_BYTES + vote.len(),
            _ => record::HEADER_BYTES,
        }
    }
}
