use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{AcceptTransfers, Outcome, Refusal, Transfer, Transferred};
use squorum_store::{StoreError, Txn};
use squorum_types::{PartitionId, QueueId, ShardId};

use super::{TRANSFERS_MAX, done, refused};
use crate::inbox::Inbox;
use crate::shard::Shard;

/// Takes messages over from another shard, each once.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    accept: &AcceptTransfers,
) -> Result<Outcome, StoreError> {
    let Ok(source) = u16::try_from(accept.source_shard).map(ShardId) else {
        return Ok(refused(Refusal::Malformed));
    };
    let mut inbox = Inbox::load(txn, shard.keys, source)?;
    let Some(new) = new_transfers(&accept.transfers, inbox.next_number()) else {
        return Ok(refused(Refusal::Malformed));
    };
    for transfer in new {
        let Some(target) = target_of(transfer) else {
            return Ok(refused(Refusal::Malformed));
        };
        // All or nothing: whoever asks makes the queue known and asks again.
        if !is_decided(shard, txn, target.queue)? {
            return Ok(refused(Refusal::VersionUnknown));
        }
    }
    inbox.settle(accept.settled_below);
    for transfer in new {
        let was_taken = take(shard, txn, transfer)?;
        inbox.advance(was_taken);
    }
    let outcome = Outcome {
        kind: Some(Kind::Transferred(Transferred {
            below: inbox.next_number(),
            gone: inbox.gone().to_vec(),
        })),
    };
    inbox.save(txn, shard.keys);
    Ok(outcome)
}

/// Those from number `next` on. `None` if the numbers make no sense.
fn new_transfers(transfers: &[Transfer], next: u64) -> Option<&[Transfer]> {
    let first = transfers.first().map_or(next, |transfer| transfer.number);
    let known = usize::try_from(next.checked_sub(first)?).ok()?;
    let numbers = transfers.iter().map(|transfer| transfer.number);
    let in_order = numbers.eq(first..first + transfers.len() as u64);
    (in_order && transfers.len() <= TRANSFERS_MAX)
        .then(|| transfers.get(known..).unwrap_or_default())
}

fn target_of(transfer: &Transfer) -> Option<PartitionId> {
    transfer.message.as_ref()?;
    PartitionId::try_from(transfer.target.as_ref()?).ok()
}

/// Whether the shard knows if the queue lives.
fn is_decided<T: Txn>(shard: &mut Shard, txn: &mut T, queue: QueueId) -> Result<bool, StoreError> {
    let row = shard.queues.get(txn, shard.keys, queue)?;
    Ok(row.is_some_and(|row| row.dropped || row.settings.is_some()))
}

/// Stores a message; false if its queue is gone.
fn take<T: Txn>(shard: &mut Shard, txn: &mut T, transfer: &Transfer) -> Result<bool, StoreError> {
    let (Some(target), Some(message)) = (target_of(transfer), &transfer.message) else {
        return Ok(false);
    };
    let queue = shard.queues.live(txn, shard.keys, target.queue)?;
    // A message without a group has no place in a FIFO queue.
    let suits = |fifo: bool| fifo != message.group_id.is_empty();
    let Some(queue) = queue.filter(|queue| suits(queue.settings().fifo)) else {
        return Ok(false);
    };
    shard.in_partition(txn, target, &queue, false, |partition, step| {
        partition.advance(step)?;
        partition.arrive(step, message)?;
        Ok(done())
    })?;
    Ok(true)
}
