//! A record: 48 bytes of header, then the payload.
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 4 | checksum: crc32c of everything after it, payload included |
//! | 4 | 4 | checksum of the record before (of the segment header for a segment's first) |
//! | 8 | 4 | payload length |
//! | 12 | 1 | version |
//! | 13 | 1 | kind |
//! | 14 | 1 | flags |
//! | 15 | 1 | 0 |
//! | 16 | 8 | sequence |
//! | 24 | 4 | group |
//! | 28 | 4 | 0 |
//! | 32 | 8 | term |
//! | 40 | 8 | index |
//!
//! The checksums form a chain, and sequences rise by one from record to record. So a stale record
//! of a recycled segment never continues the chain; and because the record before is named, a
//! single record can be verified without reading what stands before it.

use bytes::BufMut;

use super::{Malformed, field};
use crate::entry::LogId;

pub(crate) const HEADER_BYTES: usize = 48;
pub(crate) const VERSION: u8 = 1;
/// Of a truncation: nothing is kept, term and index mean nothing.
pub(crate) const FLAG_NOTHING_KEPT: u8 = 1;

/// What a record says. Numbers from 7 to 15 are reserved for notes that the node keeps in its log
/// (snapshot intents).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// State of all groups, at the head of a segment.
    Head = 1,
    Append = 2,
    Vote = 3,
    Committed = 4,
    Truncate = 5,
    Purge = 6,
}

impl Kind {
    fn from_number(number: u8) -> Option<Kind> {
        Some(match number {
            1 => Kind::Head,
            2 => Kind::Append,
            3 => Kind::Vote,
            4 => Kind::Committed,
            5 => Kind::Truncate,
            6 => Kind::Purge,
            _ => return None,
        })
    }
}

/// The header of a record, as read or about to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) checksum: u32,
    pub(crate) previous: u32,
    pub(crate) length: u32,
    pub(crate) version: u8,
    pub(crate) kind_number: u8,
    pub(crate) flags: u8,
    pub(crate) sequence: u64,
    pub(crate) group: u32,
    pub(crate) id: LogId,
}

impl Header {
    pub(crate) fn new(kind: Kind, group: u32, id: LogId) -> Header {
        Header {
            checksum: 0,
            previous: 0,
            length: 0,
            version: VERSION,
            kind_number: kind as u8,
            flags: 0,
            sequence: 0,
            group,
            id,
        }
    }

    /// Appends the record to `buffer`; `previous` and `sequence` must be set. Returns its checksum.
    pub(crate) fn encode(&self, payload: &[u8], buffer: &mut Vec<u8>) -> u32 {
        let start = buffer.len();
        let length = u32::try_from(payload.len()).expect("payloads are below SEGMENT_BYTES_MAX");
        buffer.reserve(HEADER_BYTES + payload.len());
        buffer.put_u32_le(0);
        buffer.put_u32_le(self.previous);
        buffer.put_u32_le(length);
        buffer.put_slice(&[self.version, self.kind_number, self.flags, 0]);
        buffer.put_u64_le(self.sequence);
        buffer.put_u32_le(self.group);
        buffer.put_u32_le(0);
        buffer.put_u64_le(self.id.term);
        buffer.put_u64_le(self.id.index);
        buffer.put_slice(payload);
        let checksum = crc32c::crc32c(&buffer[start + 4..]);
        buffer[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
        checksum
    }

    /// Reads the fields, whatever they are.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Header {
        Header {
            checksum: field!(u32, bytes, 0),
            previous: field!(u32, bytes, 4),
            length: field!(u32, bytes, 8),
            version: bytes[12],
            kind_number: bytes[13],
            flags: bytes[14],
            sequence: field!(u64, bytes, 16),
            group: field!(u32, bytes, 24),
            id: LogId {
                term: field!(u64, bytes, 32),
                index: field!(u64, bytes, 40),
            },
        }
    }

    /// The kind, if this program knows the record's version and kind.
    pub(crate) fn kind(&self) -> Option<Kind> {
        (self.version == VERSION)
            .then(|| Kind::from_number(self.kind_number))
            .flatten()
    }

    /// Bytes of the whole record.
    pub(crate) fn record_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.length)
    }
}

/// Checks a whole record against its own checksum.
pub(crate) fn verify(record: &[u8]) -> Result<(), Malformed> {
    let Some((checksum, rest)) = record.split_first_chunk::<4>() else {
        return Err(Malformed);
    };
    if crc32c::crc32c(rest) == u32::from_le_bytes(*checksum) {
        Ok(())
    } else {
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    #[test]
    fn golden() {
        let mut header = Header::new(Kind::Append, 7, LogId::new(3, 0x0102));
        header.previous = 0xaabb_ccdd;
        header.sequence = 0x1122;
        let mut bytes = Vec::new();
        header.checksum = header.encode(b"hello", &mut bytes);
        header.length = 5;
        assert_eq!(
            hex(&bytes),
            "c6f6a7c2ddccbbaa0500000001020000\n\
             22110000000000000700000000000000\n\
             03000000000000000201000000000000\n\
             68656c6c6f"
        );
        verify(&bytes).expect("the checksum is right");
        let raw = bytes.first_chunk().expect("a header");
        assert_eq!(Header::decode(raw), header);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            verify(&damaged).expect_err("a flipped bit is noticed");
        }
    }
}
