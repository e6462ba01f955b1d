//! A node as its users see it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::stream::BoxStream;
use squorum_consensus::{Group, RaftTransport};
use squorum_log::Log;
use squorum_meta::{Cluster, MemberState};
use squorum_peer::{BoxedIo, Dialer, Peers};
use squorum_store::Store;
use squorum_types::{Clock, Entropy, NodeId};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Health;
use crate::cluster::{
    ClusterRecord, ClusterStatus, ClusterView, Disk, Introducer, Reporter, RosterWatch,
    StatusInput, cluster_status,
};
use crate::controller::Controller;
use crate::gateway::LeaderClient;
use crate::meta::MetaHandle;
use crate::observe::Figures;
use crate::shard::ShardHandle;
use crate::stamper::Stamper;
use crate::watchdog::SYNC_SLOW;

/// What a node is made of: its seams to the world.
pub struct NodeParts<S> {
    pub store: S,
    pub log: Log,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// How other nodes are reached.
    pub dialer: Arc<dyn Dialer>,
    /// Connections of other nodes to this one; none come to a node that is alone.
    pub incoming: BoxStream<'static, std::io::Result<BoxedIo>>,
    pub disk: Arc<dyn Disk>,
    /// Told of what no node can go on after; it should end the process.
    pub on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

/// How it came that a node is no member any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expulsion {
    /// It was one, and was taken out while it ran.
    Left,
    /// It was taken out while it was away.
    Ghost,
}

/// A running node. Cheap to clone; serves as a gateway through
/// [`QueueService`](squorum_types::service::QueueService).
pub struct Node<S> {
    pub(crate) inner: Arc<Inner<S>>,
}

pub(crate) struct Inner<S> {
    pub(crate) cluster: Cluster,
    pub(crate) record: ClusterRecord,
    pub(crate) roster: RosterWatch,
    pub(crate) introducer: Introducer,
    pub(crate) peers: Peers,
    pub(crate) view: ClusterView,
    pub(crate) reporter: Reporter,
    pub(crate) meta: MetaHandle<S>,
    pub(crate) shards: Arc<[ShardHandle]>,
    pub(crate) leaders: LeaderClient,
    pub(crate) transport: Arc<RaftTransport>,
    pub(crate) controller: Controller<S>,
    pub(crate) stamper: Stamper,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) log: Log,
    pub(crate) store: S,
    pub(crate) figures: Arc<Figures>,
    /// KiB of messages that may be on their way.
    pub(crate) send_room: Arc<Semaphore>,
    pub(crate) receive_room: Arc<Semaphore>,
    /// Messages of one queue.
    pub(crate) in_flight_max: u64,
    pub(crate) immediate_recreate_and_purge: bool,
    /// Looks at messages that may be under way.
    pub(crate) peek_room: Semaphore,
    /// Goes round partitions.
    pub(crate) turn: AtomicU64,
    /// True once the node is about to end: polls do not wait any more.
    pub(crate) draining: watch::Sender<bool>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl<S: Store> Node<S> {
    /// Whether the node can serve reads and writes now.
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        let log = inner.log.health();
        if let Some(error) = log.failure {
            return Health::not_ready(error.to_string());
        }
        if log.sync_in_progress.is_some_and(|time| time > SYNC_SLOW) {
            return Health::not_ready("the disk does not answer".to_owned());
        }
        if *inner.draining.borrow() {
            return Health::not_ready("the node is stopping".to_owned());
        }
        let roster = inner.roster.get();
        let own = roster.member(inner.view.node());
        if own.is_some_and(|member| member.state == MemberState::Leaving) {
            return Health::not_ready("the node is leaving the cluster".to_owned());
        }
        if inner.view.is_cut_off() {
            return Health::not_ready("this node reaches no majority of the cluster".to_owned());
        }
        if !is_led(&inner.meta.group) {
            return Health::not_ready("meta has no leader".to_owned());
        }
        let mut shards = inner.shards.iter();
        match shards.find(|shard| !is_led(&shard.group)) {
            Some(shard) => Health::not_ready(format!("{} has no leader", shard.group.id())),
            None => Health::READY,
        }
    }

    /// How the cluster is, as this node sees it.
    pub fn status(&self) -> ClusterStatus {
        let inner = &self.inner;
        let roster = inner.roster.get();
        let nodes = roster.members.iter().map(|member| member.node);
        let addresses = nodes.filter_map(|node| Some((node, inner.peers.address(node)?)));
        cluster_status(&StatusInput {
            record: &inner.record,
            roster: &roster,
            waiting: &inner.waiting(),
            this_node: inner.view.node(),
            members: &inner.view.observed(inner.reporter.report()),
            addresses: &addresses.collect(),
        })
    }

    /// Returns when this node is no member of its cluster any more, as another member says. Nothing of
    /// it counts from then on.
    pub async fn expelled(&self) -> Expulsion {
        self.inner.view.expelled().await;
        if self.inner.view.has_heard_any() {
            Expulsion::Left
        } else {
            Expulsion::Ghost
        }
    }

    /// Returns when this node has taken the place of a member that is lost: it is a voter of every group,
    /// and the other is one of none.
    pub async fn replaced(&self, lost: NodeId) {
        let mut roster = self.inner.roster.clone();
        let node = self.inner.view.node();
        loop {
            let now = roster.get();
            if now.is_removed(lost) && now.active().any(|active| active == node) {
                return;
            }
            roster.changed().await;
        }
    }

    /// Ends everything that runs, in order. Nothing acknowledged is lost, whether or not this is
    /// called.
    pub async fn shutdown(&self) {
        // Fails only without receivers, when nothing runs any more.
        let _ = self.inner.stop.send(true);
        let mut tasks = self.inner.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
        for shard in self.inner.shards.iter() {
            shard.group.clone().shutdown().await;
        }
        self.inner.meta.group.clone().shutdown().await;
    }
}

/// Whether somebody leads the group, and serves if it is this node.
fn is_led<O: Send + 'static>(group: &Group<O>) -> bool {
    let leadership = group.leadership();
    let leader = leadership.leader;
    leader.is_some_and(|leader| leader != group.node() || leadership.ready_to_serve)
}

impl<S> fmt::Debug for NodeParts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeParts").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("cluster", &self.inner.cluster.id)
            .finish_non_exhaustive()
    }
}

impl<S> Clone for Node<S> {
    fn clone(&self) -> Self {
        Node {
            inner: Arc::clone(&self.inner),
        }
    }
}
