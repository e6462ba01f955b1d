//! How the members of a group reach each other.

use std::fmt;
use std::future::Future;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::type_config::alias::SnapshotOf;
use openraft::{AnyError, EmptyNode};
use squorum_types::NodeId;
use thiserror::Error;

use crate::raft_types::{RaftVote, TypeConfig};
use crate::snapshot::SnapshotData;

/// Carries the messages of all groups of a node to its peers.
///
/// A group of one voter has no peers and sends nothing, so all that this trait can say yet is why
/// there is no way to a node; [`NoPeers`] is its only implementation. The streams of appends, the
/// coalesced heartbeats and the snapshot transfer become methods of it together with the
/// implementation that carries them.
pub trait Transport: Send + Sync + 'static {
    /// Why `peer` cannot be reached.
    fn unreachable(&self, peer: NodeId) -> TransportError;
}

/// Why a message did not arrive, or not surely.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    #[error("node {} is not reachable: this node has no peers", .0.0)]
    NoPeers(NodeId),
}

/// The transport of a node that is alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPeers;

impl Transport for NoPeers {
    fn unreachable(&self, peer: NodeId) -> TransportError {
        TransportError::NoPeers(peer)
    }
}

/// Makes openraft's clients of a [`Transport`].
pub(crate) struct Network<T>(pub(crate) std::sync::Arc<T>);

/// The way to one peer.
pub(crate) struct Peer {
    transport: std::sync::Arc<dyn Transport>,
    node: NodeId,
}

impl Peer {
    fn unreachable(&self) -> Unreachable<TypeConfig> {
        Unreachable::new(&AnyError::new(&self.transport.unreachable(self.node)))
    }
}

impl<T> fmt::Debug for Network<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl<T: Transport> RaftNetworkFactory<TypeConfig> for Network<T> {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, _node: &EmptyNode) -> Peer {
        let transport: std::sync::Arc<dyn Transport> = std::sync::Arc::clone(&self.0) as _;
        Peer {
            transport,
            node: NodeId(target),
        }
    }
}

impl RaftNetworkV2<TypeConfig> for Peer {
    type SnapshotData = SnapshotData;

    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(self.unreachable().into())
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(self.unreachable().into())
    }

    /// The default would grant.
    async fn pre_vote(
        &mut self,
        _request: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(self.unreachable().into())
    }

    async fn full_snapshot(
        &mut self,
        _vote: RaftVote,
        _snapshot: SnapshotOf<TypeConfig, SnapshotData>,
        _cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        Err(self.unreachable().into())
    }
}
