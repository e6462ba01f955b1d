use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::CodecError;
use super::message::{AppliedMessage, LogIdMessage, VoteMessage};
use crate::raft_types::{LogId, RaftVote};
use crate::state_machine::Applied;

const VERSION: u8 = 1;

fn encode_message(message: &impl Message) -> Bytes {
    let mut buffer = BytesMut::with_capacity(1 + message.encoded_len());
    buffer.put_u8(VERSION);
    message.encode_raw(&mut buffer);
    buffer.freeze()
}

fn decode_message<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, CodecError> {
    match bytes.split_first() {
        None => Err(CodecError::Empty { what }),
        Some((&VERSION, body)) => M::decode(body).map_err(|error| CodecError::Malformed {
            what,
            reason: error.to_string(),
        }),
        Some((&version, _)) => Err(CodecError::Version { what, version }),
    }
}

pub(crate) fn encode_vote(vote: &RaftVote) -> Bytes {
    encode_message(&VoteMessage {
        term: vote.leader_id.term,
        node_id: vote.leader_id.voted_for,
        committed: vote.committed,
    })
}

pub(crate) fn decode_vote(bytes: &[u8]) -> Result<RaftVote, CodecError> {
    let message: VoteMessage = decode_message("vote", bytes)?;
    let mut vote = RaftVote::new(message.term, message.node_id);
    vote.committed = message.committed;
    Ok(vote)
}

pub(crate) fn encode_applied(applied: &Applied) -> Bytes {
    encode_message(&AppliedMessage::from(applied))
}

pub(crate) fn decode_applied(bytes: &[u8]) -> Result<Applied, CodecError> {
    decode_message::<AppliedMessage>("applied row", bytes).map(Applied::from)
}

impl From<&Applied> for AppliedMessage {
    fn from(applied: &Applied) -> Self {
        Self {
            log_id: applied.log_id.as_ref().map(LogIdMessage::from),
            membership: Some((&applied.membership).into()),
        }
    }
}

impl From<AppliedMessage> for Applied {
    fn from(message: AppliedMessage) -> Self {
        Self {
            log_id: message.log_id.map(LogId::from),
            membership: message.membership.unwrap_or_default().into(),
        }
    }
}
