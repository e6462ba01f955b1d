//! The bytes on disk. Every format carries a version and has a golden test; integers are little
//! endian; lengths in bytes.
//!
//! | file | content |
//! |---|---|
//! | `<number>.log` | a segment: [`segment_header`], then records ([`record`]), the first of them a [`head`] |
//! | `marker` | two [`marker`] slots |
//! | `spare-<number>` | a freed segment, to be overwritten |
//! | `lost-<number>.log` | kept by `Options::accept_loss`, never read again |
//! | `LOCK` | locked by the process that has the directory open |

use bytes::{Buf, BufMut, Bytes};

pub(crate) mod head;
pub(crate) mod marker;
pub(crate) mod record;
pub(crate) mod segment_header;

use crate::entry::LogId;

/// A format error has no more to say than that the bytes are not what they should be: whether that
/// is a torn write or damage, only recovery can tell.
#[derive(Debug)]
pub(crate) struct Malformed;

impl From<bytes::TryGetError> for Malformed {
    fn from(_: bytes::TryGetError) -> Self {
        Malformed
    }
}

pub(crate) fn put_id(buffer: &mut Vec<u8>, id: LogId) {
    buffer.put_u64_le(id.term);
    buffer.put_u64_le(id.index);
}

pub(crate) fn take_id(bytes: &mut Bytes) -> Result<LogId, Malformed> {
    let term = bytes.try_get_u64_le()?;
    let index = bytes.try_get_u64_le()?;
    Ok(LogId { term, index })
}

pub(crate) fn put_short(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("votes are checked against VOTE_BYTES_MAX");
    buffer.put_u16_le(length);
    buffer.put_slice(bytes);
}

pub(crate) fn take_short(bytes: &mut Bytes) -> Result<Bytes, Malformed> {
    let length = usize::from(bytes.try_get_u16_le()?);
    if bytes.len() < length {
        return Err(Malformed);
    }
    Ok(bytes.split_to(length))
}

/// Reads a little-endian integer at a constant place of an array whose length is known.
macro_rules! field {
    ($type:ty, $bytes:expr, $at:expr) => {{
        const SIZE: usize = size_of::<$type>();
        let mut raw = [0u8; SIZE];
        raw.copy_from_slice(&$bytes[$at..$at + SIZE]);
        <$type>::from_le_bytes(raw)
    }};
}
pub(crate) use field;

/// Prints bytes for golden tests: 16 a line.
#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .chunks(16)
        .map(|line| {
            line.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("\n")
}
