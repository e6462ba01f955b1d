use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};
use openraft::EmptyNode;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::type_config::alias::SnapshotOf;
use squorum_peer::{CallError, Connection, Lane, MESSAGE_BYTES_MAX, call};
use squorum_proto::raft::{self as wire, raft_client::RaftClient};
use squorum_types::{GroupId, NodeId};
use tonic::{Response, Status};

use super::snapshot_pace::Turn;
use super::{RaftTransport, append, heartbeat, messages, snapshot};
use crate::entry_log::Holds;
use crate::options::ApplyOn;
use crate::raft_types::{RaftVote, TypeConfig};
use crate::snapshot::SnapshotData;

/// Makes openraft's clients of one group.
pub(crate) struct Network {
    pub(crate) transport: Arc<RaftTransport>,
    pub(crate) group: GroupId,
    pub(crate) holds: Arc<Holds>,
    pub(crate) apply_on: ApplyOn,
    pub(crate) heartbeat_interval: Duration,
}

/// The way of one group to one peer.
pub(crate) struct PeerClient {
    transport: Arc<RaftTransport>,
    group: GroupId,
    holds: Arc<Holds>,
    node: NodeId,
    apply_on: ApplyOn,
    heartbeat_interval: Duration,
    /// Every append is a heartbeat, to be gathered with others.
    for_heartbeats: bool,
    /// To send a snapshot, once it was waited for.
    turn: Option<Turn>,
}

impl RaftTransport {
    pub(super) fn connection(
        &self,
        node: NodeId,
        lane: Lane,
    ) -> Result<Connection, RPCError<TypeConfig>> {
        self.peers
            .connection(node, lane)
            .map_err(|error| Unreachable::from_string(error).into())
    }
}

pub(super) fn raft_client(connection: &Connection) -> RaftClient<Connection> {
    RaftClient::new(connection.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

/// Whether openraft should back off or try again.
pub(super) fn rpc_error(error: &CallError) -> RPCError<TypeConfig> {
    if error.may_have_been_processed() {
        NetworkError::from_string(error).into()
    } else {
        Unreachable::from_string(error).into()
    }
}

fn malformed(status: &Status) -> RPCError<TypeConfig> {
    NetworkError::from_string(status.message()).into()
}

/// openraft drops an RPC at its limit. To find the dead connection behind it, ours ends before.
fn own_limit(option: &RPCOption) -> Duration {
    option.hard_ttl() * 9 / 10
}

impl Network {
    fn client(&self, target: u64, for_heartbeats: bool) -> PeerClient {
        PeerClient {
            transport: Arc::clone(&self.transport),
            group: self.group,
            holds: Arc::clone(&self.holds),
            node: NodeId(target),
            apply_on: self.apply_on,
            heartbeat_interval: self.heartbeat_interval,
            for_heartbeats,
            turn: None,
        }
    }
}

impl PeerClient {
    /// Asks for a vote, or for a pre-vote: `rpc` says which.
    async fn ask<F>(
        &self,
        request: &VoteRequest<TypeConfig>,
        option: &RPCOption,
        rpc: impl FnOnce(RaftClient<Connection>, wire::VoteRequest) -> F,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>>
    where
        F: Future<Output = Result<Response<wire::VoteResponse>, Status>>,
    {
        let connection = self.transport.connection(self.node, Lane::Control)?;
        let request = messages::vote_request(self.group, request);
        let rpc = rpc(raft_client(&connection), request);
        let response = call(&connection, own_limit(option), rpc)
            .await
            .map_err(|error| rpc_error(&error))?;
        messages::to_vote_response(response).map_err(|status| malformed(&status))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = PeerClient;

    async fn new_client(&mut self, target: u64, _node: &EmptyNode) -> PeerClient {
        self.client(target, false)
    }

    async fn new_heartbeat_client(&mut self, target: u64, _node: &EmptyNode) -> PeerClient {
        self.client(target, true)
    }
}

impl RaftNetworkV2<TypeConfig> for PeerClient {
    type SnapshotData = SnapshotData;

    /// A heartbeat. openraft asks for nothing else in this way, because entries have a stream.
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        assert!(request.entries.is_empty(), "entries go through the stream");
        let message = messages::heartbeat(self.group, &request);
        let transport = Arc::clone(&self.transport);
        // The next one shall not wait for it.
        let timeout = self.heartbeat_interval * 9 / 10;
        let result = heartbeat::send(transport, self.node, message, timeout).await?;
        Ok(result.into())
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<
            BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>>,
            RPCError<TypeConfig>,
        >,
    >
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + Send + Unpin + 'static,
    {
        if self.for_heartbeats {
            return openraft::network::stream_append_sequential(self, input, option);
        }
        Box::pin(async move {
            let connection = self.transport.connection(self.node, Lane::Append)?;
            Ok(append::stream(connection, self.group, input).boxed())
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask(&request, &option, |mut client, request| async move {
            client.vote(request).await
        })
        .await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask(&request, &option, |mut client, request| async move {
            client.pre_vote(request).await
        })
        .await
    }

    async fn full_snapshot(
        &mut self,
        vote: RaftVote,
        snapshot: SnapshotOf<TypeConfig, SnapshotData>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let connection = self.transport.connection(self.node, Lane::Snapshot)?;
        let pace = &self.transport.snapshot_pace;
        let Some(_turn) = self.turn.take().or_else(|| pace.try_turn()) else {
            // By the time it may go, the log may begin after it. openraft takes a new one after an error.
            drop(snapshot);
            tokio::select! {
                biased;
                closed = cancel => return Err(closed.into()),
                turn = pace.turn() => self.turn = Some(turn),
            }
            let waited = NetworkError::from_string("the snapshot has waited for its turn");
            return Err(RPCError::from(waited).into());
        };
        let last = snapshot.meta.last_log_id.map_or(0, |id| id.index());
        let hold = self.holds.begin(self.node, last);
        let data = snapshot.snapshot;
        let figures = &self.transport.registry.snapshots;
        let counted = figures.begin();
        let meter = snapshot::Meter {
            pace,
            sent_bytes: &figures.sent_bytes,
            hold: &hold,
        };
        let sending = snapshot::send(&connection, self.group, &vote, data, self.apply_on, meter);
        let answered = tokio::select! {
            biased;
            closed = cancel => return Err(closed.into()),
            sent = sending => sent?,
        };
        // A higher vote means that the peer has thrown it away.
        if answered <= vote {
            hold.installed();
            counted.done();
        }
        Ok(SnapshotResponse::new(answered))
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let connection = self.transport.connection(self.node, Lane::Control)?;
        let mut client = raft_client(&connection);
        let request = messages::transfer_request(self.group, &request);
        let rpc = client.transfer_leadership(request);
        call(&connection, own_limit(&option), rpc)
            .await
            .map_err(|error| rpc_error(&error))?;
        Ok(Ok(()))
    }
}
