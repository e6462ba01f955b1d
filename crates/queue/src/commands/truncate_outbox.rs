use squorum_proto::queue::{OutboxRow, Outcome, QueueRow, Refusal, TruncateOutbox};
use squorum_store::{StoreError, Txn};
use squorum_types::{PartitionId, QueueId, ShardId};

use super::{TRANSFERS_MAX, done, refused};
use crate::shard::Shard;

/// Forgets what the target has answered for. A message that it did not take returns.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    truncate: &TruncateOutbox,
) -> Result<Outcome, StoreError> {
    let Ok(target) = u16::try_from(truncate.target_shard).map(ShardId) else {
        return Ok(refused(Refusal::Malformed));
    };
    let taken = shard
        .outbox
        .take(txn, target, truncate.below, TRANSFERS_MAX)?;
    for (number, row) in taken {
        let arrived = !truncate.gone.contains(&number);
        settle(shard, txn, &row, arrived)?;
    }
    Ok(done())
}

/// Lets the partition that a message left know what became of it, if its queue is still there.
fn settle<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    row: &OutboxRow,
    arrived: bool,
) -> Result<(), StoreError> {
    let Some(message) = &row.message else {
        return Ok(());
    };
    if arrived && message.r#move.is_none() {
        return Ok(());
    }
    let Some(Ok(source)) = message.source.as_ref().map(PartitionId::try_from) else {
        return Ok(());
    };
    if !arrived && let Some(target) = &row.target {
        note_target_gone(shard, txn, source.queue, target.queue)?;
    }
    let Some(queue) = shard.queues.live(txn, shard.keys, source.queue)? else {
        return Ok(());
    };
    shard.in_partition(txn, source, &queue, false, |partition, step| {
        partition.advance(step)?;
        if !arrived {
            partition.come_back(step, message)?;
        }
        if let Some(sent_on) = &message.r#move {
            partition.settle_move(sent_on.task, arrived);
        }
        Ok(done())
    })?;
    Ok(())
}

/// Lets a queue move nothing any more, until it is configured anew, if its dead letters go to a queue
/// that is gone.
fn note_target_gone<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    source: QueueId,
    target: u64,
) -> Result<(), StoreError> {
    let Some(queue) = shard.queues.live(txn, shard.keys, source)? else {
        return Ok(());
    };
    let dead_letters = queue.dead_letters();
    let aim = dead_letters.and_then(|dead_letters| dead_letters.target.as_ref());
    if aim.is_some_and(|aim| aim.queue == target) {
        let row = QueueRow {
            dead_letters_gone: true,
            ..queue.row().clone()
        };
        shard.queues.put(txn, shard.keys, source, row);
    }
    Ok(())
}
