//! The first 64 bytes of a segment.
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | magic |
//! | 8 | 1 | version |
//! | 9 | 7 | 0 |
//! | 16 | 8 | number: names the file too, rises from segment to segment, never used twice |
//! | 24 | 8 | sequence of the first record |
//! | 32 | 8 | sequence of the last record of the segment before |
//! | 40 | 4 | checksum of that record |
//! | 44 | 16 | 0 |
//! | 60 | 4 | crc32c of the 60 bytes before |
//!
//! The header's checksum seeds the chain of the segment's records. As numbers are never used twice,
//! no byte written under another number can continue it, not even the same records once more.
//! A segment is begun only after the one before is synced, so a valid header proves how far the one
//! before must reach.

use bytes::BufMut;

use super::field;

pub(crate) const HEADER_BYTES: usize = 64;
const VERSION: u8 = 1;
const MAGIC: &[u8; 8] = b"SQUOLOG\0";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    pub(crate) first_sequence: u64,
    pub(crate) previous_sequence: u64,
    pub(crate) previous_checksum: u32,
}

/// What the first bytes of a file turned out to be.
pub(crate) enum Decoded {
    /// The header and the seed of the chain.
    Valid(SegmentHeader, u32),
    Unsupported(u8),
    Invalid,
}

impl SegmentHeader {
    /// Appends the header to `buffer`. Returns the seed of the segment's chain.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) -> u32 {
        let start = buffer.len();
        buffer.put_slice(MAGIC);
        buffer.put_u8(VERSION);
        buffer.put_bytes(0, 7);
        buffer.put_u64_le(self.number);
        buffer.put_u64_le(self.first_sequence);
        buffer.put_u64_le(self.previous_sequence);
        buffer.put_u32_le(self.previous_checksum);
        buffer.put_bytes(0, 16);
        let seed = crc32c::crc32c(&buffer[start..]);
        buffer.put_u32_le(seed);
        seed
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Decoded {
        let seed = field!(u32, bytes, 60);
        if bytes[..8] != MAGIC[..] || crc32c::crc32c(&bytes[..60]) != seed {
            return Decoded::Invalid;
        }
        if bytes[8] != VERSION {
            return Decoded::Unsupported(bytes[8]);
        }
        let header = SegmentHeader {
            number: field!(u64, bytes, 16),
            first_sequence: field!(u64, bytes, 24),
            previous_sequence: field!(u64, bytes, 32),
            previous_checksum: field!(u32, bytes, 40),
        };
        Decoded::Valid(header, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    #[test]
    fn golden() {
        let header = SegmentHeader {
            number: 5,
            first_sequence: 0x1001,
            previous_sequence: 0x1000,
            previous_checksum: 0xaabb_ccdd,
        };
        let mut bytes = Vec::new();
        let seed = header.encode(&mut bytes);
        assert_eq!(
            hex(&bytes),
            "5351554f4c4f47000100000000000000\n\
             05000000000000000110000000000000\n\
             0010000000000000ddccbbaa00000000\n\
             0000000000000000000000003250a9fe"
        );
        let mut raw: [u8; HEADER_BYTES] = bytes.try_into().expect("64 bytes");
        assert!(
            matches!(SegmentHeader::decode(&raw), Decoded::Valid(h, s) if h == header && s == seed)
        );
        raw[17] ^= 1;
        assert!(matches!(SegmentHeader::decode(&raw), Decoded::Invalid));
    }
}
