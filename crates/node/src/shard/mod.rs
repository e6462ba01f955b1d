//! One shard on this node: its group, and what turns operations into entries and entries into
//! wake-ups.

pub(crate) mod board;
mod entry;
mod numbers;
mod proposer;
mod request;
mod state;
mod ticker;

use std::path::PathBuf;
use std::sync::Arc;

use squorum_consensus::{EntryLog, FatalHook, Group, GroupOptions, NoPeers, StartError};
use squorum_queue::Limits;
use squorum_store::Store;
use squorum_types::{Entropy, GroupId, NodeId, ShardId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::board::Board;
use self::proposer::Proposer;
pub(crate) use self::proposer::{HOLD, ProposerHandle};
pub(crate) use self::request::{Admission, OpenReceive};
pub(crate) use self::state::Outcomes;
use self::state::ShardState;
use self::ticker::Ticker;
use crate::stamper::Stamper;

/// What all groups of a node share.
#[derive(Clone)]
pub(crate) struct GroupParts<S> {
    pub(crate) node: NodeId,
    pub(crate) store: S,
    pub(crate) log: Arc<dyn EntryLog>,
    pub(crate) scratch: PathBuf,
    pub(crate) stamper: Stamper,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) on_fatal: FatalHook,
}

impl<S> GroupParts<S> {
    pub(crate) fn options(&self, group: GroupId) -> GroupOptions {
        GroupOptions::new(group, self.node, self.scratch.join(group.to_string()))
    }
}

/// A shard's handle. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ShardHandle {
    pub(crate) group: Group<Outcomes>,
    pub(crate) board: Board,
    pub(crate) proposer: ProposerHandle,
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
        let board = Board::default();
        let state = ShardState::open(&parts.store, id, limits, board.clone())?;
        let options = parts.options(GroupId::of_shard(id));
        let (log, store) = (Arc::clone(&parts.log), parts.store.clone());
        let transport = Arc::new(NoPeers);
        let on_fatal = parts.on_fatal.clone();
        let group = Group::start(options, log, store, state, transport, on_fatal).await?;
        let (run, proposer) = Proposer::new(
            group.clone(),
            parts.stamper.clone(),
            Arc::clone(&parts.entropy),
        );
        tasks.spawn(run.run(shutdown.clone()));
        let shard = ShardHandle {
            group,
            board,
            proposer,
        };
        let ticker = Ticker {
            group: shard.group.clone(),
            board: shard.board.clone(),
            proposer: shard.proposer.clone(),
            stamper: parts.stamper.clone(),
        };
        tasks.spawn(ticker.run(shutdown.clone()));
        Ok(shard)
    }
}
