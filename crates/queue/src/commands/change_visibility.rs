use squorum_proto::queue::{ChangeVisibility, EntryResult, Outcome, VisibilityChange};
use squorum_store::{StoreError, Txn};
use squorum_types::Timestamp;
use squorum_types::limits::VISIBILITY_TIMEOUT_MS_MAX;

use super::entry_results;
use crate::partition::Partition;
use crate::step::Step;

/// Moves the ends of visibility timeouts; zero makes a message visible at once.
pub(super) fn run<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    change: &ChangeVisibility,
) -> Result<Outcome, StoreError> {
    partition.advance(step)?;
    let changes = change.changes.iter();
    let results: Result<Vec<_>, _> = changes
        .map(|change| change_one(partition, step, change))
        .collect();
    Ok(entry_results(results?))
}

fn change_one<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    change: &VisibilityChange,
) -> Result<EntryResult, StoreError> {
    let reference = change.delivery.unwrap_or_default();
    let Some(mut delivery) = partition.delivery_row(step.txn, reference.seq)? else {
        return Ok(EntryResult::NotAvailable);
    };
    let in_flight = delivery.deadline_ms > step.now.0;
    let current = delivery.delivery_number == reference.delivery_number;
    // A standard queue takes any earlier handle, also of a message that another has by now.
    if step.settings.fifo && !(current && in_flight) {
        return Ok(EntryResult::NotAvailable);
    }
    let deadline = step.now.plus_ms(change.visibility_timeout_ms);
    let limit = Timestamp(delivery.received_at_ms).plus_ms(VISIBILITY_TIMEOUT_MS_MAX);
    if deadline > limit {
        return Ok(EntryResult::BeyondLimit);
    }
    let hide = change.visibility_timeout_ms > 0;
    match (delivery.deadline_ms > 0, hide) {
        (true, true) => {
            partition.take_from_flight(step, reference.seq, &mut delivery)?;
            partition.put_in_flight(step, reference.seq, delivery, deadline.0)?;
        }
        (true, false) => partition.return_from_flight(step, reference.seq, delivery)?,
        // Late, and nobody else has it yet (standard queues only): hidden again.
        (false, true) => partition.hide_again(step, reference.seq, delivery, deadline.0)?,
        (false, false) => {}
    }
    Ok(EntryResult::Ok)
}
