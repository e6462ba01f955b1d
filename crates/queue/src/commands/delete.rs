use squorum_proto::queue::{Delete, EntryResult, Outcome};
use squorum_store::{StoreError, Txn};

use super::entry_results;
use crate::partition::Partition;
use crate::step::Step;

/// Removes messages by their handles. A message that is gone already is deleted well.
pub(super) fn run<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    delete: &Delete,
) -> Result<Outcome, StoreError> {
    partition.advance(step)?;
    let mut results = Vec::with_capacity(delete.deliveries.len());
    for reference in &delete.deliveries {
        let Some(delivery) = partition.delivery_row(step.txn, reference.seq)? else {
            // Of a message that nobody received, unless that was undone, or it is gone.
            let held = step.settings.fifo && partition.exists(step.txn, reference.seq)?;
            results.push(if held {
                EntryResult::Expired
            } else {
                EntryResult::Ok
            });
            continue;
        };
        // Standard queues take any handle that the message ever had; in a FIFO queue somebody else
        // may hold the message by now.
        let current = delivery.delivery_number == reference.delivery_number
            && delivery.deadline_ms > step.now.0;
        if step.settings.fifo && !current {
            results.push(EntryResult::Expired);
            continue;
        }
        partition.remove_received(step, reference.seq, delivery)?;
        results.push(EntryResult::Ok);
    }
    partition.advance_head(step)?;
    Ok(entry_results(results))
}
