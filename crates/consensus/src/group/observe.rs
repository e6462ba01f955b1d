//! What a group's state looks like from outside.

use std::time::Duration;

use openraft::Instant;
use openraft::async_runtime::watch::WatchReceiver;
use squorum_types::NodeId;

use super::Group;

/// How far a member is, as its leader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaProgress {
    pub node: NodeId,
    /// Index of the last entry that it surely has on disk.
    pub matched_index: Option<u64>,
    /// How long ago the message was sent that it answered last. Of the leader itself nothing.
    pub heard_ago: Option<Duration>,
}

impl<O: Send + 'static> Group<O> {
    /// If this node leads: how far each member is. Else nothing.
    pub fn replication(&self) -> Vec<ReplicaProgress> {
        let metrics = self.inner.metrics.borrow_watched();
        let heard = metrics.heartbeat.as_ref();
        let replication = metrics.replication.iter().flatten();
        let progress = replication.map(|(node, matched)| ReplicaProgress {
            node: NodeId(*node),
            matched_index: matched.as_ref().map(|id| id.index()),
            heard_ago: heard
                .filter(|_| *node != self.inner.node.0)
                .and_then(|heard| heard.get(node).copied().flatten())
                .map(|sent_at| sent_at.elapsed()),
        });
        progress.collect()
    }

    /// Index of the last entry in this node's log.
    pub fn last_log_index(&self) -> Option<u64> {
        let state = self.inner.entries.state(self.inner.group);
        state.last.or(state.purged).map(|id| id.index)
    }
}
