//! Others take over what this node leads, because it is about to end or its disk does not answer.

use std::time::Duration;

use futures::future::{join, join_all};
use squorum_consensus::{Group, TransferError};
use squorum_meta::plan::{self, Candidate};
use squorum_store::Store;
use squorum_types::NodeId;

use crate::cluster::ClusterView;
use crate::meta::MetaHandle;
use crate::node::Node;
use crate::shard::ShardHandle;

/// In all; whoever has not taken over by then is elected after the node has ended.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Between two tries of a group.
const PAUSE: Duration = Duration::from_millis(20);

impl<S: Store> Node<S> {
    /// Ends waiting polls and gives every leadership to another member, while the node goes on
    /// serving. Call it before [`shutdown`](Self::shutdown).
    pub async fn hand_over(&self) {
        let inner = &self.inner;
        inner.draining.send_replace(true);
        hand_over_all(&inner.meta, &inner.shards, &inner.view).await;
    }
}

/// Gives every leadership to another member.
pub(crate) async fn hand_over_all<S: Store>(
    meta: &MetaHandle<S>,
    shards: &[ShardHandle],
    view: &ClusterView,
) {
    let shards = shards.iter();
    let shards = shards.map(|shard| hand_over_group(&shard.group, view));
    let all = join(hand_over_group(&meta.group, view), join_all(shards));
    if tokio::time::timeout(TIMEOUT, all).await.is_err() {
        tracing::warn!("nobody took over some of what this node leads");
    }
}

async fn hand_over_group<O: Send + 'static>(group: &Group<O>, view: &ClusterView) {
    while group.leadership().leader == Some(group.node()) {
        let Some(successor) = successor(group, view) else {
            return;
        };
        match group.transfer_leadership(successor).await {
            Ok(()) | Err(TransferError::Elsewhere(_)) => {
                tracing::info!(group = %group.id(), %successor, "leadership is handed over");
                return;
            }
            Err(TransferError::Stopped) => return,
            Err(error) => {
                tracing::debug!(group = %group.id(), %successor, %error, "not handed over yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn successor<O: Send + 'static>(group: &Group<O>, view: &ClusterView) -> Option<NodeId> {
    let replicas = group.replication().into_iter();
    let (members, _) = group.newest_membership();
    let others = replicas
        .filter(|replica| replica.node != group.node() && members.voters.contains(&replica.node));
    let there = others.filter(|replica| view.is_alive(replica.node));
    let candidates = there.map(|replica| Candidate {
        node: replica.node,
        matched_index: replica.matched_index.unwrap_or(0),
    });
    plan::successor(group.id(), &candidates.collect::<Vec<_>>())
}
