//! A snapshot that a leader sends to a group on this node.
//!
//! Everything is checked before openraft hears of the snapshot: one that cannot be installed would
//! stop the group.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use openraft::storage::Snapshot;
use squorum_proto::raft as wire;
use squorum_proto::raft::install_snapshot_request::Part;
use tonic::{Status, Streaming};

use super::registry::RunningGroup;
use super::snapshot_figures::SnapshotFigures;
use super::{inbound_append, messages, service};
use crate::options::ApplyOn;
use crate::raft_types::{LogId, RaftVote};
use crate::snapshot::{IncomingSnapshot, SnapshotData, SnapshotError};

/// Until the leader sends one more chunk.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);

type Requests = Streaming<wire::InstallSnapshotRequest>;

pub(super) async fn opening(requests: &mut Requests) -> Result<wire::SnapshotOpening, Status> {
    match inbound_append::opening(requests).await?.part {
        Some(Part::Opening(opening)) => Ok(opening),
        Some(Part::Chunk(_)) | None => Err(messages::malformed("a snapshot without an opening")),
    }
}

/// Receives and installs. Answers this node's vote, which is higher than the leader's if that does
/// not lead any more.
pub(super) async fn install(
    group: &Arc<RunningGroup>,
    leader: RaftVote,
    requests: Requests,
    figures: &SnapshotFigures,
) -> Result<RaftVote, Status> {
    let own = group.raft.with_raft_state(|state| *state.vote_ref()).await;
    let own = own.map_err(service::stopped)?;
    if own > leader {
        return Ok(own);
    }
    let (snapshot, bytes) = receive(group, requests).await?;
    let meta = snapshot.meta();
    if is_in_log(group, leader, meta.last_log_id).await? {
        return Ok(leader);
    }
    tracing::info!(group = group.id.0, last = ?meta.last_log_id, "installing a snapshot");
    let snapshot = Snapshot { meta, snapshot };
    let response = group.raft.install_full_snapshot(leader, snapshot).await;
    let answered = response.map_err(service::stopped)?.vote;
    // Else a higher vote came between.
    if answered == leader {
        figures.installed.increment();
        figures.installed_bytes.add(bytes);
    }
    Ok(answered)
}

/// Whether the log has what the snapshot ends with, and so all that it covers: entries and snapshots have
/// connections of their own, so entries that follow the snapshot may have come before it. Such a
/// snapshot brings nothing, and openraft would take the log for one that ends where it does.
///
/// The leader asks openraft by an append of no entries, which renews this node's promise to it as the
/// snapshot would.
async fn is_in_log(
    group: &RunningGroup,
    leader: RaftVote,
    last: Option<LogId>,
) -> Result<bool, Status> {
    let nothing_after = AppendEntriesRequest {
        vote: leader,
        prev_log_id: last,
        entries: Vec::new(),
        // A snapshot has only what is committed.
        leader_commit: last,
    };
    let response = group.raft.append_entries(nothing_after).await;
    let response = response.map_err(service::stopped)?;
    Ok(matches!(response, AppendEntriesResponse::Success))
}

/// A whole snapshot and how many bytes it came in.
async fn receive(
    group: &Arc<RunningGroup>,
    mut requests: Requests,
) -> Result<(SnapshotData, u64), Status> {
    let mut bytes = 0;
    let number = group.begin_snapshot();
    let mut incoming = create(group).await?;
    while !incoming.is_complete() {
        let request = tokio::time::timeout(CHUNK_TIMEOUT, requests.message())
            .await
            .map_err(|_| Status::deadline_exceeded("the snapshot does not go on"))??;
        let Some(Part::Chunk(chunk)) = request.and_then(|request| request.part) else {
            return Err(refused(&SnapshotError::Truncated));
        };
        if !group.is_newest_snapshot(number) {
            return Err(Status::aborted("a newer snapshot is coming"));
        }
        bytes += chunk.len() as u64;
        incoming = push(group.apply_on, incoming, chunk).await?;
    }
    let finish = move || incoming.finish();
    let finished = group.apply_on.run(finish).await;
    let snapshot = finished.map_err(|error| refused(&error))?;
    Ok((snapshot, bytes))
}

async fn create(group: &RunningGroup) -> Result<IncomingSnapshot, Status> {
    let id = group.id;
    // In memory where no threads may be used.
    let directory: Option<PathBuf> = match group.apply_on {
        ApplyOn::OwnThread => Some(group.scratch.clone()),
        ApplyOn::Caller => None,
    };
    let create = move || IncomingSnapshot::create(id, directory.as_deref());
    let incoming = group.apply_on.run(create).await;
    incoming.map_err(|error| refused(&error))
}

async fn push(
    apply_on: ApplyOn,
    mut incoming: IncomingSnapshot,
    chunk: Bytes,
) -> Result<IncomingSnapshot, Status> {
    apply_on
        .run(move || incoming.push(chunk).map(|()| incoming))
        .await
        .map_err(|error| refused(&error))
}

fn refused(error: &SnapshotError) -> Status {
    tracing::warn!(%error, "a snapshot was refused");
    Status::data_loss(error.to_string())
}
