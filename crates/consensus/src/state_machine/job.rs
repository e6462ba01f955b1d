use std::sync::mpsc::SyncSender;

use openraft::storage::ApplyResponder;
use parking_lot::Mutex;
use squorum_store::StoreError;
use tokio::sync::oneshot;

use crate::raft_types::{RaftEntry, TypeConfig};
use crate::snapshot::{SnapshotData, SnapshotError};

/// A committed entry and who waits for its outcome.
pub(crate) type Committed = (RaftEntry, Option<ApplyResponder<TypeConfig>>);

/// Who does the jobs of a group: an [`Applier`](super::Applier), whatever its types.
pub(crate) trait Worker: Send {
    /// Does one job and answers it. False after a failure: then it must be asked no more.
    fn work(&mut self, job: Job) -> bool;
}

/// Where a group's jobs are done.
pub(crate) enum Jobs {
    /// On the group's own thread. The queue has room for one job, and there is never more than one
    /// under way, so handing it over does not block.
    Thread(SyncSender<Job>),
    /// By whoever hands over the job. `_ended` is dropped together with the worker.
    Inline {
        worker: Mutex<Option<Box<dyn Worker>>>,
        _ended: oneshot::Sender<()>,
    },
}

impl Jobs {
    /// Hands over a job. If the worker has stopped, the job is dropped and its answer never comes.
    pub(crate) fn submit(&self, job: Job) {
        match self {
            Jobs::Thread(queue) => {
                let _ = queue.send(job);
            }
            Jobs::Inline { worker, .. } => {
                let mut worker = worker.lock();
                if worker.as_mut().is_some_and(|worker| !worker.work(job)) {
                    *worker = None;
                }
            }
        }
    }
}

/// What an applier is asked to do, one after the other.
pub(crate) enum Job {
    Apply {
        batch: Vec<Committed>,
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    Install {
        snapshot: SnapshotData,
        done: oneshot::Sender<Result<(), SnapshotError>>,
    },
}
