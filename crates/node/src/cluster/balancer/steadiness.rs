use std::collections::{BTreeMap, BTreeSet};

use squorum_types::{GroupId, NodeId};
use tokio::time::Instant;

use super::LedGroup;
use crate::cluster::ClusterView;

/// What a member may lack and still be caught up: entries are on their way all the time.
const LAG_ENTRIES_MAX: u64 = 1_000;

/// Since when members are alive and caught up, in the groups that this node leads. Who lacks much in
/// any other group is not caught up: it needs its disk and its cores for that.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    since: BTreeMap<(GroupId, NodeId), Instant>,
}

impl Steadiness {
    /// To be told often: what happens in between is not seen.
    pub(super) fn observe(&mut self, led: &[LedGroup], view: &ClusterView, now: Instant) {
        let mut since = BTreeMap::new();
        let others = view.others().into_iter();
        let level: BTreeSet<NodeId> = others
            .filter(|node| view.is_alive(*node) && view.entries_behind(*node) <= LAG_ENTRIES_MAX)
            .collect();
        for led in led {
            for (node, matched_index) in &led.matched_indexes {
                let is_near = matched_index + LAG_ENTRIES_MAX >= led.last_log_index;
                if is_near && level.contains(node) {
                    let key = (led.group, *node);
                    since.insert(key, self.since.get(&key).copied().unwrap_or(now));
                }
            }
        }
        self.since = since;
    }

    pub(super) fn steady_ms(&self, group: GroupId, now: Instant) -> BTreeMap<NodeId, u64> {
        let since = self
            .since
            .range((group, NodeId(0))..=(group, NodeId(u64::MAX)));
        let steady = since.map(|((_, node), since)| {
            let time = now.saturating_duration_since(*since);
            (*node, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        });
        steady.collect()
    }
}
