use bytes::{BufMut, Bytes, BytesMut};
use squorum_store::{Cursor, View, chain_digest};
use squorum_types::GroupId;

use super::chunk::{self, RowsBuilder};
use super::{ChunkSource, SnapshotError, SnapshotHeader};
use crate::codec::message::SnapshotEndMessage;
use crate::state_machine::{StoredState, first_state_key, group_key_range};

/// A rows chunk is sent when it has this many bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// Makes chunks of a group's rows in an unchanging view of the store. It seeks anew for every
/// chunk, so it holds no cursor meanwhile.
pub(super) struct Encoder<V> {
    view: V,
    header: SnapshotHeader,
    stage: Stage,
    end: SnapshotEndMessage,
}

enum Stage {
    Header,
    /// Rows from this key on.
    Rows(Bytes),
    Done,
}

impl<V: View> Encoder<V> {
    pub(super) fn new(view: V, group: GroupId) -> Result<Encoder<V>, SnapshotError> {
        let applied = StoredState::read(&view, group)?.applied;
        let header = SnapshotHeader { group, applied };
        Ok(Encoder {
            view,
            header,
            stage: Stage::Header,
            end: SnapshotEndMessage::default(),
        })
    }

    /// The rows from `start` on that fit into a chunk, and the key to go on from.
    fn rows(&self, start: &Bytes) -> Result<(RowsBuilder, Bytes), SnapshotError> {
        let end = group_key_range(self.header.group).end;
        let mut cursor = self.view.scan(start..&end)?;
        let mut rows = RowsBuilder::new();
        while let Some((key, value)) = cursor.next()? {
            rows.push(key, value);
            if rows.bytes() >= CHUNK_BYTES {
                return Ok((rows, successor(key)));
            }
        }
        Ok((rows, end))
    }
}

impl<V: View + Send> ChunkSource for Encoder<V> {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        let chunk = match &self.stage {
            Stage::Header => {
                self.stage = Stage::Rows(first_state_key(self.header.group));
                chunk::encode_header(&self.header)
            }
            Stage::Rows(start) => {
                let (rows, next) = self.rows(start)?;
                if rows.rows == 0 {
                    self.stage = Stage::Done;
                    return Ok(Some(chunk::encode_end(self.end)));
                }
                self.end.rows += rows.rows;
                self.stage = Stage::Rows(next);
                rows.finish()
            }
            Stage::Done => return Ok(None),
        };
        self.end.digest = chain_digest(self.end.digest, u64::from(chunk::checksum(&chunk)));
        Ok(Some(chunk))
    }
}

/// The lowest key above `key`.
fn successor(key: &[u8]) -> Bytes {
    let mut next = BytesMut::with_capacity(key.len() + 1);
    next.put_slice(key);
    next.put_u8(0);
    next.freeze()
}
