use squorum_proto::queue::{Outcome, Purge, QueueRow, Refusal};
use squorum_store::{StoreError, Txn};
use squorum_types::QueueId;

use super::{done, refused};
use crate::shard::Shard;

/// Begins a new generation of every partition that the queue has here: the old one is out of sight
/// at once and swept in the background.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    purge: &Purge,
) -> Result<Outcome, StoreError> {
    let queue = QueueId(purge.queue);
    let row = shard.queues.get(txn, shard.keys, queue)?;
    let row = row.map_or_else(QueueRow::default, |row| (*row).clone());
    if row.dropped {
        return Ok(refused(Refusal::QueueDropped));
    }
    if row.purge_id >= purge.purge_id {
        return Ok(done());
    }
    let row = QueueRow {
        purge_id: purge.purge_id,
        ..row
    };
    shard.queues.put(txn, shard.keys, queue, row);
    shard
        .partitions
        .empty_queue(txn, queue, &mut shard.garbage, &shard.limits)?;
    Ok(done())
}
