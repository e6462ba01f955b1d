use bytes::Bytes;
use squorum_store::{StoreError, chain_digest};

use super::chunk::{self, Chunk, RowsBody};
use super::{ChunkSource, SnapshotError};
use crate::codec::message::SnapshotEndMessage;

/// The rows of a snapshot. Fails, instead of ending, if anything is missing: whoever installs the
/// rows must take all or none.
pub(crate) struct Rows {
    source: Box<dyn ChunkSource>,
    body: RowsBody,
    seen: SnapshotEndMessage,
    done: bool,
}

impl Rows {
    /// `header`: the chunk that was read already.
    pub(super) fn new(source: Box<dyn ChunkSource>, header: &Bytes) -> Rows {
        let mut rows = Rows {
            source,
            body: RowsBody::default(),
            seen: SnapshotEndMessage::default(),
            done: false,
        };
        rows.link(header);
        rows
    }

    fn link(&mut self, chunk: &Bytes) {
        self.seen.digest = chain_digest(self.seen.digest, u64::from(chunk::checksum(chunk)));
    }

    fn next_row(&mut self) -> Result<Option<(Bytes, Bytes)>, SnapshotError> {
        // Bounded by the chunks: each round that does not return takes one.
        loop {
            if let Some(row) = self.body.next_row()? {
                self.seen.rows += 1;
                return Ok(Some(row));
            }
            let chunk = self.source.next_chunk()?.ok_or(SnapshotError::Truncated)?;
            match chunk::decode(chunk.clone())? {
                Chunk::Rows(body) => {
                    self.link(&chunk);
                    self.body = body;
                }
                Chunk::End(end) if end == self.seen => return Ok(None),
                Chunk::End(_) => return Err(SnapshotError::Damaged("chunks are missing")),
                Chunk::Header(_) => return Err(SnapshotError::Damaged("a second header")),
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<(Bytes, Bytes), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.next_row();
        self.done = !matches!(row, Ok(Some(_)));
        row.map_err(|error| StoreError::RowSource(error.to_string()))
            .transpose()
    }
}
