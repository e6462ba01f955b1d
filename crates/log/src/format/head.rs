//! The payload of a head record: what is known of every group where a segment begins, so that no
//! older segment is needed for it.
//!
//! `count: u32`, then for each group, in order: `group: u32`, `flags: u8` (1 vote, 2 committed,
//! 4 purged, 8 last), `first: u64`, and for each set flag the vote (`u16` length, bytes) or an id
//! (`term: u64`, `index: u64`).

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes};
use squorum_types::GroupId;

use super::{Malformed, put_id, put_short, take_id, take_short};
use crate::group::GroupRecord;

/// Most bytes that one group takes, in a head and in a marker.
pub(crate) const GROUP_BYTES_MAX: usize = 4 + 1 + 8 + 2 + crate::Options::VOTE_BYTES_MAX + 3 * 16;

const VOTE: u8 = 1;
const COMMITTED: u8 = 2;
const PURGED: u8 = 4;
const LAST: u8 = 8;

pub(crate) fn encode(groups: &BTreeMap<GroupId, GroupRecord>) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(4 + groups.len() * GROUP_BYTES_MAX);
    buffer.put_u32_le(u32::try_from(groups.len()).expect("groups are at most GROUPS_MAX"));
    for (group, record) in groups {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        buffer.put_u32_le(group.0);
        buffer.put_u8(
            flag(record.vote.is_some(), VOTE)
                | flag(record.committed.is_some(), COMMITTED)
                | flag(record.purged.is_some(), PURGED)
                | flag(record.last.is_some(), LAST),
        );
        buffer.put_u64_le(record.first);
        if let Some(vote) = &record.vote {
            put_short(&mut buffer, vote);
        }
        for id in [record.committed, record.purged, record.last]
            .into_iter()
            .flatten()
        {
            put_id(&mut buffer, id);
        }
    }
    buffer
}

pub(crate) fn decode(mut bytes: Bytes) -> Result<BTreeMap<GroupId, GroupRecord>, Malformed> {
    let count = bytes.try_get_u32_le()?;
    let mut groups = BTreeMap::new();
    for _ in 0..count {
        let group = GroupId(bytes.try_get_u32_le()?);
        let flags = bytes.try_get_u8()?;
        if flags & !(VOTE | COMMITTED | PURGED | LAST) != 0 {
            return Err(Malformed);
        }
        let mut record = GroupRecord {
            first: bytes.try_get_u64_le()?,
            ..GroupRecord::default()
        };
        if flags & VOTE != 0 {
            record.vote = Some(Bytes::copy_from_slice(&take_short(&mut bytes)?));
        }
        for (flag, field) in [
            (COMMITTED, &mut record.committed),
            (PURGED, &mut record.purged),
            (LAST, &mut record.last),
        ] {
            if flags & flag != 0 {
                *field = Some(take_id(&mut bytes)?);
            }
        }
        groups.insert(group, record);
    }
    if bytes.is_empty() {
        Ok(groups)
    } else {
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;
    use crate::LogId;

    #[test]
    fn golden() {
        let full = GroupRecord {
            vote: Some(Bytes::from_static(b"vote")),
            committed: Some(LogId::new(2, 8)),
            purged: Some(LogId::new(1, 4)),
            first: 5,
            last: Some(LogId::new(2, 9)),
        };
        let groups = BTreeMap::from([(GroupId(1), full), (GroupId(9), GroupRecord::default())]);
        let bytes = encode(&groups);
        assert_eq!(
            hex(&bytes),
            "02000000010000000f05000000000000\n\
             000400766f7465020000000000000008\n\
             00000000000000010000000000000004\n\
             00000000000000020000000000000009\n\
             00000000000000090000000000000000\n\
             00000000"
        );
        assert_eq!(
            decode(Bytes::from(bytes.clone())).expect("well formed"),
            groups
        );
        for length in 0..bytes.len() {
            decode(Bytes::copy_from_slice(&bytes[..length])).expect_err("cut short");
        }
    }
}
