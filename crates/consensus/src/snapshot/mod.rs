//! Snapshots of one group's rows.
//!
//! A snapshot describes itself: where it stands (log id and membership) is read from the rows of
//! the same unchanging view of the store that the other rows come from, never from live state. It
//! travels as [`chunk`]s: a header, rows, an end; each has a checksum, and the end a digest over
//! all of them.

mod builder;
mod chunk;
mod data;
mod decoder;
mod encoder;
mod error;
mod incoming;
mod spooled;
mod store;

#[cfg(test)]
mod tests;

pub(crate) use self::builder::SnapshotBuilder;
pub(crate) use self::data::{Chunks, SnapshotData};
pub use self::error::SnapshotError;
pub(crate) use self::incoming::IncomingSnapshot;
pub(crate) use self::store::{GroupStore, SnapshotStore};

use bytes::Bytes;
use squorum_types::GroupId;

use crate::state_machine::Applied;

/// Where the rows of a snapshot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    pub(crate) group: GroupId,
    pub(crate) applied: Applied,
}

/// The chunks of a snapshot, one after the other; `None` after the last. Blocks: not for an
/// asynchronous worker.
pub(crate) trait ChunkSource: Send {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError>;
}
