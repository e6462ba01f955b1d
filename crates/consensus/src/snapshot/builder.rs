use std::fmt;
use std::io;
use std::sync::Arc;

use openraft::storage::{RaftSnapshotBuilder, Snapshot};
use openraft::type_config::alias::SnapshotOf;
use parking_lot::Mutex;

use super::{SnapshotData, SnapshotStore};
use crate::entry_log::LogView;
use crate::options::ApplyOn;
use crate::raft_types::TypeConfig;
use crate::state_machine::Applied;

/// Makes what the store has on disk openraft's snapshot. Nothing is copied: the rows are read when
/// a peer asks for them.
pub(crate) struct SnapshotBuilder {
    /// How far the rows had come when the builder was made.
    pub(crate) applied: Applied,
    /// A checkpoint that is on disk already.
    pub(crate) flushed: Option<Applied>,
    pub(crate) apply_on: ApplyOn,
    pub(crate) log: Arc<LogView>,
    pub(crate) store: Arc<dyn SnapshotStore>,
    pub(crate) current: Arc<Mutex<Option<Applied>>>,
}

impl SnapshotBuilder {
    /// A checkpoint that is on disk: the one at hand, or one of its own.
    async fn checkpoint(&mut self) -> io::Result<Applied> {
        if let Some(flushed) = self.flushed.take() {
            return Ok(flushed);
        }
        let store = Arc::clone(&self.store);
        let flushed = self.apply_on.run(move || store.flush()).await;
        flushed.map_err(io::Error::other)?;
        Ok(self.applied.clone())
    }
}

impl fmt::Debug for SnapshotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotBuilder")
            .field("applied", &self.applied)
            .finish_non_exhaustive()
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<TypeConfig, SnapshotData>> {
        let checkpoint = self.checkpoint().await?;
        if let Some(id) = checkpoint.log_id {
            self.log.set_durable(id);
        }
        let meta = checkpoint.snapshot_meta();
        let snapshot = SnapshotData::new(self.store.open()?)?;
        let mut current = self.current.lock();
        if current
            .as_ref()
            .is_none_or(|current| current.log_id < checkpoint.log_id)
        {
            *current = Some(checkpoint);
        }
        Ok(Snapshot { meta, snapshot })
    }
}
