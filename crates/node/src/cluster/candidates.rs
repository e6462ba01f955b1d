//! Nodes that are in no cluster and would like to be taken into this one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::time::Instant;

/// Who has not asked for so long does not wait any more.
const PATIENCE: Duration = Duration::from_secs(5);
/// More are not remembered.
const COUNT_MAX: usize = 16;

/// A node that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) node: NodeId,
    /// Where it wants to be reached.
    pub(crate) address: String,
    /// The member that it was before it lost what it had promised to keep.
    pub(crate) replaces: Option<NodeId>,
}

/// Those that have asked lately. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates(Arc<Mutex<BTreeMap<NodeId, (Instant, Candidate)>>>);

impl Candidates {
    pub(crate) fn heard(&self, candidate: Candidate) {
        let mut candidates = self.0.lock();
        let now = Instant::now();
        candidates.retain(|_, (heard_at, _)| now.saturating_duration_since(*heard_at) < PATIENCE);
        if candidates.len() < COUNT_MAX || candidates.contains_key(&candidate.node) {
            candidates.insert(candidate.node, (now, candidate));
        }
    }

    /// In the order of their ids.
    pub(crate) fn waiting(&self) -> Vec<Candidate> {
        let (candidates, now) = (self.0.lock(), Instant::now());
        let waiting = candidates
            .values()
            .filter(|(heard_at, _)| now.saturating_duration_since(*heard_at) < PATIENCE);
        waiting.map(|(_, candidate)| candidate.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_ask_any_more_is_forgotten_and_no_crowd_is_remembered() {
        let candidates = Candidates::default();
        let candidate = |node| Candidate {
            node: NodeId(node),
            address: format!("{node}:9326"),
            replaces: None,
        };
        candidates.heard(candidate(2));
        tokio::time::advance(PATIENCE / 2).await;
        candidates.heard(candidate(1));
        let ids = |waiting: Vec<Candidate>| waiting.iter().map(|c| c.node.0).collect::<Vec<_>>();
        assert_eq!(ids(candidates.waiting()), [1, 2]);
        tokio::time::advance(PATIENCE / 2).await;
        assert_eq!(ids(candidates.waiting()), [1]);
        (10..100).for_each(|node| candidates.heard(candidate(node)));
        candidates.heard(candidate(1));
        assert_eq!(candidates.waiting().len(), COUNT_MAX);
    }
}
