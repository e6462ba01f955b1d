use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::time::Instant;

/// For so long after a snapshot was sent, or given up, the follower may take what comes after it.
const LINGER: Duration = Duration::from_secs(60);

/// What followers need of a group's log that are being sent a snapshot: the entries after it. Were they
/// purged meanwhile, the next snapshot would follow, and a follower of a busy group never catch up.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<BTreeMap<NodeId, Hold>>);

#[derive(Debug)]
struct Hold {
    /// Of the snapshot's last entry.
    index: u64,
    /// `None` while the snapshot is on its way.
    until: Option<Instant>,
}

/// Lives as long as the snapshot is on its way.
#[derive(Debug)]
pub(crate) struct HoldGuard {
    holds: Arc<Holds>,
    follower: NodeId,
}

impl Holds {
    /// Takes the place of an earlier hold for the same follower.
    pub(crate) fn begin(self: &Arc<Holds>, follower: NodeId, index: u64) -> HoldGuard {
        let hold = Hold { index, until: None };
        self.0.lock().insert(follower, hold);
        HoldGuard {
            holds: Arc::clone(self),
            follower,
        }
    }

    /// The entries after it shall stay.
    pub(crate) fn lowest(&self) -> Option<u64> {
        let (now, mut holds) = (Instant::now(), self.0.lock());
        holds.retain(|_, hold| hold.until.is_none_or(|until| now < until));
        holds.values().map(|hold| hold.index).min()
    }
}

impl Drop for HoldGuard {
    fn drop(&mut self) {
        if let Some(hold) = self.holds.0.lock().get_mut(&self.follower) {
            hold.until = Some(Instant::now() + LINGER);
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
        drop(first);
        tokio::time::advance(LINGER / 2).await;
        assert_eq!(holds.lowest(), Some(10));

        let again = holds.begin(NodeId(1), 30);
        let _other = holds.begin(NodeId(2), 20);
        assert_eq!(holds.lowest(), Some(20));
        drop(again);
        tokio::time::advance(LINGER).await;
        assert_eq!(holds.lowest(), Some(20));
    }
}
