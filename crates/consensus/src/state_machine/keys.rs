//! Where a group's rows lie: the group's id (`u32`, big-endian), then one byte that says whose row
//! it is: 0 this crate's, from [`FIRST_STATE_BYTE`] on the replicated state's.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use squorum_types::GroupId;

/// The first value of the byte after the group's id that a state may use.
pub const FIRST_STATE_BYTE: u8 = 1;

const OWN_BYTE: u8 = 0;
const APPLIED: u8 = 1;
const INSTALLED: u8 = 2;

/// The keys of all rows of a group. `u32::MAX` is no group.
pub fn group_key_range(group: GroupId) -> Range<Bytes> {
    let next = group
        .0
        .checked_add(1)
        .expect("a group's id is below u32::MAX");
    let key = |id: u32| Bytes::copy_from_slice(&id.to_be_bytes());
    key(group.0)..key(next)
}

/// The first key of the replicated state's own rows.
pub(crate) fn first_state_key(group: GroupId) -> Bytes {
    key(group, &[FIRST_STATE_BYTE])
}

/// How far the rows have come: written with every batch.
pub(crate) fn applied_key(group: GroupId) -> Bytes {
    key(group, &[OWN_BYTE, APPLIED])
}

/// How far the rows had come when they were installed from a snapshot.
pub(crate) fn installed_key(group: GroupId) -> Bytes {
    key(group, &[OWN_BYTE, INSTALLED])
}

fn key(group: GroupId, rest: &[u8]) -> Bytes {
    let mut key = BytesMut::with_capacity(4 + rest.len());
    key.put_u32(group.0);
    key.put_slice(rest);
    key.freeze()
}
