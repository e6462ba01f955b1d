//! What a node's hot paths count.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_consensus::{Group, Leadership};
use squorum_types::GroupId;
use squorum_types::measure::{Counter, DurationHistogram, Level};
use tokio::sync::watch;

use super::observation::{AdmissionObservation, CommandCounts};

/// Shared by everything in a node that counts.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) entries_proposed: Counter,
    pub(crate) commands_proposed: Counter,
    pub(crate) commands_applied: Counter,
    pub(crate) batches_resubmitted_not_leader: Counter,
    pub(crate) batches_resubmitted_unknown: Counter,
    pub(crate) batches_given_up: Counter,
    pub(crate) releases: Counter,
    pub(crate) sessions_reopened: Counter,
    pub(crate) sends_refused: Counter,
    pub(crate) receives_refused: Counter,
    pub(crate) polls_waiting: Level,
    pub(crate) checkpoints: DurationHistogram,
    // Touched when a group starts and when it is observed.
    leader_changes: Mutex<BTreeMap<GroupId, Arc<Counter>>>,
}

impl Figures {
    /// Counts the changes of a group's leader until the group ends.
    pub(crate) fn watch_leader<O: Send + 'static>(&self, group: &Group<O>) {
        let counter = Arc::clone(self.leader_changes.lock().entry(group.id()).or_default());
        tokio::spawn(count_leader_changes(group.watch_leadership(), counter));
    }

    pub(crate) fn leader_changes(&self, group: GroupId) -> u64 {
        let counters = self.leader_changes.lock();
        counters.get(&group).map_or(0, |counter| counter.get())
    }

    pub(super) fn commands(&self) -> CommandCounts {
        CommandCounts {
            entries_proposed: self.entries_proposed.get(),
            commands_proposed: self.commands_proposed.get(),
            commands_applied: self.commands_applied.get(),
            batches_resubmitted_not_leader: self.batches_resubmitted_not_leader.get(),
            batches_resubmitted_unknown: self.batches_resubmitted_unknown.get(),
            batches_given_up: self.batches_given_up.get(),
            releases: self.releases.get(),
            sessions_reopened: self.sessions_reopened.get(),
        }
    }

    pub(super) fn admission(&self) -> AdmissionObservation {
        AdmissionObservation {
            sends_refused: self.sends_refused.get(),
            receives_refused: self.receives_refused.get(),
            polls_waiting: self.polls_waiting.get(),
        }
    }
}

/// A group that loses its leader and finds the same one again has had no change; its first leader
/// is one.
async fn count_leader_changes(mut leadership: watch::Receiver<Leadership>, changes: Arc<Counter>) {
    let mut last = None;
    loop {
        let leader = leadership.borrow_and_update().leader;
        if leader.is_some() && leader != last {
            changes.increment();
            last = leader;
        }
        if leadership.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use squorum_types::NodeId;

    use super::*;

    #[tokio::test]
    async fn a_pause_without_a_leader_is_no_change() {
        let (sender, leadership) = watch::channel(Leadership::default());
        let changes = Arc::new(Counter::new());
        let counting = tokio::spawn(count_leader_changes(leadership, Arc::clone(&changes)));
        for leader in [Some(1), None, Some(1), Some(2), None, Some(1)] {
            let leader = leader.map(NodeId);
            sender.send_modify(|leadership| leadership.leader = leader);
            // The only other task: it takes in the value before this one goes on.
            tokio::task::yield_now().await;
        }
        drop(sender);
        assert!(counting.await.is_ok());
        assert_eq!(changes.get(), 3);
    }
}
