//! One round of asking: every partition of a queue, at its leader or by this node's board.

use std::sync::Arc;

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_store::Store;
use squorum_types::PartitionId;
use squorum_types::service::{Delivery, QueueInfo, ServiceError};

use super::Wanted;
use crate::node::Inner;
use crate::shard::board::{Claim, Look};

impl<S: Store> Inner<S> {
    /// Asks the leader of every partition. One that cannot be reached is passed over, unless that
    /// is so for all. What has no leader is passed over while others have messages; if they have none,
    /// `hold` waits for its leader, since there may be something.
    pub(super) async fn ask_all(
        &self,
        queue: &Arc<QueueInfo>,
        partitions: &[PartitionId],
        wanted: &Wanted,
        hold: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let Some(wanted) = &self.within_flight(queue, wanted)? else {
            return Ok(None);
        };
        let mut tally = Tally::default();
        let mut leaderless = Vec::new();
        for partition in partitions {
            let shard = self.shard_of(*partition)?;
            let result = if shard.group.can_serve_locally() {
                self.look(queue, *partition, wanted).await
            } else if shard.group.leadership().leader.is_some() {
                self.receive_fresh(queue, *partition, wanted).await
            } else {
                leaderless.push(*partition);
                continue;
            };
            if let Some(delivery) = tally.count(result)? {
                return Ok(Some(delivery));
            }
        }
        for partition in leaderless {
            if tally.failure.is_some() || (tally.answered && !hold) {
                break;
            }
            let result = self.receive_fresh(queue, partition, wanted).await;
            if let Some(delivery) = tally.count(result)? {
                return Ok(Some(delivery));
            }
        }
        match tally.failure {
            Some(error) if !tally.answered => Err(error),
            _ => Ok(None),
        }
    }

    /// Receives from a partition if this node's board says that there is something.
    pub(super) async fn look(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
    ) -> Result<Option<Delivery>, ServiceError> {
        let board = &self.shard_of(partition)?.board;
        match board.look(partition, self.stamper.now()) {
            Look::Claimed(claim) => self.use_claim(queue, claim, wanted).await,
            Look::Empty => Ok(None),
        }
    }

    /// Receives with a claim on this node's board, which says for certain that there is something
    /// only if this node leads.
    pub(super) async fn use_claim(
        &self,
        queue: &Arc<QueueInfo>,
        claim: Claim,
        wanted: &Wanted,
    ) -> Result<Option<Delivery>, ServiceError> {
        let Some(wanted) = &self.within_flight(queue, wanted)? else {
            return Ok(None);
        };
        let partition = claim.partition;
        if self.shard_of(partition)?.group.can_serve_locally() {
            let received = self.receive_from(queue, partition, wanted, false).await;
            at_limit(received, wanted.short)
        } else {
            self.receive_fresh(queue, partition, wanted).await
        }
    }

    /// Receives from a partition if its leader has something.
    async fn receive_fresh(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
    ) -> Result<Option<Delivery>, ServiceError> {
        let make = |queue: &QueueInfo| operation(queue, partition, wanted, false);
        match at_limit(self.call_fresh(queue, partition, make).await, wanted.short)? {
            Some(answered) => self.delivery(queue, partition, answered),
            None => Ok(None),
        }
    }

    pub(super) async fn receive_from(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
        replay_only: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let make = |queue: &QueueInfo| operation(queue, partition, wanted, replay_only);
        let answered = self.call(queue, partition, None, make).await?;
        self.delivery(queue, partition, answered)
    }
}

/// What the partitions of a queue have said.
#[derive(Default)]
struct Tally {
    /// At least one has said that it has nothing.
    answered: bool,
    failure: Option<ServiceError>,
}

impl Tally {
    /// Passes on what was found, and what is wrong with the request.
    fn count(
        &mut self,
        result: Result<Option<Delivery>, ServiceError>,
    ) -> Result<Option<Delivery>, ServiceError> {
        match result {
            Ok(Some(delivery)) => return Ok(Some(delivery)),
            Ok(None) => self.answered = true,
            Err(error @ ServiceError::Unavailable { .. }) => self.failure = Some(error),
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

fn operation(
    queue: &QueueInfo,
    partition: PartitionId,
    wanted: &Wanted,
    replay_only: bool,
) -> Operation {
    let visibility_seconds = wanted.visibility_timeout_seconds;
    let visibility_seconds =
        visibility_seconds.unwrap_or(queue.attributes.visibility_timeout_seconds);
    Operation::Receive(proto::Receive {
        partition: Some(partition.into()),
        version: queue.version,
        messages_max: wanted.messages_max,
        visibility_timeout_ms: u64::from(visibility_seconds) * 1000,
        attempt_hash: wanted.attempt_hash.clone(),
        replay_only,
    })
}

/// Only a short poll hears of the limit of messages in flight.
fn at_limit<T>(
    result: Result<Option<T>, ServiceError>,
    short: bool,
) -> Result<Option<T>, ServiceError> {
    match result {
        Err(ServiceError::OverLimit) if !short => Ok(None),
        result => result,
    }
}
