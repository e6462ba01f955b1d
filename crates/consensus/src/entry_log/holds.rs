use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::time::Instant;

/// For so long after a snapshot was installed the follower may take what comes after it.
const LINGER: Duration = Duration::from_secs(60);

/// What followers need of a group's log that are being sent a snapshot: the entries after it. Were they
/// purged meanwhile, the next snapshot would follow, and a follower of a busy group never catch up.
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
    /// Of the snapshot's last entry.
    index: u64,
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
        let until = None;
        let hold = Hold {
            number,
            index,
            until,
        };
        inner.holds.insert(follower, hold);
        HoldGuard {
            holds: Arc::clone(self),
            follower,
            number,
        }
    }

    /// The entries after it shall stay.
    pub(crate) fn lowest(&self) -> Option<u64> {
        let (now, holds) = (Instant::now(), &mut self.0.lock().holds);
        holds.retain(|_, hold| hold.until.is_none_or(|until| now < until));
        holds.values().map(|hold| hold.index).min()
    }
}

impl HoldGuard {
    /// The follower has the snapshot.
    pub(crate) fn installed(&self) {
        let holds = &mut self.holds.0.lock().holds;
        if let Some(hold) = holds.get_mut(&self.follower)
            && hold.number == self.number
        {
            hold.until = Some(Instant::now() + LINGER);
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

    #[tokio::test(start_paused = true)]
    async fn entries_after_a_snapshot_stay_until_its_follower_had_time_for_them() {
        let holds = Arc::new(Holds::default());
        assert_eq!(holds.lowest(), None);
        let first = holds.begin(NodeId(1), 10);
        tokio::time::advance(LINGER * 2).await;
        assert_eq!(holds.lowest(), Some(10));
        first.installed();
        drop(first);
        tokio::time::advance(LINGER / 2).await;
        assert_eq!(holds.lowest(), Some(10));
        tokio::time::advance(LINGER).await;
        assert_eq!(holds.lowest(), None);
    }

    #[test]
    fn nothing_is_held_for_a_snapshot_that_failed() {
        let holds = Arc::new(Holds::default());
        let first = holds.begin(NodeId(1), 20);
        let other = holds.begin(NodeId(2), 10);
        assert_eq!(holds.lowest(), Some(10));
        drop(other);
        assert_eq!(holds.lowest(), Some(20));
        // The next one for the same follower does not end with the one before it.
        let _second = holds.begin(NodeId(1), 30);
        drop(first);
        assert_eq!(holds.lowest(), Some(30));
    }
}
