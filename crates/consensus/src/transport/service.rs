use std::fmt;
use std::sync::Arc;

use futures::stream::{BoxStream, FuturesUnordered, StreamExt};
use openraft::raft::{AppendEntriesRequest, StreamAppendResult};
use squorum_proto::raft as wire;
use squorum_proto::raft::raft_server::Raft;
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

use super::registry::{Registry, RunningGroup};
use super::{inbound_append, inbound_snapshot, messages};
use crate::raft_types::TypeConfig;

/// Answers what peers ask of the groups that run on this node.
pub struct RaftService {
    registry: Arc<Registry>,
}

type ResponseStream<T> = BoxStream<'static, Result<T, Status>>;

impl RaftService {
    pub(super) fn new(registry: Arc<Registry>) -> RaftService {
        RaftService { registry }
    }

    async fn heartbeat_result(
        registry: Arc<Registry>,
        position: usize,
        heartbeat: wire::Heartbeat,
    ) -> wire::HeartbeatResult {
        let result = async {
            let group = registry.get(heartbeat.group)?;
            append(&group, messages::to_heartbeat(heartbeat)?).await
        };
        wire::HeartbeatResult {
            // One message has far fewer heartbeats.
            position: u32::try_from(position).unwrap_or(u32::MAX),
            result: result.await.ok().as_ref().map(messages::append_result),
        }
    }

    /// The group, if this node may vote in it already.
    fn voter(&self, request: &wire::VoteRequest) -> Result<Arc<RunningGroup>, Status> {
        let group = self.registry.get(request.group)?;
        // A leader that hands over has given up its lease.
        if !request.leadership_transfer && Instant::now() < group.votes_from {
            return Err(Status::unavailable("restarted a moment ago"));
        }
        Ok(group)
    }
}

/// One append that waits for its own answer.
async fn append(
    group: &RunningGroup,
    request: AppendEntriesRequest<TypeConfig>,
) -> Result<StreamAppendResult<TypeConfig>, Status> {
    let previous = request.prev_log_id;
    let response = group.raft.append_entries(request).await.map_err(stopped)?;
    if response.is_conflict() && previous.is_none() {
        return Err(Status::internal("nothing conflicts with the log's begin"));
    }
    Ok(response.into_stream_result(previous, previous))
}

pub(super) fn stopped(error: impl fmt::Display) -> Status {
    Status::unavailable(format!("the group has stopped: {error}"))
}

#[tonic::async_trait]
impl Raft for RaftService {
    type HeartbeatStream = ResponseStream<wire::HeartbeatResponse>;
    type AppendStream = ResponseStream<wire::AppendResponse>;

    async fn heartbeat(
        &self,
        request: Request<wire::HeartbeatRequest>,
    ) -> Result<Response<Self::HeartbeatStream>, Status> {
        let heartbeats = request.into_inner().heartbeats;
        let limit = heartbeats.len().max(1);
        let results: FuturesUnordered<_> = heartbeats
            .into_iter()
            .enumerate()
            .map(|(position, heartbeat)| {
                Self::heartbeat_result(Arc::clone(&self.registry), position, heartbeat)
            })
            .collect();
        let responses = results
            .ready_chunks(limit)
            .map(|results| Ok(wire::HeartbeatResponse { results }));
        Ok(Response::new(responses.boxed()))
    }

    async fn append(
        &self,
        request: Request<Streaming<wire::AppendRequest>>,
    ) -> Result<Response<Self::AppendStream>, Status> {
        let mut requests = request.into_inner();
        let opening = inbound_append::opening(&mut requests).await?;
        let group = self.registry.get(opening.group)?;
        let responses = inbound_append::serve(&group, requests);
        Ok(Response::new(responses.boxed()))
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        let group = self.voter(&request)?;
        let request = messages::to_vote_request(&request)?;
        let response = group.raft.vote(request).await.map_err(stopped)?;
        Ok(Response::new(messages::vote_response(&response)))
    }

    async fn pre_vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        let group = self.voter(&request)?;
        let request = messages::to_vote_request(&request)?;
        let response = group.raft.pre_vote(request).await.map_err(stopped)?;
        Ok(Response::new(messages::vote_response(&response)))
    }

    async fn transfer_leadership(
        &self,
        request: Request<wire::TransferLeadershipRequest>,
    ) -> Result<Response<wire::TransferLeadershipResponse>, Status> {
        let request = request.into_inner();
        let group = self.registry.get(request.group)?;
        let request = messages::to_transfer_request(request)?;
        group
            .raft
            .handle_transfer_leader(request)
            .await
            .map_err(stopped)?
            .map_err(|error| Status::aborted(error.to_string()))?;
        Ok(Response::new(wire::TransferLeadershipResponse {}))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<wire::InstallSnapshotRequest>>,
    ) -> Result<Response<wire::InstallSnapshotResponse>, Status> {
        let mut requests = request.into_inner();
        let opening = inbound_snapshot::opening(&mut requests).await?;
        let group = self.registry.get(opening.group)?;
        let leader = messages::to_vote(opening.vote)?;
        let figures = &self.registry.snapshots;
        let vote = inbound_snapshot::install(&group, leader, requests, figures).await?;
        let vote = Some(messages::vote(&vote));
        Ok(Response::new(wire::InstallSnapshotResponse { vote }))
    }
}

impl fmt::Debug for RaftService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RaftService")
    }
}
