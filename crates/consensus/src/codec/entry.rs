//! An entry of the log: one tag byte, then what the tag says.

use bytes::{BufMut, Bytes, BytesMut};
use openraft::EntryPayload;
use prost::Message;

use super::CodecError;
use super::message::MembershipMessage;
use crate::raft_types::{self, Command, Membership, RaftEntry};

/// A new leader's first entry: nothing.
const BLANK: u8 = 0;
/// What a client proposed: opaque to this crate.
pub(crate) const NORMAL: u8 = 1;
/// A [`MembershipMessage`].
const MEMBERSHIP: u8 = 2;

/// The bytes that go to the log: shared, not copied, for what a client proposed.
pub(crate) fn encode(entry: &RaftEntry) -> squorum_log::Entry {
    let payload = match &entry.payload {
        EntryPayload::Blank => Bytes::from_static(&[BLANK]),
        EntryPayload::Normal(command) => command.0.clone(),
        EntryPayload::Membership(membership) => encode_membership(membership),
    };
    let (term, index) = raft_types::term_index(&entry.log_id);
    squorum_log::Entry {
        id: squorum_log::LogId::new(term, index),
        payload,
    }
}

pub(crate) fn decode(entry: squorum_log::Entry) -> Result<RaftEntry, CodecError> {
    let what = "log entry";
    let payload = match entry.payload.first() {
        None => return Err(CodecError::Empty { what }),
        Some(&BLANK) => EntryPayload::Blank,
        Some(&NORMAL) => EntryPayload::Normal(Command(entry.payload)),
        Some(&MEMBERSHIP) => EntryPayload::Membership(
            MembershipMessage::decode(&entry.payload[1..])
                .map_err(|error| CodecError::Malformed {
                    what,
                    reason: error.to_string(),
                })?
                .into(),
        ),
        Some(&version) => return Err(CodecError::Version { what, version }),
    };
    Ok(RaftEntry {
        log_id: raft_types::log_id(entry.id.term, entry.id.index),
        payload,
    })
}

/// What the client proposed, without the tag, as a slice of the same buffer.
pub(crate) fn body(command: &Command) -> Bytes {
    command.0.slice(1..)
}

fn encode_membership(membership: &Membership) -> Bytes {
    let message = MembershipMessage::from(membership);
    let mut buffer = BytesMut::with_capacity(1 + message.encoded_len());
    buffer.put_u8(MEMBERSHIP);
    message.encode_raw(&mut buffer);
    buffer.freeze()
}
