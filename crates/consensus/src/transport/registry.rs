use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::Raft;
use parking_lot::Mutex;
use squorum_types::GroupId;
use tokio::time::Instant;
use tonic::Status;

use super::snapshot_figures::SnapshotFigures;
use crate::options::ApplyOn;
use crate::raft_types::TypeConfig;
use crate::state_machine::StateMachine;

/// The groups that run on this node, for what peers send.
#[derive(Default)]
pub(crate) struct Registry {
    groups: Mutex<BTreeMap<GroupId, Arc<RunningGroup>>>,
    pub(super) snapshots: SnapshotFigures,
}

/// A group that answers peers.
pub(crate) struct RunningGroup {
    pub(crate) id: GroupId,
    pub(crate) raft: Raft<TypeConfig, StateMachine>,
    pub(crate) scratch: PathBuf,
    pub(crate) apply_on: ApplyOn,
    /// Before, a leader that this node promised its lease to before it restarted may still count
    /// on it.
    pub(crate) votes_from: Instant,
    /// Snapshots that began to come, so that a new one ends the one before.
    pub(crate) snapshots: AtomicU64,
}

impl RunningGroup {
    /// Begins to receive a snapshot, which is the newest from now on.
    pub(crate) fn begin_snapshot(&self) -> u64 {
        self.snapshots.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn is_newest_snapshot(&self, number: u64) -> bool {
        self.snapshots.load(Ordering::Relaxed) == number
    }
}

/// Ends with the group.
pub(crate) struct Registration {
    registry: Arc<Registry>,
    group: Arc<RunningGroup>,
}

impl Registry {
    /// From now on peers reach the group, until the registration is dropped. Replaces an earlier
    /// run of it.
    pub(crate) fn register(self: &Arc<Self>, group: RunningGroup) -> Registration {
        let group = Arc::new(group);
        self.groups.lock().insert(group.id, Arc::clone(&group));
        Registration {
            registry: Arc::clone(self),
            group,
        }
    }

    pub(super) fn get(&self, group: u32) -> Result<Arc<RunningGroup>, Status> {
        let running = self.groups.lock().get(&GroupId(group)).map(Arc::clone);
        running.ok_or_else(|| Status::unavailable(format!("group {group} does not run here")))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut groups = self.registry.groups.lock();
        if let Some(current) = groups.get(&self.group.id)
            && Arc::ptr_eq(current, &self.group)
        {
            groups.remove(&self.group.id);
        }
    }
}
