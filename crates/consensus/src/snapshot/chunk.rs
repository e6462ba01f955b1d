//! One chunk: `crc32c (u32, little-endian, over all that follows) | version (1) | kind | body`.
//! The body of a rows chunk is `key length (u32) | value length (u32) | key | value`, repeated, of
//! the other two a protobuf message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use squorum_types::GroupId;

use super::{SnapshotError, SnapshotHeader};
use crate::codec::CodecError;
use crate::codec::message::{AppliedMessage, SnapshotEndMessage, SnapshotHeaderMessage};

const VERSION: u8 = 1;
const HEADER: u8 = 0;
const ROWS: u8 = 1;
const END: u8 = 2;

/// Bytes before the body.
const PREFIX_BYTES: usize = 6;

pub(super) enum Chunk {
    Header(SnapshotHeader),
    Rows(RowsBody),
    End(SnapshotEndMessage),
}

/// The rows of one chunk.
#[derive(Debug, Default)]
pub(super) struct RowsBody(Bytes);

impl RowsBody {
    pub(super) fn next_row(&mut self) -> Result<Option<(Bytes, Bytes)>, SnapshotError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        if self.0.len() < 8 {
            return Err(SnapshotError::Damaged("a row's lengths are cut off"));
        }
        let key_bytes = self.0.get_u32_le() as usize;
        let value_bytes = self.0.get_u32_le() as usize;
        if self.0.len() < key_bytes + value_bytes {
            return Err(SnapshotError::Damaged("a row is cut off"));
        }
        Ok(Some((
            self.0.split_to(key_bytes),
            self.0.split_to(value_bytes),
        )))
    }
}

/// A rows chunk under construction.
pub(super) struct RowsBuilder {
    buffer: BytesMut,
    pub(super) rows: u64,
}

impl RowsBuilder {
    pub(super) fn new() -> RowsBuilder {
        RowsBuilder {
            buffer: begin(ROWS, 0),
            rows: 0,
        }
    }

    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        // Rows are far below 4 GiB: the log's largest entry is half a segment.
        self.buffer
            .put_u32_le(u32::try_from(key.len()).expect("a key is below 4 GiB"));
        self.buffer
            .put_u32_le(u32::try_from(value.len()).expect("a value is below 4 GiB"));
        self.buffer.put_slice(key);
        self.buffer.put_slice(value);
        self.rows += 1;
    }

    pub(super) fn bytes(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn finish(self) -> Bytes {
        seal(self.buffer)
    }
}

pub(super) fn encode_header(header: &SnapshotHeader) -> Bytes {
    let applied = Some(AppliedMessage::from(&header.applied));
    encode(
        HEADER,
        &SnapshotHeaderMessage {
            group: header.group.0,
            applied,
        },
    )
}

pub(super) fn encode_end(end: SnapshotEndMessage) -> Bytes {
    encode(END, &end)
}

/// The checksum of a chunk, as its first bytes say.
pub(super) fn checksum(chunk: &[u8]) -> u32 {
    chunk
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

pub(super) fn decode(mut bytes: Bytes) -> Result<Chunk, SnapshotError> {
    let what = "snapshot chunk";
    if bytes.len() < PREFIX_BYTES {
        return Err(SnapshotError::Damaged("shorter than its prefix"));
    }
    let expected = bytes.get_u32_le();
    if crc32c::crc32c(&bytes) != expected {
        return Err(SnapshotError::Damaged("its checksum is wrong"));
    }
    let version = bytes.get_u8();
    if version != VERSION {
        return Err(CodecError::Version { what, version }.into());
    }
    let malformed = |error: prost::DecodeError| {
        SnapshotError::from(CodecError::Malformed {
            what,
            reason: error.to_string(),
        })
    };
    match bytes.get_u8() {
        HEADER => {
            let message = SnapshotHeaderMessage::decode(bytes).map_err(malformed)?;
            let applied = message.applied.unwrap_or_default().into();
            Ok(Chunk::Header(SnapshotHeader {
                group: GroupId(message.group),
                applied,
            }))
        }
        ROWS => Ok(Chunk::Rows(RowsBody(bytes))),
        END => Ok(Chunk::End(
            SnapshotEndMessage::decode(bytes).map_err(malformed)?,
        )),
        _ => Err(SnapshotError::Damaged("of an unknown kind")),
    }
}

fn encode(kind: u8, message: &impl Message) -> Bytes {
    let mut buffer = begin(kind, message.encoded_len());
    message.encode_raw(&mut buffer);
    seal(buffer)
}

fn begin(kind: u8, body_bytes: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(PREFIX_BYTES + body_bytes);
    buffer.put_u32_le(0);
    buffer.put_u8(VERSION);
    buffer.put_u8(kind);
    buffer
}

fn seal(mut buffer: BytesMut) -> Bytes {
    let checksum = crc32c::crc32c(&buffer[4..]);
    buffer[..4].copy_from_slice(&checksum.to_le_bytes());
    buffer.freeze()
}
