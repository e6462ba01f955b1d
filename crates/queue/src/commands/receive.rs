use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{DeliveredMessage, Outcome, Receive, Received, Refusal};
use squorum_store::{StoreError, Txn};
use squorum_types::limits::RECEIVE_MESSAGES;

use super::refused;
use crate::partition::{AttemptHash, Partition};
use crate::step::Step;

/// Chooses messages and hands them out.
pub(super) fn run<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    receive: &Receive,
) -> Result<Outcome, StoreError> {
    if !RECEIVE_MESSAGES.contains(&i64::from(receive.messages_max)) {
        return Ok(refused(Refusal::Malformed));
    }
    step.may_be_expired = !partition.advance(step)?;
    let timeout_ms = receive.visibility_timeout_ms;
    let attempt = receive.attempt_hash.first_chunk::<16>().copied();
    if let Some(attempt) = attempt.filter(|_| step.settings.fifo)
        && let Some(attempt) = partition.replay_attempt(step, attempt, timeout_ms)?
    {
        return Ok(received(attempt.deliveries, receive));
    }
    let full = partition.row.in_flight >= step.limits.in_flight_max;
    if full && !step.settings.fifo && !receive.replay_only {
        return Ok(refused(Refusal::OverLimit));
    }
    if full || receive.replay_only {
        return Ok(received(Vec::new(), receive));
    }
    let room = usize::try_from(step.limits.in_flight_max - partition.row.in_flight);
    let count = room
        .unwrap_or(usize::MAX)
        .min(receive.messages_max as usize);
    let deliveries = if step.settings.fifo {
        receive_fifo(partition, step, count, timeout_ms, attempt)?
    } else {
        receive_standard(partition, step, count, timeout_ms)?
    };
    // The message at the head may have left.
    partition.advance_head(step)?;
    Ok(received(deliveries, receive))
}

fn receive_standard<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    count: usize,
    timeout_ms: u64,
) -> Result<Vec<DeliveredMessage>, StoreError> {
    let chosen = partition.choose_standard(step, count)?;
    let chosen = chosen.into_iter();
    chosen
        .map(|candidate| partition.deliver(step, candidate, timeout_ms))
        .collect()
}

fn receive_fifo<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    count: usize,
    timeout_ms: u64,
    attempt: Option<AttemptHash>,
) -> Result<Vec<DeliveredMessage>, StoreError> {
    let (chosen, served) = partition.choose_fifo(step, count)?;
    let mut deliveries = Vec::with_capacity(chosen.len());
    for candidate in chosen {
        deliveries.push(partition.deliver(step, candidate, timeout_ms)?);
    }
    partition.groups_served(step, served, timeout_ms)?;
    if let Some(attempt) = attempt {
        partition.remember_attempt(step, attempt, &deliveries, timeout_ms)?;
    }
    Ok(deliveries)
}

fn received(messages: Vec<DeliveredMessage>, receive: &Receive) -> Outcome {
    let attempt_hash = receive.attempt_hash.clone();
    let partition = receive.partition;
    Outcome {
        kind: Some(Kind::Received(Received {
            messages,
            attempt_hash,
            partition,
        })),
    }
}
