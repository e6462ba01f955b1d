//! Outcomes of the control group's latest entries, as this replica computed them.
//!
//! A gateway that proposed a command to a leader elsewhere learns the entry's index, waits until its
//! own replica has applied it, and finds the outcome here: so outcomes need no form on the wire, and
//! whoever is answered can read what it wrote.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_meta::Outcome;
use tokio::sync::Notify;

use super::state::AppliedCommand;

/// Outcomes kept, at most. One that is gone is asked for again: commands can be repeated.
const KEPT_MAX: usize = 1024;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentOutcomes {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    // Held for a lookup or a few insertions.
    outcomes: Mutex<VecDeque<AppliedCommand>>,
    changed: Notify,
}

impl RecentOutcomes {
    /// In the order of their indexes.
    pub(super) fn publish(&self, applied: impl Iterator<Item = AppliedCommand>) {
        let mut outcomes = self.shared.outcomes.lock();
        outcomes.extend(applied);
        let surplus = outcomes.len().saturating_sub(KEPT_MAX);
        outcomes.drain(..surplus);
        drop(outcomes);
        self.shared.changed.notify_waiters();
    }

    /// The state was replaced: what it did on the way is not known.
    pub(super) fn clear(&self) {
        self.shared.outcomes.lock().clear();
        self.shared.changed.notify_waiters();
    }

    pub(super) fn get(&self, index: u64) -> Option<Outcome> {
        let outcomes = self.shared.outcomes.lock();
        let at = outcomes.binary_search_by_key(&index, |applied| applied.index);
        Some(outcomes[at.ok()?].outcome.clone())
    }

    /// Returns when something was applied after this was called.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.shared.changed.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_latest() {
        let recent = RecentOutcomes::default();
        let applied = |index| AppliedCommand {
            index,
            outcome: Outcome::Done,
        };
        recent.publish((1..=2 * KEPT_MAX as u64).map(|index| applied(index * 3)));
        assert_eq!(recent.get(3), None);
        assert_eq!(recent.get(6 * KEPT_MAX as u64), Some(Outcome::Done));
        assert_eq!(recent.get(6 * KEPT_MAX as u64 - 1), None);
        recent.clear();
        assert_eq!(recent.get(6 * KEPT_MAX as u64), None);
    }
}
