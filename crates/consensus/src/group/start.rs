use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use openraft::Raft;
use parking_lot::Mutex;
use squorum_store::Store;
use squorum_types::GroupId;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use super::handover::Handover;
use super::leadership::LeadershipWatch;
use super::{Group, Inner};
use crate::entry_log::{EntryLog, LogStorage, LogView, from_log};
use crate::error::{FatalHook, StartError};
use crate::options::{ApplyOn, GroupOptions};
use crate::raft_types::{LogId, TypeConfig};
use crate::snapshot::GroupStore;
use crate::state_machine::{
    Applier, Jobs, Publication, ReplicatedState, StateMachine, StoredState, Worker,
};
use crate::transport::{Network, RaftTransport, RunningGroup};

impl<O: Send + 'static> Group<O> {
    /// Starts a group on this node, which must be within a tokio runtime. `state` must be as the
    /// store's rows have it. Returns when everything that this node knows to be committed is
    /// applied again.
    ///
    /// A new group does nothing before it is founded ([`initialize`](Self::initialize)) or hears
    /// of another member.
    pub async fn start<S, R>(
        options: GroupOptions,
        log: Arc<dyn EntryLog>,
        store: S,
        state: R,
        transport: Arc<RaftTransport>,
        on_fatal: FatalHook,
    ) -> Result<Group<O>, StartError>
    where
        S: Store,
        R: ReplicatedState<S, Outcome = O>,
    {
        let mut config = options.config()?;
        let (group, node) = (options.group, options.node);
        let stored = StoredState::read(&store, group)?;
        check_log_explains_state(&options, &*log, &stored)?;
        drop_overruled_tail(group, &*log, &stored)?;
        let lease = Duration::from_millis(config.election_timeout_max);
        let heartbeat_interval = Duration::from_millis(options.timings.heartbeat_interval_ms);
        let entries = Arc::clone(&log);
        let parts = Parts::new(&options, log, store, state, stored)?;
        let flushed = Arc::clone(&parts.machine.flushed);
        let publication = Arc::clone(&parts.machine.publication);
        let view = Arc::clone(&parts.machine.log);
        let may_owe_lease = view.vote().is_some_and(|v| v.leader_id.voted_for != node.0);
        config.enable_elect = !may_owe_lease;
        let network = Network {
            transport: Arc::clone(&transport),
            group,
            holds: Arc::clone(&view.holds),
            apply_on: options.apply_on,
            heartbeat_interval,
        };
        let config = Arc::new(config);
        let raft = Raft::new(node.0, config, network, parts.storage, parts.machine)
            .await
            .map_err(|error| StartError::Raft {
                group,
                reason: error.to_string(),
            })?;
        let votes_from = end_of_owed_leases(&raft, may_owe_lease, lease);
        let running = RunningGroup {
            id: group,
            raft: raft.clone(),
            scratch: options.scratch,
            apply_on: options.apply_on,
            votes_from,
            lease,
            led: Mutex::new(None),
            snapshots: AtomicU64::new(0),
        };
        let registration = transport.registry().register(running, heartbeat_interval);
        let handover = Handover::new();
        let (watch, leadership) = LeadershipWatch::new(
            (group, node),
            &raft,
            &publication,
            &handover,
            (registration, on_fatal),
        );
        tokio::spawn(watch.run());
        let inner = Inner {
            group,
            node,
            metrics: raft.metrics(),
            raft,
            leadership,
            handover,
            publication,
            entries,
            log: view,
            flushed,
            proposals: Arc::new(Semaphore::new(options.proposals_max)),
            entry_bytes_max: options.entry_bytes_max,
            log_bytes_kept: options.log_bytes_kept,
            lease,
            applier_ended: tokio::sync::Mutex::new(Some(parts.applier_ended)),
        };
        Ok(Group {
            inner: Arc::new(inner),
            outcome: PhantomData,
        })
    }
}

/// From when on this node may vote and be elected. Before it restarted it may have promised a lease
/// to the leader that it followed, and openraft does not remember.
fn end_of_owed_leases(
    raft: &Raft<TypeConfig, StateMachine>,
    may_owe_lease: bool,
    lease: Duration,
) -> Instant {
    let now = Instant::now();
    if !may_owe_lease {
        return now;
    }
    let raft = raft.clone();
    tokio::spawn(async move {
        tokio::time::sleep_until(now + lease).await;
        raft.runtime_config().elect(true);
    });
    now + lease
}

/// What openraft works on.
pub(crate) struct Parts {
    pub(crate) storage: LogStorage,
    pub(crate) machine: StateMachine,
    pub(crate) applier_ended: oneshot::Receiver<()>,
}

