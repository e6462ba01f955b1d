//! Between openraft's words and those on the wire. What comes from a peer is checked here.

use openraft::raft::{
    AppendEntriesRequest, StreamAppendError, StreamAppendResult, TransferLeaderRequest,
    VoteRequest, VoteResponse,
};
use squorum_proto::raft as wire;
use squorum_types::GroupId;
use tonic::Status;

use crate::codec;
use crate::raft_types::{self, LogId, RaftEntry, RaftVote, TypeConfig};

pub(super) fn log_id(id: &LogId) -> wire::LogId {
    let (term, index) = raft_types::term_index(id);
    wire::LogId { term, index }
}

pub(super) fn to_log_id(id: wire::LogId) -> LogId {
    raft_types::log_id(id.term, id.index)
}

pub(super) fn vote(vote: &RaftVote) -> wire::Vote {
    wire::Vote {
        term: vote.leader_id.term,
        node: vote.leader_id.voted_for,
        committed: vote.committed,
    }
}

pub(super) fn to_vote(vote: Option<wire::Vote>) -> Result<RaftVote, Status> {
    let message = vote.ok_or_else(|| malformed("a message without a vote"))?;
    let mut vote = RaftVote::new(message.term, message.node);
    vote.committed = message.committed;
    Ok(vote)
}

pub(super) fn heartbeat(
    group: GroupId,
    request: &AppendEntriesRequest<TypeConfig>,
) -> wire::Heartbeat {
    wire::Heartbeat {
        group: group.0,
        vote: Some(vote(&request.vote)),
        previous: request.prev_log_id.as_ref().map(log_id),
        committed: request.leader_commit.as_ref().map(log_id),
    }
}

pub(super) fn to_heartbeat(
    message: wire::Heartbeat,
) -> Result<AppendEntriesRequest<TypeConfig>, Status> {
    Ok(AppendEntriesRequest {
        vote: to_vote(message.vote)?,
        prev_log_id: message.previous.map(to_log_id),
        entries: Vec::new(),
        leader_commit: message.committed.map(to_log_id),
    })
}

pub(super) fn append(request: &AppendEntriesRequest<TypeConfig>) -> wire::AppendRequest {
    let entries = request.entries.iter().map(|entry| wire::Entry {
        id: Some(log_id(&entry.log_id)),
        payload: codec::entry::encode(entry).payload,
    });
    wire::AppendRequest {
        group: 0,
        vote: Some(vote(&request.vote)),
        previous: request.prev_log_id.as_ref().map(log_id),
        committed: request.leader_commit.as_ref().map(log_id),
        entries: entries.collect(),
    }
}

pub(super) fn to_append(
    message: wire::AppendRequest,
) -> Result<AppendEntriesRequest<TypeConfig>, Status> {
    let first = message.previous.map_or(0, |previous| previous.index + 1);
    let mut entries = Vec::with_capacity(message.entries.len());
    for (index, entry) in (first..).zip(message.entries) {
        let entry = to_entry(entry)?;
        if entry.log_id.index() != index {
            return Err(malformed("entries that do not follow one another"));
        }
        entries.push(entry);
    }
    Ok(AppendEntriesRequest {
        vote: to_vote(message.vote)?,
        prev_log_id: message.previous.map(to_log_id),
        entries,
        leader_commit: message.committed.map(to_log_id),
    })
}

fn to_entry(entry: wire::Entry) -> Result<RaftEntry, Status> {
    let id = entry
        .id
        .ok_or_else(|| malformed("an entry without an id"))?;
    codec::entry::decode(squorum_log::Entry {
        id: squorum_log::LogId::new(id.term, id.index),
        payload: entry.payload,
    })
    .map_err(|error| Status::invalid_argument(error.to_string()))
}

pub(super) fn append_result(result: &StreamAppendResult<TypeConfig>) -> wire::AppendResult {
    use wire::append_result::Result as Kind;
    let kind = match result {
        Ok(last) => Kind::Matching(wire::Matching {
            last: last.as_ref().map(log_id),
        }),
        Err(StreamAppendError::Conflict(at)) => Kind::Conflict(log_id(at)),
        Err(StreamAppendError::HigherVote(higher)) => Kind::HigherVote(vote(higher)),
    };
    wire::AppendResult { result: Some(kind) }
}

pub(super) fn to_append_result(
    message: Option<wire::AppendResult>,
) -> Result<StreamAppendResult<TypeConfig>, Status> {
    use wire::append_result::Result as Kind;
    match message.and_then(|message| message.result) {
        Some(Kind::Matching(matching)) => Ok(Ok(matching.last.map(to_log_id))),
        Some(Kind::Conflict(at)) => Ok(Err(StreamAppendError::Conflict(to_log_id(at)))),
        Some(Kind::HigherVote(vote)) => {
            Ok(Err(StreamAppendError::HigherVote(to_vote(Some(vote))?)))
        }
        None => Err(malformed("an answer without a result")),
    }
}

pub(super) fn vote_request(group: GroupId, request: &VoteRequest<TypeConfig>) -> wire::VoteRequest {
    wire::VoteRequest {
        group: group.0,
        vote: Some(vote(&request.vote)),
        last: request.last_log_id.as_ref().map(log_id),
        leadership_transfer: request.leadership_transfer,
    }
}

pub(super) fn to_vote_request(
    message: &wire::VoteRequest,
) -> Result<VoteRequest<TypeConfig>, Status> {
    Ok(VoteRequest {
        vote: to_vote(message.vote)?,
        last_log_id: message.last.map(to_log_id),
        leadership_transfer: message.leadership_transfer,
    })
}

pub(super) fn vote_response(response: &VoteResponse<TypeConfig>) -> wire::VoteResponse {
    wire::VoteResponse {
        vote: Some(vote(&response.vote)),
        granted: response.vote_granted,
        last: response.last_log_id.as_ref().map(log_id),
    }
}

pub(super) fn to_vote_response(
    message: wire::VoteResponse,
) -> Result<VoteResponse<TypeConfig>, Status> {
    Ok(VoteResponse {
        vote: to_vote(message.vote)?,
        vote_granted: message.granted,
        last_log_id: message.last.map(to_log_id),
    })
}

pub(super) fn transfer_request(
    group: GroupId,
    request: &TransferLeaderRequest<TypeConfig>,
) -> wire::TransferLeadershipRequest {
    wire::TransferLeadershipRequest {
        group: group.0,
        vote: Some(vote(request.from_leader())),
        to: *request.to_node_id(),
        last: request.last_log_id().map(log_id),
    }
}

pub(super) fn to_transfer_request(
    message: wire::TransferLeadershipRequest,
) -> Result<TransferLeaderRequest<TypeConfig>, Status> {
    let vote = to_vote(message.vote)?;
    let last = message.last.map(to_log_id);
    Ok(TransferLeaderRequest::new(vote, message.to, last))
}

pub(super) fn malformed(what: &str) -> Status {
    Status::invalid_argument(what)
}
