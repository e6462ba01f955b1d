use std::collections::VecDeque;
use std::io;

use parking_lot::Mutex;
use squorum_log::LogError;
use tokio::sync::watch;

/// How much of a group's log this node has synced.
///
/// `apply` must not run ahead of it: a memtable flush could then make the state newer than the
/// log, and a restart would find a state that its log does not explain. openraft applies whatever
/// a quorum has, which need not include this node.
///
/// Invariants:
/// 1. `pending` holds the appends that were submitted and did not complete, oldest first; appends
///    are synced in that order.
/// 2. `done` counts the synced ones, so append number `n` is synced if `done > n`.
/// 3. After a failure nothing is ever reported as synced.
#[derive(Debug)]
pub(crate) struct SyncProgress {
    appends: Mutex<Appends>,
    done: watch::Sender<Done>,
}

#[derive(Debug, Default)]
struct Appends {
    submitted: u64,
    pending: VecDeque<Append>,
}

#[derive(Debug)]
struct Append {
    number: u64,
    first: u64,
}

#[derive(Debug, Clone, Default)]
struct Done {
    count: u64,
    failure: Option<LogError>,
}

impl SyncProgress {
    /// All that the log has is synced.
    pub(crate) fn new() -> SyncProgress {
        SyncProgress {
            appends: Mutex::new(Appends::default()),
            done: watch::Sender::new(Done::default()),
        }
    }

    /// Call before the append, of entries from index `first` on, is handed to the log. Answers its
    /// number.
    pub(crate) fn submit(&self, first: u64) -> u64 {
        let mut appends = self.appends.lock();
        let number = appends.submitted;
        appends.submitted += 1;
        appends.pending.push_back(Append { number, first });
        number
    }

    /// Call when the append has been synced, or can no more be.
    pub(crate) fn complete(&self, number: u64, result: &Result<(), LogError>) {
        let mut appends = self.appends.lock();
        match result {
            Ok(()) => {
                let append = appends.pending.pop_front();
                let append = append.expect("an append completes after its submission");
                assert_eq!(append.number, number, "appends are synced in order");
                drop(appends);
                self.done.send_modify(|done| done.count = number + 1);
            }
            Err(error) => {
                // Not always the oldest: the log may have refused it at once.
                appends.pending.retain(|append| append.number != number);
                drop(appends);
                self.done.send_modify(|done| {
                    done.failure.get_or_insert_with(|| error.clone());
                });
            }
        }
    }

    /// Waits until every entry up to `index` that was appended is synced.
    pub(crate) async fn synced(&self, index: u64) -> io::Result<()> {
        let needed = {
            let appends = self.appends.lock();
            let covers = |append: &&Append| append.first <= index;
            appends
                .pending
                .iter()
                .rev()
                .find(covers)
                .map(|append| append.number + 1)
        };
        let Some(needed) = needed else { return Ok(()) };
        let mut done = self.done.subscribe();
        let reached = |done: &Done| done.failure.is_some() || done.count >= needed;
        let done = done.wait_for(reached).await.map_err(io::Error::other)?;
        match &done.failure {
            Some(error) => Err(io::Error::other(error.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::FutureExt;

    use super::*;

    fn is_synced(progress: &SyncProgress, index: u64) -> bool {
        progress
            .synced(index)
            .now_or_never()
            .is_some_and(|result| result.is_ok())
    }

    #[test]
    fn waits_for_the_appends_that_cover_the_index_alone() {
        let progress = SyncProgress::new();
        let first = progress.submit(10);
        let second = progress.submit(13);
        assert!(is_synced(&progress, 9) && !is_synced(&progress, 10));
        progress.complete(first, &Ok(()));
        assert!(is_synced(&progress, 12) && !is_synced(&progress, 13));
        progress.complete(second, &Ok(()));
        assert!(is_synced(&progress, 13));
    }

    #[test]
    fn an_entry_that_was_written_again_is_synced_with_its_last_append() {
        let progress = SyncProgress::new();
        let first = progress.submit(0);
        let again = progress.submit(3);
        progress.complete(first, &Ok(()));
        assert!(is_synced(&progress, 2) && !is_synced(&progress, 3));
        progress.complete(again, &Ok(()));
        assert!(is_synced(&progress, 3));
    }

    #[test]
    fn nothing_is_synced_after_a_failure() {
        let progress = SyncProgress::new();
        let pending = progress.submit(0);
        let refused = progress.submit(1);
        progress.complete(refused, &Err(LogError::Closed));
        progress.complete(pending, &Ok(()));
        progress.submit(2);
        assert!(progress.synced(2).now_or_never().unwrap().is_err());
    }
}
