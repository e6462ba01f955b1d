use squorum_proto::queue::{Configure, DeadLetters, Outcome, QueueRow, Refusal};
use squorum_store::{StoreError, Txn};
use squorum_types::QueueId;

use super::{done, refused};
use crate::partition::is_well_formed;
use crate::shard::Shard;

/// Makes a queue known, or gives it later settings.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    configure: &Configure,
) -> Result<Outcome, StoreError> {
    let Some(settings) = &configure.settings else {
        return Ok(refused(Refusal::Malformed));
    };
    let dead_letters = settings.dead_letters.as_ref();
    let well_formed = |dead_letters: &DeadLetters| {
        let target = dead_letters.target.as_ref();
        dead_letters.receives_max > 0 && target.is_some_and(is_well_formed)
    };
    if !dead_letters.is_none_or(well_formed) {
        return Ok(refused(Refusal::Malformed));
    }
    let queue = QueueId(configure.queue);
    let row = shard.queues.get(txn, shard.keys, queue)?;
    match &row {
        Some(row) if row.dropped => return Ok(refused(Refusal::QueueDropped)),
        // The kind of a queue is fixed: what its partitions hold depends on it.
        Some(row)
            if row
                .settings
                .as_ref()
                .is_some_and(|known| known.fifo != settings.fifo) =>
        {
            return Ok(refused(Refusal::Malformed));
        }
        Some(row) if row.version >= configure.version => return Ok(done()),
        _ => {}
    }
    let row = QueueRow {
        version: configure.version,
        settings: Some(settings.clone()),
        purge_id: row.map_or(0, |row| row.purge_id),
        ..QueueRow::default()
    };
    shard.queues.put(txn, shard.keys, queue, row);
    shard.partitions.touch_queue(txn, queue, &shard.limits)?;
    Ok(done())
}
