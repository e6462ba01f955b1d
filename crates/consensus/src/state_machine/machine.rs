use std::fmt;
use std::io;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use openraft::EntryPayload;
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot};
use openraft::type_config::alias::SnapshotOf;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Applied, Committed, Job, Jobs, Publication};
use crate::entry_log::{LogView, READ_BYTES_MAX};
use crate::options::ApplyOn;
use crate::raft_types::{LogId, SnapshotMeta, StoredMembership, TypeConfig};
use crate::snapshot::{SnapshotBuilder, SnapshotData, SnapshotStore};

/// Most entries in one batch of `apply`, and so in one commit.
const BATCH_ENTRIES_MAX: usize = 1024;

/// A checkpoint that the store has on disk and openraft not yet as its snapshot.
pub(crate) type Flushed = Arc<Mutex<Option<Applied>>>;

/// openraft's view of a group's state.
///
/// Invariants:
/// 1. A batch is applied only when this node's own log is synced through its last entry.
/// 2. `current`, the snapshot that openraft knows and purges by, never goes beyond what the store
///    has on disk: it is set by a checkpoint whose mark was taken before its flush began.
pub(crate) struct StateMachine {
    pub(crate) jobs: Jobs,
    pub(crate) apply_on: ApplyOn,
    pub(crate) publication: Arc<Publication>,
    pub(crate) log: Arc<LogView>,
    pub(crate) store: Arc<dyn SnapshotStore>,
    pub(crate) flushed: Flushed,
    pub(crate) current: Arc<Mutex<Option<Applied>>>,
}

impl StateMachine {
    /// Applies what openraft says is committed.
    async fn apply_batch(&self, batch: Vec<Committed>) -> io::Result<()> {
        let Some((last, _)) = batch.last() else {
            return Ok(());
        };
        self.log.progress.synced(last.log_id.index()).await?;
        let (done, answer) = oneshot::channel();
        self.jobs.submit(Job::Apply { batch, done });
        answer
            .await
            .map_err(|_| stopped())?
            .map_err(io::Error::other)
    }
}

impl fmt::Debug for StateMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateMachine")
            .field("applied", &self.publication.index())
            .finish_non_exhaustive()
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let applied = self.publication.applied();
        Ok((applied.log_id, applied.membership))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + Send,
    {
        let mut batch: Vec<Committed> = Vec::new();
        let mut bytes = 0;
        while let Some(committed) = entries.next().await {
            let committed = committed?;
            if let EntryPayload::Normal(command) = &committed.0.payload {
                bytes += command.0.len();
            }
            batch.push(committed);
            if batch.len() >= BATCH_ENTRIES_MAX || bytes >= READ_BYTES_MAX {
                self.apply_batch(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        self.apply_batch(batch).await
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            // Read before a flush that is still to come.
            applied: self.publication.applied(),
            flushed: self.flushed.lock().take(),
            apply_on: self.apply_on,
            log: Arc::clone(&self.log),
            store: Arc::clone(&self.store),
            current: Arc::clone(&self.current),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: SnapshotData,
    ) -> io::Result<()> {
        if snapshot.meta() != *meta {
            return Err(io::Error::other(
                "the snapshot's rows are not those of its metadata",
            ));
        }
        let (done, answer) = oneshot::channel();
        self.jobs.submit(Job::Install { snapshot, done });
        answer
            .await
            .map_err(|_| stopped())?
            .map_err(io::Error::other)?;
        let applied = Applied {
            log_id: meta.last_log_id,
            membership: meta.last_membership.clone(),
        };
        if let Some(id) = applied.log_id {
            self.log.set_durable(id);
        }
        *self.flushed.lock() = None;
        *self.current.lock() = Some(applied);
        Ok(())
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> io::Result<Option<SnapshotOf<TypeConfig, SnapshotData>>> {
        let Some(current) = self.current.lock().clone() else {
            return Ok(None);
        };
        let snapshot = SnapshotData::new(self.store.open()?)?;
        Ok(Some(Snapshot {
            meta: current.snapshot_meta(),
            snapshot,
        }))
    }
}

fn stopped() -> io::Error {
    io::Error::other("the apply thread has stopped")
}