impl Parts {
    /// Starts the apply thread, which ends when the state machine is dropped.
    pub(crate) fn new<S: Store, R: ReplicatedState<S>>(
        options: &GroupOptions,
        log: Arc<dyn EntryLog>,
        store: S,
        mut state: R,
        stored: StoredState,
    ) -> Result<Parts, StartError> {
        let group = options.group;
        if let Some(id) = &stored.applied.log_id {
            state.committed(id.index());
        }
        // What an opened store holds is on disk, so it may be purged by and is a snapshot.
        let view = Arc::new(LogView::open(&*log, group, stored.applied.log_id)?);
        let current = stored.applied.log_id.map(|_| stored.applied.clone());
        let publication = Arc::new(Publication::new(stored.applied));
        let applier = Applier {
            group,
            store: store.clone(),
            state,
            publication: Arc::clone(&publication),
            scratch: options.scratch.clone(),
        };
        let (ended, applier_ended) = oneshot::channel();
        let jobs = match options.apply_on {
            ApplyOn::OwnThread => spawn(group, Box::new(applier), ended)?,
            ApplyOn::Caller => Jobs::Inline {
                worker: Mutex::new(Some(Box::new(applier))),
                _ended: ended,
            },
        };
        let machine = StateMachine {
            jobs,
            apply_on: options.apply_on,
            publication,
            log: Arc::clone(&view),
            store: Arc::new(GroupStore { store, group }),
            flushed: Arc::new(Mutex::new(None)),
            current: Arc::new(Mutex::new(current)),
        };
        let storage = LogStorage::new(log, group, view, options.apply_on);
        Ok(Parts {
            storage,
            machine,
            applier_ended,
        })
    }
}

/// Starts the thread that does the jobs. `ended` is dropped when it has ended.
fn spawn(
    group: GroupId,
    worker: Box<dyn Worker>,
    ended: oneshot::Sender<()>,
) -> Result<Jobs, StartError> {
    let (queue, jobs) = sync_channel(1);
    std::thread::Builder::new()
        // Linux shows 15 characters.
        .name(format!("apply-{}", group.0))
        .spawn(move || {
            // Locals are dropped in the reverse order, also by a panic: the worker first.
            let _ended = ended;
            let mut worker = worker;
            while let Ok(job) = jobs.recv()
                && worker.work(job)
            {}
        })
        .map_err(|error| StartError::Thread(error.to_string()))?;
    Ok(Jobs::Thread(queue))
}

/// The state may lie beyond the log's end only if it came from a snapshot and the crash came before
/// the log learned of it.
fn check_log_explains_state(
    options: &GroupOptions,
    log: &dyn EntryLog,
    stored: &StoredState,
) -> Result<(), StartError> {
    let last = log.state(options.group).last.map(from_log);
    if stored.applied.log_id <= last || stored.applied.log_id == stored.installed.log_id {
        return Ok(());
    }
    let show = |id: Option<LogId>| id.map_or_else(|| "nothing".to_string(), |id| id.to_string());
    Err(StartError::StateBeyondLog {
        group: options.group,
        state: show(stored.applied.log_id),
        log: show(last),
    })
}

/// A snapshot is on disk when it replaces the rows; only later the log is told that it overrules the
/// tail of a leader that was deposed. If the crash came between, the log still has that tail, under the
/// indexes of what the rows hold. openraft refuses the two together, and purging up to the rows would
/// leave the entries above them.
fn drop_overruled_tail(
    group: GroupId,
    log: &dyn EntryLog,
    stored: &StoredState,
) -> Result<(), StartError> {
    let (last, applied) = (log.state(group).last.map(from_log), stored.applied.log_id);
    let index = |id: Option<LogId>| id.map(|id| id.index());
    if last >= applied || index(last) < index(applied) {
        return Ok(());
    }
    tracing::warn!(?last, ?applied, "the log's tail is overruled by a snapshot");
    // All of it: what the rows do not hold lost to what they do.
    let dropped = log.truncate_after(group, None);
    dropped.map_err(|error| StartError::Raft {
        group,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use squorum_log::{Entry, LogId};

    use super::*;
    use crate::raft_types::log_id;
    use crate::state_machine::Applied;
    use crate::testing::small_log;

    #[test]
    fn a_tail_that_a_snapshot_overruled_is_dropped() {
        const GROUP: GroupId = GroupId(1);
        let last_with = |term, index| {
            let directory = tempfile::tempdir().unwrap();
            let log = small_log(directory.path());
            let entries = (0..=5).map(|index| Entry {
                id: LogId { term: 4, index },
                payload: b"entry".as_slice().into(),
            });
            log.append(GROUP, entries.collect(), Box::new(|_| ()))
                .unwrap();
            let installed = Applied {
                log_id: Some(log_id(term, index)),
                ..Applied::default()
            };
            let stored = StoredState {
                applied: installed.clone(),
                installed,
            };
            drop_overruled_tail(GROUP, &log, &stored).unwrap();
            log.state(GROUP).last.map(|last| last.index)
        };
        for index in [3, 5] {
            assert_eq!(last_with(5, index), None);
            assert_eq!(last_with(4, index), Some(5));
        }
        assert_eq!(last_with(5, 6), Some(5));
    }
}
