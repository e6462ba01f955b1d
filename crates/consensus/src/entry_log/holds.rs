use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::time::Instant;

/// For so long a follower that has the snapshot may take nothing of what comes after it.
const LINGER: Duration = Duration::from_secs(60);

/// Bytes of log that are held for each byte of a snapshot that was sent.
const HELD_FOR_SENT: u64 = 2;

/// What followers need of a group's log that are being sent a snapshot: the entries after it. Were they
/// purged meanwhile, the next snapshot would follow, and a follower of a busy group never catch up.
///
/// The more of the snapshot was sent, the more is held: a log that grows faster than that would
/// outrun whatever is sent. So the log is bounded by what the group's rows take.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    holds: BTreeMap<NodeId, Hold>,
    begun: u64,
}

#[derive(Debug)]
struct Hold {
    number: u64,
    /// Of the last entry that the follower has, or will have when it has the snapshot.
    index: u64,
    sent_bytes: u64,
    /// `None` while the snapshot is on its way.
    until: Option<Instant>,
}

/// Lives as long as the snapshot is on its way. If it was not installed, the next one will be newer, so
/// nothing is held for it any more: a follower that is not there does not make the log grow.
#[derive(Debug)]
pub(crate) struct HoldGuard {
    holds: Arc<Holds>,
    follower: NodeId,
    number: u64,
}

impl Holds {
    /// Takes the place of an earlier hold for the same follower.
    pub(crate) fn begin(self: &Arc<Holds>, follower: NodeId, index: u64) -> HoldGuard {
        let mut inner = self.0.lock();
        inner.begun += 1;
        let number = inner.begun;
        let hold = Hold {
            number,
            index,
            sent_bytes: 0,
            until: None,
        };
        inner.holds.insert(follower, hold);
        HoldGuard {
            holds: Arc::clone(self),
            follower,
            number,
        }
    }

    /// The follower has the log up to `index`.
    pub(crate) fn matched(&self, follower: NodeId, index: u64) {
        let holds = &mut self.0.lock().holds;
        if let Some(hold) = holds.get_mut(&follower)
            && hold.until.is_some()
            && index > hold.index
        {
            hold.index = index;
            hold.until = Some(Instant::now() + LINGER);
        }
    }

    /// The entries after it shall stay. `before_last` says after which index the log has its newest so
    /// many bytes; each hold is for `bytes_min` at least.
    pub(crate) fn lowest(
        &self,
        bytes_min: u64,
        before_last: impl Fn(u64) -> Option<u64>,
    ) -> Option<u64> {
        let (now, holds) = (Instant::now(), &mut self.0.lock().holds);
        holds.retain(|_, hold| hold.until.is_none_or(|until| now < until));
        let lowest_of = |hold: &Hold| {
            let bytes_max = bytes_min.max(hold.sent_bytes.saturating_mul(HELD_FOR_SENT));
            hold.index.max(before_last(bytes_max).unwrap_or(0))
        };
        holds.values().map(lowest_of).min()
    }
}

impl HoldGuard {
    /// So many bytes more of the snapshot were sent.
    pub(crate) fn sent(&self, bytes: u64) {
        self.change(|hold| hold.sent_bytes += bytes);
    }

    /// The follower has the snapshot.
    pub(crate) fn installed(&self) {
        self.change(|hold| hold.until = Some(Instant::now() + LINGER));
    }

    fn change(&self, how: impl FnOnce(&mut Hold)) {
        let holds = &mut self.holds.0.lock().holds;
        if let Some(hold) = holds.get_mut(&self.follower)
            && hold.number == self.number
        {
            how(hold);
        }
    }
}

impl Drop for HoldGuard {
    fn drop(&mut self) {
        let holds = &mut self.holds.0.lock().holds;
        let hold = holds.get(&self.follower);
        if hold.is_some_and(|hold| hold.number == self.number && hold.until.is_none()) {
            holds.remove(&self.follower);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a log whose entries have a byte each.
    fn lowest(holds: &Holds, last: u64) -> Option<u64> {
        holds.lowest(5, |bytes| last.checked_sub(bytes))
    }

    #[tokio::test(start_paused = true)]
    async fn entries_after_a_snapshot_stay_until_its_follower_had_time_for_them() {
        let holds = Arc::new(Holds::default());
        assert_eq!(lowest(&holds, 12), None);
        let first = holds.begin(NodeId(1), 10);
        tokio::time::advance(LINGER * 2).await;
        assert_eq!(lowest(&holds, 12), Some(10));
        first.installed();
        drop(first);
        tokio::time::advance(LINGER / 2).await;
        holds.matched(NodeId(1), 9);
        assert_eq!(lowest(&holds, 12), Some(10));
        holds.matched(NodeId(1), 11);
        tokio::time::advance(LINGER - Duration::from_secs(1)).await;
        assert_eq!(lowest(&holds, 12), Some(11));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(lowest(&holds, 12), None);
    }

    #[test]
    fn nothing_is_held_for_a_snapshot_that_failed() {
        let holds = Arc::new(Holds::default());
        let first = holds.begin(NodeId(1), 20);
        let other = holds.begin(NodeId(2), 10);
        assert_eq!(lowest(&holds, 12), Some(10));
        drop(other);
        assert_eq!(lowest(&holds, 22), Some(20));
        // The next one for the same follower does not end with the one before it.
        let _second = holds.begin(NodeId(1), 30);
        drop(first);
        assert_eq!(lowest(&holds, 32), Some(30));
    }

    #[test]
    fn the_more_was_sent_the_more_is_held() {
        let holds = Arc::new(Holds::default());
        let hold = holds.begin(NodeId(1), 10);
        assert_eq!(lowest(&holds, 100), Some(95));
        hold.sent(20);
        assert_eq!(lowest(&holds, 100), Some(60));
        hold.sent(20);
        assert_eq!(lowest(&holds, 100), Some(20));
        hold.sent(20);
        assert_eq!(lowest(&holds, 100), Some(10));
    }
}
