//! One slot of the marker file.
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | magic |
//! | 8 | 1 | version |
//! | 9 | 3 | 0 |
//! | 12 | 4 | length of the body |
//! | 16 | | body |
//! | | 4 | crc32c of everything before |
//!
//! Body: `counter: u64` (the newer slot has the greater), `sequence: u64` and `checksum: u32` of
//! the last synced record, `segment: u64` (the newest number in use), `count: u32`, then for each
//! group `group: u32` and its vote (`u16` length, bytes).

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes};
use squorum_types::GroupId;

use super::{Malformed, field, put_short, take_short};

/// Distance of the two slots; a slot never grows beyond it.
pub(crate) const SLOT_BYTES: usize = 256 << 10;
const PREFIX_BYTES: usize = 16;
const VERSION: u8 = 1;
const MAGIC: &[u8; 8] = b"SQUOMARK";

// Every group's vote fits into a slot.
const _: () =
    assert!(crate::Options::GROUPS_MAX * (6 + crate::Options::VOTE_BYTES_MAX) + 64 < SLOT_BYTES);

/// What the log is known to hold for certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) counter: u64,
    pub(crate) sequence: u64,
    pub(crate) checksum: u32,
    pub(crate) segment: u64,
    pub(crate) votes: BTreeMap<GroupId, Bytes>,
}

pub(crate) enum Decoded {
    Valid(Marker),
    Unsupported(u8),
    Invalid,
}

impl Marker {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.put_u64_le(self.counter);
        body.put_u64_le(self.sequence);
        body.put_u32_le(self.checksum);
        body.put_u64_le(self.segment);
        body.put_u32_le(u32::try_from(self.votes.len()).expect("groups are at most GROUPS_MAX"));
        for (group, vote) in &self.votes {
            body.put_u32_le(group.0);
            put_short(&mut body, vote);
        }
        let mut slot = Vec::with_capacity(PREFIX_BYTES + body.len() + 4);
        slot.put_slice(MAGIC);
        slot.put_slice(&[VERSION, 0, 0, 0]);
        slot.put_u32_le(u32::try_from(body.len()).expect("a slot is far below 4 GiB"));
        slot.put_slice(&body);
        let checksum = crc32c::crc32c(&slot);
        slot.put_u32_le(checksum);
        assert!(slot.len() <= SLOT_BYTES, "a marker outgrew its slot");
        slot
    }

    pub(crate) fn decode(slot: &[u8]) -> Decoded {
        let Some(prefix) = slot.first_chunk::<PREFIX_BYTES>() else {
            return Decoded::Invalid;
        };
        let end = PREFIX_BYTES + field!(u32, prefix, 12) as usize;
        let Some(stored) = slot.get(end..end + 4) else {
            return Decoded::Invalid;
        };
        if prefix[..8] != MAGIC[..] || crc32c::crc32c(&slot[..end]) != field!(u32, stored, 0) {
            return Decoded::Invalid;
        }
        if prefix[8] != VERSION {
            return Decoded::Unsupported(prefix[8]);
        }
        match Self::decode_body(Bytes::copy_from_slice(&slot[PREFIX_BYTES..end])) {
            Ok(marker) => Decoded::Valid(marker),
            Err(Malformed) => Decoded::Invalid,
        }
    }

    fn decode_body(mut body: Bytes) -> Result<Marker, Malformed> {
        let mut marker = Marker {
            counter: body.try_get_u64_le()?,
            sequence: body.try_get_u64_le()?,
            checksum: body.try_get_u32_le()?,
            segment: body.try_get_u64_le()?,
            votes: BTreeMap::new(),
        };
        for _ in 0..body.try_get_u32_le()? {
            let group = GroupId(body.try_get_u32_le()?);
            let vote = take_short(&mut body)?;
            marker.votes.insert(group, vote);
        }
        if body.is_empty() {
            Ok(marker)
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    #[test]
    fn golden() {
        let marker = Marker {
            counter: 3,
            sequence: 0x1000,
            checksum: 0xaabb_ccdd,
            segment: 5,
            votes: BTreeMap::from([(GroupId(1), Bytes::from_static(b"vote"))]),
        };
        let bytes = marker.encode();
        assert_eq!(
            hex(&bytes),
            "5351554f4d41524b010000002a000000\n\
             03000000000000000010000000000000\n\
             ddccbbaa050000000000000001000000\n\
             010000000400766f746558d3294c"
        );
        assert!(matches!(Marker::decode(&bytes), Decoded::Valid(decoded) if decoded == marker));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Marker::decode(&damaged), Decoded::Invalid));
        }
    }
}
