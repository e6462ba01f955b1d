//! Messages that go instead of being handed out: those received too often leave for the dead-letter
//! queue, those beyond their retention end.

use squorum_proto::queue::{DeadLetters, TransferTarget, TransferredMessage};
use squorum_store::{StoreError, Txn};
use squorum_types::{PartitionId, QueueId, ShardId};

use super::{Candidate, Partition};
use crate::rows::corrupt;
use crate::step::Step;
use crate::stored_message::MessageHead;

/// What becomes of a message that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    HandedOut,
    /// It is not there any more.
    Gone,
    /// It has to leave, but enough have left in this entry. Neither it nor what comes behind it is
    /// handed out now.
    Waits,
}

impl<T> Step<'_, T> {
    /// Where a message goes that was received so often; `None` if it is handed out. A message too
    /// many is handed out once more while the outbox is full, and leaves later.
    pub(crate) fn grave_of(&self, candidate: &Candidate) -> Option<&DeadLetters> {
        let receives = candidate.delivery.as_ref()?.receive_count;
        let dead_letters = self.dead_letters?;
        let has_room = self.outbox.len() < self.limits.outbox_max;
        (receives >= dead_letters.receives_max && has_room).then_some(dead_letters)
    }
}

impl Partition {
    /// Lets a visible message go if it is not to be handed out.
    pub(super) fn fate<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: &Candidate,
    ) -> Result<Fate, StoreError> {
        if step.may_be_expired && self.end_expired(step, candidate)? {
            return Ok(Fate::Gone);
        }
        let (Some(dead_letters), Some(delivery)) = (step.grave_of(candidate), &candidate.delivery)
        else {
            return Ok(Fate::HandedOut);
        };
        if !step.has_room_to_move() {
            return Ok(Fate::Waits);
        }
        let target = dead_letters.target.unwrap_or_default();
        let (partition, shard) = choose_target(&target, &candidate.group_id, candidate.seq);
        let stored = self.read_message(step, candidate.lane, candidate.seq)?;
        let stored = stored.ok_or_else(|| corrupt("a delivery without its message"))?;
        let message = TransferredMessage {
            envelope: stored.envelope,
            sent_at_ms: stored.sent_at.0,
            group_id: candidate.group_id.clone(),
            receive_count: delivery.receive_count,
            first_received_at_ms: delivery.first_received_at_ms,
            source: Some(self.id.into()),
            dead_letter_source: dead_letters.source_arn.clone(),
            r#move: None,
            tenant: candidate.tenant,
        };
        *step.moved_bytes += message.envelope.len();
        step.outbox.push(step.txn, shard, partition, message);
        self.remove_received(step, candidate.seq, delivery.clone())?;
        Ok(Fate::Gone)
    }

    /// Removes a visible message if its retention is over; false if it is not.
    fn end_expired<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: &Candidate,
    ) -> Result<bool, StoreError> {
        let row = step
            .txn
            .get(&self.keys.message(candidate.lane, candidate.seq))?;
        let row = row.ok_or_else(|| corrupt("a chosen message is not there"))?;
        let (head, _) = MessageHead::decode(&row)?;
        if !step.is_expired(head.sent_at) {
            return Ok(false);
        }
        match &candidate.delivery {
            Some(delivery) => self.remove_received(step, candidate.seq, delivery.clone())?,
            None => self.remove_unreceived(step, candidate.lane, candidate.seq, &head)?,
        }
        Ok(true)
    }
}

/// Whether a partition and its shard can be chosen.
pub(crate) fn is_well_formed(target: &TransferTarget) -> bool {
    let counts = [target.partition_count, target.shard_count];
    counts
        .iter()
        .all(|count| (1..=u32::from(u16::MAX)).contains(count))
}

/// The partition that a message goes to, and its shard.
pub(super) fn choose_target(
    target: &TransferTarget,
    group_id: &str,
    seq: u64,
) -> (PartitionId, ShardId) {
    assert!(is_well_formed(target), "settings and commands were checked");
    let (queue, count) = (QueueId(target.queue), target.partition_count as u16);
    let partition = if group_id.is_empty() {
        let index = (seq % u64::from(count)) as u16;
        PartitionId { queue, index }
    } else {
        PartitionId::of_group(queue, count, group_id)
    };
    (partition, partition.shard(target.shard_count as u16))
}
