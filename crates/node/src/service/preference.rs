//! Which of a queue's partitions an operation tries first.

use std::sync::atomic::Ordering;

use squorum_queue::PartitionStatus;
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

/// What a partition has for a poll; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Offer {
    Messages,
    /// Of noisy tenants alone: those of quiet ones go first, wherever they are.
    NoisyOnly,
    Nothing,
}

impl Offer {
    fn of(status: &PartitionStatus) -> Offer {
        match status.deliverable {
            0 => Offer::Nothing,
            _ if status.noisy_only => Offer::NoisyOnly,
            _ => Offer::Messages,
        }
    }
}

/// How late a poll asks a partition.
fn lateness(offer: Offer, distance: Distance, fair: bool) -> impl Ord {
    let remote = distance > Distance::Here;
    // To ask the own board costs nothing, so an empty partition that is near stands in nobody's way.
    let hop = match offer {
        Offer::Nothing if !remote && !fair => Offer::Messages,
        offer => offer,
    };
    (hop, remote && !fair, offer, remote, distance)
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
    /// before those without, those of noisy tenants alone behind others, and in turn among equals.
    pub(super) fn partitions_for_receive(&self, queue: &QueueInfo) -> Vec<PartitionId> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut partitions: Vec<_> = self.in_turn(queue, turn / FAIR_TURN).collect();
        let fair = turn.is_multiple_of(FAIR_TURN);
        partitions.sort_by_cached_key(|partition| {
            let shard = self.shard_of(*partition);
            let status = shard.map(|shard| shard.board.status(*partition));
            let offer = Offer::of(&status.unwrap_or_default());
            lateness(offer, self.distance(*partition), fair)
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

#[cfg(test)]
mod tests {
    use Distance::{Here, Leaderless, OneHop};
    use Offer::{Messages, NoisyOnly, Nothing};

    use super::*;

    /// In the order in which a poll asks them.
    fn asked(fair: bool) -> Vec<(Distance, Offer)> {
        let distances = [Leaderless, OneHop, Here];
        let offers = [Nothing, NoisyOnly, Messages];
        let pairs = distances.into_iter().flat_map(|distance| {
            let pair = move |offer| (distance, offer);
            offers.into_iter().map(pair)
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_by_cached_key(|(distance, offer)| lateness(*offer, *distance, fair));
        pairs
    }

    #[test]
    fn near_ones_go_first_and_noisy_ones_behind_others() {
        let expected = [
            (Here, Messages),
            (Here, Nothing),
            (OneHop, Messages),
            (Leaderless, Messages),
            (Here, NoisyOnly),
            (OneHop, NoisyOnly),
            (Leaderless, NoisyOnly),
            (OneHop, Nothing),
            (Leaderless, Nothing),
        ];
        assert_eq!(asked(false), expected);
    }

    #[test]
    fn a_fair_turn_goes_where_messages_are() {
        let expected = [
            (Here, Messages),
            (OneHop, Messages),
            (Leaderless, Messages),
            (Here, NoisyOnly),
            (OneHop, NoisyOnly),
            (Leaderless, NoisyOnly),
            (Here, Nothing),
            (OneHop, Nothing),
            (Leaderless, Nothing),
        ];
        assert_eq!(asked(true), expected);
    }
}
