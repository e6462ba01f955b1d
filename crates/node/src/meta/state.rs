//! Meta as the consensus layer runs it.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use squorum_consensus::ReplicatedState;
use squorum_meta::{Applied, Meta, MetaError, Outcome, QueueChange, Roster, read};
use squorum_proto::meta::Entry;
use squorum_store::{Overlay, Store, StoreError};
use tokio::sync::Notify;

use super::directory::Directory;
use super::recent::RecentOutcomes;
use crate::cluster::RosterSender;

/// What an entry of the control group did. Every entry holds one command.
#[derive(Clone, Debug)]
pub(crate) struct AppliedCommand {
    pub(crate) index: u64,
    pub(crate) outcome: Outcome,
}

/// Applies entries to [`Meta`], and tells directory, controller and mover what they did.
#[derive(Debug)]
pub(crate) struct MetaState {
    meta: Meta,
    directory: Directory,
    news: News,
    recent: RecentOutcomes,
    roster: RosterSender,
    changed: Vec<QueueChange>,
    applied: Vec<AppliedCommand>,
    has_new_work: bool,
    moves_changed: bool,
    new_roster: Option<Roster>,
}

/// What wakes those who look after meta's tasks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// For the controller.
    pub(crate) work: Arc<Notify>,
    /// For the mover.
    pub(crate) moves: Arc<Notify>,
}

impl MetaState {
    pub(crate) fn open<S: Store>(
        store: &S,
        directory: Directory,
        news: News,
        recent: RecentOutcomes,
        roster: RosterSender,
    ) -> Result<MetaState, MetaError> {
        let meta = Meta::open(store)?;
        roster.publish(read::roster(store)?);
        Ok(MetaState {
            meta,
            directory,
            news,
            recent,
            roster,
            changed: Vec::new(),
            applied: Vec::new(),
            has_new_work: false,
            moves_changed: false,
            new_roster: None,
        })
    }
}

impl<S: Store> ReplicatedState<S> for MetaState {
    type Outcome = AppliedCommand;

    fn apply(
        &mut self,
        index: u64,
        entry: &Bytes,
        _owed: bool,
        txn: &mut Overlay<'_, S>,
    ) -> Result<AppliedCommand, StoreError> {
        let entry = Entry::decode(entry.clone())
            .map_err(|error| StoreError::Corruption(format!("log entry: {error}")))?;
        let Applied {
            mut outcomes,
            changed_queues,
            new_work,
            moves_changed,
            members_changed,
            ..
        } = self.meta.apply(txn, &entry).map_err(to_store_error)?;
        self.changed.extend(changed_queues);
        self.has_new_work |= new_work;
        self.moves_changed |= moves_changed;
        if members_changed {
            self.new_roster = Some(read::roster(txn)?);
        }
        let outcome = outcomes.pop().filter(|_| outcomes.is_empty());
        let outcome = outcome
            .ok_or_else(|| StoreError::Corruption(format!("log entry {index}: not one command")))?;
        let applied = AppliedCommand { index, outcome };
        self.applied.push(applied.clone());
        Ok(applied)
    }

    fn committed(&mut self, _index: u64) {
        for change in self.changed.drain(..) {
            self.directory.forget(&change.key);
        }
        if std::mem::take(&mut self.has_new_work) {
            self.news.work.notify_one();
        }
        if std::mem::take(&mut self.moves_changed) {
            self.news.moves.notify_one();
        }
        if let Some(roster) = self.new_roster.take() {
            self.roster.publish(roster);
        }
        self.recent.publish(self.applied.drain(..));
    }

    fn reload(&mut self, store: &S) -> Result<(), StoreError> {
        self.meta = Meta::open(store).map_err(to_store_error)?;
        self.roster.publish(read::roster(store)?);
        self.directory.clear();
        self.recent.clear();
        self.news.work.notify_one();
        self.news.moves.notify_one();
        Ok(())
    }
}

/// Whatever ails meta ends the node; the store's error is the kind that does.
fn to_store_error(error: MetaError) -> StoreError {
    match error {
        MetaError::Store(error) => error,
        other => StoreError::Corruption(other.to_string()),
    }
}
