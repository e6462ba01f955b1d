use std::fmt;

use bytes::Bytes;

use super::chunk::{self, Chunk};
use super::decoder::Rows;
use super::{ChunkSource, SnapshotError, SnapshotHeader};
use crate::raft_types::SnapshotMeta;

/// A snapshot at hand: its header has been read, the rows come when they are asked for.
pub(crate) struct SnapshotData {
    header: SnapshotHeader,
    header_chunk: Bytes,
    source: Box<dyn ChunkSource>,
}

impl SnapshotData {
    pub(crate) fn new(mut source: Box<dyn ChunkSource>) -> Result<SnapshotData, SnapshotError> {
        let header_chunk = source.next_chunk()?.ok_or(SnapshotError::Truncated)?;
        match chunk::decode(header_chunk.clone())? {
            Chunk::Header(header) => Ok(SnapshotData {
                header,
                header_chunk,
                source,
            }),
            Chunk::Rows(_) | Chunk::End(_) => Err(SnapshotError::Damaged("the header is missing")),
        }
    }

    /// Where the rows stand, as they say themselves.
    pub(crate) fn meta(&self) -> SnapshotMeta {
        self.header.applied.snapshot_meta()
    }

    /// All chunks, to be sent.
    pub(crate) fn into_chunks(self) -> Chunks {
        Chunks {
            header: Some(self.header_chunk),
            rest: self.source,
        }
    }

    pub(crate) fn into_rows(self) -> (SnapshotHeader, Rows) {
        let rows = Rows::new(self.source, &self.header_chunk);
        (self.header, rows)
    }
}

impl fmt::Debug for SnapshotData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotData")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// The chunks of a snapshot at hand. Blocks, as [`ChunkSource`] does.
pub(crate) struct Chunks {
    header: Option<Bytes>,
    rest: Box<dyn ChunkSource>,
}

impl Chunks {
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        match self.header.take() {
            Some(header) => Ok(Some(header)),
            None => self.rest.next_chunk(),
        }
    }
}
