//! Which of a queue's partitions an operation tries first.

use std::sync::atomic::Ordering;

use squorum_store::Store;
use squorum_types::PartitionId;
use squorum_types::service::QueueInfo;

use crate::node::Inner;
use crate::routing;
use crate::shard::ShardHandle;

/// One poll in so many begins anywhere, so that a partition whose leader has no consumers of its own
/// does not starve.
const FAIR_TURN: u64 = 4;

/// How good a partition is for an operation of this node; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// This node leads its shard: no hop.
    Here,
    /// Another node does.
    OneHop,
    /// Nobody does, as far as this node knows.
    Leaderless,
}

fn distance(shard: &ShardHandle) -> Distance {
    let leadership = shard.group.leadership();
    match leadership.leader {
        Some(leader) if leader == shard.group.node() && leadership.ready_to_serve => Distance::Here,
        Some(_) => Distance::OneHop,
        None => Distance::Leaderless,
    }
}

impl<S: Store> Inner<S> {
    /// A standard queue's partition for a message: those near take turns.
    pub(super) fn partition_for_send(&self, queue: &QueueInfo) -> PartitionId {
        let partitions = self.in_turn(queue, self.turn.fetch_add(1, Ordering::Relaxed));
        let nearest = partitions.min_by_key(|partition| self.distance(*partition));
        nearest.expect("a queue has at least one partition")
    }

    /// All partitions in the order in which a poll asks them: near ones first, those with messages
    /// before those without, and in turn among equals.
    pub(super) fn partitions_for_receive(&self, queue: &QueueInfo) -> Vec<PartitionId> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut partitions: Vec<_> = self.in_turn(queue, turn / FAIR_TURN).collect();
        let fair = turn.is_multiple_of(FAIR_TURN);
        partitions.sort_by_cached_key(|partition| {
            let distance = self.distance(*partition);
            let shard = self.shard_of(*partition);
            let has_messages =
                shard.is_ok_and(|shard| shard.board.status(*partition).deliverable > 0);
            if fair {
                (!has_messages, distance > Distance::Here, distance)
            } else {
                (distance > Distance::Here, !has_messages, distance)
            }
        });
        partitions
    }

    fn distance(&self, partition: PartitionId) -> Distance {
        self.shard_of(partition)
            .map_or(Distance::Leaderless, distance)
    }

    fn in_turn(&self, queue: &QueueInfo, turn: u64) -> impl Iterator<Item = PartitionId> + use<S> {
        let count = u64::from(queue.partition_count.max(1));
        let start = (turn % count) as usize;
        let partitions = routing::partitions(queue);
        let first = partitions.clone().skip(start);
        first.chain(partitions.take(start))
    }
}
