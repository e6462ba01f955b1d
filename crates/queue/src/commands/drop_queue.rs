use squorum_proto::queue::{Drop, Outcome, QueueRow};
use squorum_store::{StoreError, Txn};
use squorum_types::QueueId;

use super::done;
use crate::shard::Shard;

/// Forgets a queue for ever. The mark stays, because a late command could make it again.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    drop: &Drop,
) -> Result<Outcome, StoreError> {
    let queue = QueueId(drop.queue);
    let known = shard.queues.get(txn, shard.keys, queue)?;
    if known.is_some_and(|row| row.dropped) {
        return Ok(done());
    }
    let row = QueueRow {
        dropped: true,
        ..QueueRow::default()
    };
    shard.queues.put(txn, shard.keys, queue, row);
    shard
        .partitions
        .drop_queue(txn, queue, &mut shard.garbage)?;
    Ok(done())
}
