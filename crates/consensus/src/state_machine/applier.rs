//! Applies a group's entries, on the group's own thread.
//!
//! Invariants:
//! 1. A batch of entries becomes one [`Overlay`] and one commit, together with the row that says
//!    how far it went.
//! 2. Nobody hears of an entry before that commit: first [`ReplicatedState::committed`], then the
//!    published index, then the proposers.
//! 3. After the first failure nothing more is applied: the job is answered with it, and openraft
//!    stops the group.

use std::path::PathBuf;
use std::sync::Arc;

use openraft::EntryPayload;
use openraft::storage::ApplyResponder;
use squorum_store::{Overlay, Store, StoreError, Txn};
use squorum_types::GroupId;

use super::{
    Applied, Committed, Job, Publication, ReplicatedState, Worker, applied_key, group_key_range,
    installed_key,
};
use crate::codec;
use crate::raft_types::{Reply, StoredMembership, TypeConfig};
use crate::snapshot::{SnapshotData, SnapshotError};

pub(crate) struct Applier<S, R> {
    pub(crate) group: GroupId,
    pub(crate) store: S,
    pub(crate) state: R,
    pub(crate) publication: Arc<Publication>,
    /// For files under construction while a snapshot is installed.
    pub(crate) scratch: PathBuf,
}

impl<S: Store, R: ReplicatedState<S>> Worker for Applier<S, R> {
    fn work(&mut self, job: Job) -> bool {
        // Nobody waits for the answer if the group was shut down meanwhile.
        match job {
            Job::Apply { batch, done } => {
                let result = self.apply(batch);
                let is_well = result.is_ok();
                let _ = done.send(result);
                is_well
            }
            Job::Install { snapshot, done } => {
                let result = self.install(snapshot);
                let is_well = result.is_ok();
                let _ = done.send(result);
                is_well
            }
        }
    }
}

impl<S: Store, R: ReplicatedState<S>> Applier<S, R> {
    fn apply(&mut self, batch: Vec<Committed>) -> Result<(), StoreError> {
        let Some((last, _)) = batch.last() else {
            return Ok(());
        };
        let last = last.log_id;
        let mut applied = Applied {
            log_id: Some(last),
            ..self.publication.applied()
        };
        let mut txn = Overlay::new(&self.store);
        let mut answers: Vec<(ApplyResponder<TypeConfig>, Reply)> = Vec::with_capacity(batch.len());
        for (entry, responder) in batch {
            let reply = match entry.payload {
                EntryPayload::Blank => Reply::none(),
                EntryPayload::Membership(membership) => {
                    applied.membership = StoredMembership::new(Some(entry.log_id), membership);
                    Reply::none()
                }
                EntryPayload::Normal(command) => {
                    let body = codec::entry::body(&command);
                    let owed = responder.is_some();
                    Reply::of(
                        self.state
                            .apply(entry.log_id.index(), &body, owed, &mut txn)?,
                    )
                }
            };
            if let Some(responder) = responder {
                answers.push((responder, reply));
            }
        }
        txn.put_bytes(applied_key(self.group), codec::encode_applied(&applied));
        self.store.commit(txn.into_batch())?;
        self.state.committed(last.index());
        self.publication.publish(applied);
        for (responder, reply) in answers {
            responder.send(reply);
        }
        Ok(())
    }

    /// Replaces all of the group's rows, the rows that say how far they go included, in one step.
    fn install(&mut self, snapshot: SnapshotData) -> Result<(), SnapshotError> {
        let (header, rows) = snapshot.into_rows();
        if header.group != self.group {
            return Err(SnapshotError::WrongGroup {
                found: header.group,
                expected: self.group,
            });
        }
        let applied = codec::encode_applied(&header.applied);
        let own = [
            (applied_key(self.group), applied.clone()),
            (installed_key(self.group), applied),
        ];
        let mut rows = own.into_iter().map(Ok).chain(rows);
        self.store
            .replace_range(group_key_range(self.group), &mut rows, &self.scratch)?;
        self.state.reload(&self.store)?;
        if let Some(id) = &header.applied.log_id {
            self.state.committed(id.index());
        }
        self.publication.publish(header.applied);
        Ok(())
    }
}
