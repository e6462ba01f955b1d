//! A shard as the consensus layer runs it.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use squorum_consensus::ReplicatedState;
use squorum_proto::queue::Entry;
use squorum_queue::{Applied, CommandOutcome, Limits, PartitionStatus, Shard, read_statuses};
use squorum_store::{Overlay, Store, StoreError};
use squorum_types::{PartitionId, ShardId};
use tokio::sync::watch;

use super::board::Board;
use crate::cluster::DigestAt;
use crate::digests::Digests;
use crate::observe::Figures;

/// Outcomes of an entry's commands, in their order.
pub(crate) type Outcomes = Vec<CommandOutcome>;

/// Applies entries to a [`Shard`] and tells the board what they did.
#[derive(Debug)]
pub(crate) struct ShardState {
    id: ShardId,
    limits: Limits,
    shard: Shard,
    board: Board,
    digests: Digests,
    figures: Arc<Figures>,
    /// Messages in the outbox.
    transfers: watch::Sender<u64>,
    /// Of the entries since the last commit.
    statuses: Vec<(PartitionId, Option<PartitionStatus>)>,
}

impl ShardState {
    pub(crate) fn open<S: Store>(
        store: &S,
        id: ShardId,
        limits: Limits,
        board: Board,
        digests: Digests,
        figures: Arc<Figures>,
    ) -> Result<ShardState, StoreError> {
        let shard = Shard::open(store, id, limits.clone())?;
        publish_stored(store, id, &shard, &board)?;
        Ok(ShardState {
            transfers: watch::Sender::new(shard.transfers_waiting()),
            id,
            limits,
            shard,
            board,
            digests,
            figures,
            statuses: Vec::new(),
        })
    }

    pub(crate) fn watch_transfers(&self) -> watch::Receiver<u64> {
        self.transfers.subscribe()
    }

    fn publish_transfers(&self) {
        let waiting = self.shard.transfers_waiting();
        self.transfers
            .send_if_modified(|known| std::mem::replace(known, waiting) != waiting);
    }
}

fn publish_stored<S: Store>(
    store: &S,
    id: ShardId,
    shard: &Shard,
    board: &Board,
) -> Result<(), StoreError> {
    let statuses = read_statuses(store, id)?;
    board.replace(statuses, shard.has_background_work());
    Ok(())
}

impl<S: Store> ReplicatedState<S> for ShardState {
    type Outcome = Outcomes;

    fn apply(
        &mut self,
        index: u64,
        entry: &Bytes,
        owed: bool,
        txn: &mut Overlay<'_, S>,
    ) -> Result<Outcomes, StoreError> {
        // An entry that this program cannot read must not be skipped: the replicas would differ.
        let entry = Entry::decode(entry.clone())
            .map_err(|error| StoreError::Corruption(format!("log entry: {error}")))?;
        let Applied {
            outcomes, statuses, ..
        } = self.shard.apply(txn, &entry, owed)?;
        self.statuses.extend(statuses);
        self.figures.commands_applied.add(outcomes.len() as u64);
        let digest = self.shard.digest();
        self.digests.applied(DigestAt { index, digest });
        Ok(outcomes)
    }

    fn committed(&mut self, index: u64) {
        let digest = self.shard.digest();
        self.digests.committed(DigestAt { index, digest });
        let statuses = std::mem::take(&mut self.statuses);
        self.board
            .update(statuses, self.shard.has_background_work());
        self.publish_transfers();
    }

    fn reload(&mut self, store: &S) -> Result<(), StoreError> {
        self.shard = Shard::open(store, self.id, self.limits.clone())?;
        self.statuses.clear();
        self.publish_transfers();
        publish_stored(store, self.id, &self.shard, &self.board)
    }
}
