//! Whether a leader is heard.
//!
//! A leader that others do not hear, or that does not hear them, has to be silent for a while, so that
//! they elect another. It is heard if its heartbeats *arrive*: what a peer answers to one waits for
//! the peer's disk, and no other leader would be served by that disk any sooner.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::time::Instant;

/// When the last heartbeat was sent that has arrived, per peer.
#[derive(Debug, Default)]
pub(super) struct Contacts(Mutex<BTreeMap<NodeId, Instant>>);

impl Contacts {
    /// The peer has taken what was sent at `sent_at`.
    pub(super) fn arrived(&self, peer: NodeId, sent_at: Instant) {
        let mut contacts = self.0.lock();
        let last = contacts.entry(peer).or_insert(sent_at);
        *last = sent_at.max(*last);
    }

    /// Since when a majority of `others` and this node does not hear it; never before `since`, when it
    /// began to lead. `None` if this node is a majority by itself.
    pub(super) fn silent_since(
        &self,
        others: impl Iterator<Item = NodeId>,
        since: Instant,
    ) -> Option<Instant> {
        let contacts = self.0.lock();
        let mut heard: Vec<Instant> = others
            .map(|peer| contacts.get(&peer).map_or(since, |at| since.max(*at)))
            .collect();
        heard.sort_unstable_by(|a, b| b.cmp(a));
        let needed = heard.len().div_ceil(2);
        Some(heard[needed.checked_sub(1)?])
    }
}

/// Whether a leader may send heartbeats that was not heard for so long. Without end, turns of silence,
/// in each of which others can elect a leader, and turns in which it tries to be heard follow each other.
pub(super) fn may_send(silent_for: Duration, lease: Duration) -> bool {
    let Some(beyond) = silent_for.checked_sub(lease) else {
        return true;
    };
    // Others vote for a new leader when this one's lease is over, after one election timeout, which is
    // shorter than a lease.
    let turn = 2 * lease;
    beyond.as_nanos() / turn.as_nanos().max(1) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_millis(200);

    #[tokio::test(start_paused = true)]
    async fn a_majority_counts_from_when_it_was_heard_last() {
        let began = Instant::now();
        let at = |milliseconds| began + Duration::from_millis(milliseconds);
        let contacts = Contacts::default();
        let others = [2, 3, 4, 5].map(NodeId);
        let silent = |count, since| contacts.silent_since(others.into_iter().take(count), since);
        assert_eq!(silent(0, began), None);
        assert_eq!(silent(2, began), Some(began));
        contacts.arrived(NodeId(3), at(30));
        contacts.arrived(NodeId(3), at(20));
        contacts.arrived(NodeId(4), at(10));
        assert_eq!(silent(1, began), Some(began));
        assert_eq!(silent(2, began), Some(at(30)));
        // Two of four others are needed.
        assert_eq!(silent(4, began), Some(at(10)));
        // It leads anew: what was before does not count.
        assert_eq!(silent(2, at(100)), Some(at(100)));
    }

    #[test]
    fn silence_and_attempts_take_turns() {
        let may = |milliseconds| may_send(Duration::from_millis(milliseconds), LEASE);
        assert!(may(0) && may(199));
        assert!(!may(200) && !may(599));
        assert!(may(600) && may(999));
        assert!(!may(1000));
    }
}
