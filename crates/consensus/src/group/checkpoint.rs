use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;

use super::Group;
use crate::error::CheckpointError;
use crate::raft_types::LogId;
use crate::state_machine::Applied;

/// How far a group's rows had come when [`Group::begin_checkpoint`] was called.
#[derive(Debug, Clone)]
pub struct CheckpointMark {
    applied: Applied,
    given_up: Option<u64>,
}

impl CheckpointMark {
    /// Index of the last entry that the checkpoint covers; `None` if nothing was applied yet.
    pub fn index(&self) -> Option<u64> {
        self.applied.log_id.map(|id| id.index())
    }

    /// Lets the log go up to an index also where fewer bytes come after it than are kept otherwise: a
    /// quiet group's few old entries would hold up what all groups have written since.
    pub fn giving_up(self, index: Option<u64>) -> CheckpointMark {
        CheckpointMark {
            given_up: index,
            ..self
        }
    }
}

impl<O: Send + 'static> Group<O> {
    /// Marks what is in the store now. Call it *before* [`flush`](squorum_store::Store::flush): what
    /// the mark covers is on disk when that returns.
    pub fn begin_checkpoint(&self) -> CheckpointMark {
        CheckpointMark {
            applied: self.inner.publication.applied(),
            given_up: None,
        }
    }

    /// The flush that began after `mark` was taken has returned: makes the mark the group's
    /// snapshot and purges the log up to it, but for what is kept for followers. Returns when openraft
    /// has taken it over; the purge follows, as soon as nothing of it is on its way to a follower.
    pub async fn finish_checkpoint(&self, mark: CheckpointMark) -> Result<(), CheckpointError> {
        let Some(id) = mark.applied.log_id else {
            return Ok(());
        };
        self.inner.log.set_durable(id);
        let mut metrics = self.inner.metrics.clone();
        let reached = |snapshot: Option<LogId>| snapshot >= Some(id);
        // Bounded by the group's life. More than one round only if openraft was busy with another
        // snapshot and ignored the request.
        while !reached(metrics.borrow_and_update().snapshot) {
            *self.inner.flushed.lock() = Some(mark.applied.clone());
            let triggered = self.inner.raft.trigger().snapshot().await;
            triggered.map_err(|_| CheckpointError::Stopped)?;
            let taken_over = async {
                while !reached(metrics.borrow_and_update().snapshot) {
                    metrics
                        .changed()
                        .await
                        .map_err(|_| CheckpointError::Stopped)?;
                }
                Ok(())
            };
            match tokio::time::timeout(RETRY_AFTER, taken_over).await {
                Ok(result) => result?,
                Err(_) => tracing::debug!(group = self.inner.group.0, "checkpoint asked for again"),
            }
        }
        let Some(upto) = self.purge_upto(id.index(), mark.given_up) else {
            return Ok(());
        };
        let purged = self.inner.raft.trigger().purge_log(upto).await;
        purged.map_err(|_| CheckpointError::Stopped)
    }

    /// The last index that nobody needs in the log. A follower that is further behind gets a
    /// snapshot, so whoever is away does not make the log grow; what comes after a snapshot that is on
    /// its way is kept for longer, within bounds.
    fn purge_upto(&self, durable: u64, given_up: Option<u64>) -> Option<u64> {
        let kept = self.inner.log_bytes_kept;
        if kept == 0 {
            return Some(durable);
        }
        let appended = &self.inner.log.appended;
        let upto = appended.index_before_last(kept).max(given_up)?.min(durable);
        let held_min = kept.saturating_mul(HELD_FACTOR).max(HELD_BYTES_MIN);
        let holds = &self.inner.log.holds;
        for replica in self.replication() {
            holds.matched(replica.node, replica.matched_index.unwrap_or(0));
        }
        let held = holds.lowest(held_min, |bytes| appended.index_before_last(bytes));
        Some(held.map_or(upto, |held| held.min(upto)))
    }
}

/// A checkpoint that is on disk already takes openraft a few messages.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// So many times what is kept for followers is held for those that are being sent a snapshot, if need be.
const HELD_FACTOR: u64 = 16;
/// So much is held if need be, however little is kept otherwise.
const HELD_BYTES_MIN: u64 = 64 << 20;
