use std::collections::VecDeque;
use std::io;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::LogError;

/// How much of a group's log this node has synced.
///
/// `apply` must not run ahead of it: a memtable flush could then make the state newer than the
/// log, and a restart would find a state that its log does not explain. openraft applies whatever
/// a quorum has, which need not include this node.
///
/// Invariants:
/// 1. `pending` holds the appends that were submitted and did not complete, oldest first; appends
///    complete in that order.
/// 2. `done` counts the completed ones, so append number `n` is synced if `done > n`.
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
    synced_index: Option<u64>,
}

#[derive(Debug)]
struct Append {
    number: u64,
    first: u64,
    last: u64,
}

#[derive(Debug, Clone, Default)]
struct Done {
    count: u64,
    failure: Option<LogError>,
}

impl SyncProgress {
    /// `synced_index`: of the last entry that the log had when it was opened.
    pub(crate) fn new(synced_index: Option<u64>) -> SyncProgress {
        let appends = Appends { synced_index, ..Appends::default() };
        SyncProgress {
            appends: Mutex::new(appends),
            done: watch::Sender::new(Done::default()),
        }
    }

    /// Index of the last entry known to be synced.
    pub(crate) fn synced_index(&self) -> Option<u64> {
        self.appends.lock().synced_index
    }

    /// Call before the append is handed to the log. Answers its number.
    pub(crate) fn submit(&self, first: u64, last: u64) -> u64 {
        let mut appends = self.appends.lock();
        let number = appends.submitted;
        appends.submitted += 1;
        appends.pending.push_back(Append { number, first, last });
        number
    }

    /// Call when the append has been synced, or can no more be.
    pub(crate) fn complete(&self, number: u64, result: &Result<(), LogError>) {
        let mut appends = self.appends.lock();
        let append = appends.pending.pop_front().expect("an append completes after its submission");
        assert_eq!(append.number, number, "appends complete in order");
        match result {
            Ok(()) => {
                // Not the maximum: a truncation may have made the log shorter.
                appends.synced_index = Some(append.last);
                drop(appends);
                self.done.send_modify(|done| done.count = number + 1);
            }
            Err(error) => self.done.send_modify(|done| {
                done.failure.get_or_insert_with(|| error.clone());
            }),
        }
    }

    /// Waits until every entry up to `index` that was appended is synced.
    pub(crate) async fn synced(&self, index: u64) -> io::Result<()> {
        let needed = {
            let appends = self.appends.lock();
            let covers = |append: &&Append| append.first <= index;
            appends.pending.iter().rev().find(covers).map(|append| append.number + 1)
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

    #[test]
    fn waits_for_the_appends_that_cover_the_index_alone() {
        let progress = SyncProgress::new(Some(9));
        assert!(progress.synced(9).now_or_never().unwrap().is_ok());
        let first = progress.submit(10, 12);
        let second = progress.submit(13, 13);
        assert!(progress.synced(9).now_or_never().unwrap().is_ok());
        assert!(progress.synced(10).now_or_never().is_none());
        progress.complete(first, &Ok(()));
        assert_eq!(progress.synced_index(), Some(12));
        assert!(progress.synced(12).now_or_never().unwrap().is_ok());
        assert!(progress.synced(13).now_or_never().is_none());
        progress.complete(second, &Ok(()));
        assert!(progress.synced(13).now_or_never().unwrap().is_ok());
    }

    #[test]
    fn an_entry_that_was_written_again_is_synced_with_its_last_append() {
        let progress = SyncProgress::new(None);
        let first = progress.submit(0, 5);
        let again = progress.submit(3, 3);
        progress.complete(first, &Ok(()));
        assert!(progress.synced(2).now_or_never().unwrap().is_ok());
        assert!(progress.synced(4).now_or_never().is_none());
        progress.complete(again, &Ok(()));
        assert_eq!(progress.synced_index(), Some(3));
    }

    #[test]
    fn nothing_is_synced_after_a_failure() {
        let progress = SyncProgress::new(None);
        let number = progress.submit(0, 0);
        progress.complete(number, &Err(LogError::Closed));
        assert!(progress.synced(0).now_or_never().unwrap().is_err());
        assert_eq!(progress.synced_index(), None);
    }
}
