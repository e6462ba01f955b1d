use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openraft::Raft;
use parking_lot::Mutex;
use squorum_types::GroupId;
use tokio::time::Instant;
use tonic::Status;

use super::contacts::Contacts;
use super::pulse;
use super::snapshot_figures::SnapshotFigures;
use crate::options::ApplyOn;
use crate::raft_types::TypeConfig;
use crate::state_machine::StateMachine;

/// The groups that run on this node, for what peers send.
#[derive(Default)]
pub(crate) struct Registry {
    running: Mutex<Running>,
    pub(super) contacts: Contacts,
    pub(super) snapshots: SnapshotFigures,
}

#[derive(Default)]
struct Running {
    groups: BTreeMap<GroupId, Arc<RunningGroup>>,
    /// Somebody sends their heartbeats; ends when there are no groups.
    has_pulse: bool,
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
    pub(crate) lease: Duration,
    /// The term in which this node leads, if it does, and since when the pulse knows.
    pub(crate) led: Mutex<Option<(u64, Instant)>>,
    /// Snapshots that began to come, so that a new one ends the one before.
    pub(crate) snapshots: AtomicU64,
}

impl RunningGroup {
    /// Since when this node leads in `term`; `None`: it does not lead.
    pub(super) fn led_since(&self, term: Option<u64>, now: Instant) -> Option<Instant> {
        let mut led = self.led.lock();
        *led = term.map(|term| match *led {
            Some((known, since)) if known == term => (term, since),
            Some(_) | None => (term, now),
        });
        led.map(|(_, since)| since)
    }

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
    /// From now on peers reach the group and hear its heartbeats, until the registration is dropped.
    /// Replaces an earlier run of it. All groups have the same heartbeat interval.
    pub(crate) fn register(
        self: &Arc<Self>,
        group: RunningGroup,
        heartbeat_interval: Duration,
    ) -> Registration {
        let group = Arc::new(group);
        let mut running = self.running.lock();
        running.groups.insert(group.id, Arc::clone(&group));
        if !std::mem::replace(&mut running.has_pulse, true) {
            tokio::spawn(pulse::run(Arc::downgrade(self), heartbeat_interval));
        }
        drop(running);
        Registration {
            registry: Arc::clone(self),
            group,
        }
    }

    pub(super) fn get(&self, group: u32) -> Result<Arc<RunningGroup>, Status> {
        let running = self.running.lock();
        let group_id = GroupId(group);
        let found = running.groups.get(&group_id).map(Arc::clone);
        found.ok_or_else(|| Status::unavailable(format!("group {group} does not run here")))
    }

    /// For the pulse: every group, or `None` if there is none and it shall end.
    pub(super) fn pulse_groups(&self) -> Option<Vec<Arc<RunningGroup>>> {
        let mut running = self.running.lock();
        running.has_pulse = !running.groups.is_empty();
        let groups = running.groups.values().map(Arc::clone);
        running.has_pulse.then(|| groups.collect())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let groups = &mut self.registry.running.lock().groups;
        if let Some(current) = groups.get(&self.group.id)
            && Arc::ptr_eq(current, &self.group)
        {
            groups.remove(&self.group.id);
        }
    }
}
