//! What the log keeps: an entry is an id and opaque bytes.

use std::fmt;

use bytes::Bytes;

/// Position of an entry in its group's log. Ordered by term, then index.
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

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.term, self.index)
    }
}

/// One entry. The payload is never looked into; cloning shares its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: LogId,
    pub payload: Bytes,
}
