//! One shard on this node: its group, and what turns operations into entries and entries into
//! wake-ups.

pub(crate) mod batch;
pub(crate) mod board;
mod draft;
mod entry;
pub(crate) mod numbers;
mod proposer;
mod request;
mod route;
mod session;
mod state;
mod ticker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::{
    ApplyOn, EntryLog, FatalHook, Group, GroupOptions, RaftTransport, ReplicatedState, StartError,
    Timings,
};
use squorum_queue::Limits;
use squorum_store::Store;
use squorum_types::{Entropy, GroupId, NodeId, ShardId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::board::Board;
use self::proposer::Proposer;
pub(crate) use self::proposer::{ProposerHandle, submit_error};
pub(crate) use self::request::{Admission, Answer, OpenReceive};
use self::route::Route;
use self::session::Session;
pub(crate) use self::session::SessionHandle;
pub(crate) use self::state::Outcomes;
use self::state::ShardState;
use self::ticker::Ticker;
use crate::cluster::{ClusterView, RosterSender};
use crate::digests::Digests;
use crate::gateway::LeaderClient;
use crate::observe::Figures;
use crate::stamper::Stamper;

/// How long an operation is held while nobody leads.
pub(crate) const HOLD: Duration = Duration::from_secs(5);

/// What all groups of a node share.
#[derive(Clone)]
pub(crate) struct GroupParts<S> {
    pub(crate) node: NodeId,
    pub(crate) store: S,
    pub(crate) log: Arc<dyn EntryLog>,
    pub(crate) scratch: PathBuf,
    pub(crate) timings: Timings,
    pub(crate) apply_on: ApplyOn,
    pub(crate) log_bytes_kept: u64,
    pub(crate) stamper: Stamper,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) on_fatal: FatalHook,
    pub(crate) transport: Arc<RaftTransport>,
    pub(crate) leaders: LeaderClient,
    pub(crate) view: ClusterView,
    pub(crate) roster: RosterSender,
    pub(crate) figures: Arc<Figures>,
}

impl<S: Store> GroupParts<S> {
    pub(crate) async fn start_group<R: ReplicatedState<S>>(
        &self,
        group: GroupId,
        state: R,
    ) -> Result<Group<R::Outcome>, StartError> {
        let options = GroupOptions {
            timings: self.timings,
            apply_on: self.apply_on,
            log_bytes_kept: self.log_bytes_kept,
            ..GroupOptions::new(group, self.node, self.scratch.join(group.to_string()))
        };
        let (log, store) = (Arc::clone(&self.log), self.store.clone());
        let (transport, on_fatal) = (Arc::clone(&self.transport), self.on_fatal.clone());
        let group = Group::start(options, log, store, state, transport, on_fatal).await?;
        self.figures.watch_leader(&group);
        Ok(group)
    }
}

/// A shard's handle. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ShardHandle {
    pub(crate) group: Group<Outcomes>,
    pub(crate) board: Board,
    pub(crate) digests: Digests,
    /// Messages that wait for other shards, as this replica has it.
    pub(crate) transfers: watch::Receiver<u64>,
    /// For other nodes' gateways, if this node leads.
    pub(crate) proposer: ProposerHandle,
    /// For this node's gateway, whoever leads.
    pub(crate) session: SessionHandle,
}

impl ShardHandle {
    /// Starts the shard; its tasks run until `shutdown`.
    pub(crate) async fn start<S: Store>(
        parts: &GroupParts<S>,
        id: ShardId,
        limits: Limits,
        shutdown: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<ShardHandle, StartError> {
        let (board, digests) = (Board::default(), Digests::default());
        let state = ShardState::open(
            &parts.store,
            id,
            limits,
            board.clone(),
            digests.clone(),
            Arc::clone(&parts.figures),
        )?;
        let transfers = state.watch_transfers();
        let group = parts.start_group(GroupId::of_shard(id), state).await?;
        let (run, proposer) = Proposer::new(
            group.clone(),
            board.clone(),
            parts.stamper.clone(),
            Arc::clone(&parts.figures),
        );
        tasks.spawn(run.run(shutdown.clone()));
        let route = Route {
            shard: id,
            group: group.clone(),
            proposer: proposer.clone(),
            leaders: parts.leaders.clone(),
            view: parts.view.clone(),
            figures: Arc::clone(&parts.figures),
        };
        let (run, session) = Session::new(route, Arc::clone(&parts.entropy));
        tasks.spawn(run.run(shutdown.clone()));
        let ticker = Ticker {
            group: group.clone(),
            board: board.clone(),
            session: session.clone(),
            stamper: parts.stamper.clone(),
        };
        tasks.spawn(ticker.run(shutdown.clone()));
        Ok(ShardHandle {
            group,
            board,
            digests,
            transfers,
            proposer,
            session,
        })
    }
}
