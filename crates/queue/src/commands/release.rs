use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Outcome, Received, Refusal, Release};
use squorum_store::{StoreError, Txn};
use squorum_types::PartitionId;

use super::{done, refused, released};
use crate::partition::Partition;
use crate::session::Known;
use crate::shard::Shard;
use crate::step::Step;

/// Undoes a receive whose client has gone; if the receive is yet to come, fences it.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    session: u64,
    own_number: u64,
    release: &Release,
) -> Result<Outcome, StoreError> {
    let number = release.receive_number;
    if number == 0 || number == own_number {
        return Ok(refused(Refusal::Malformed));
    }
    let keys = shard.keys;
    match shard.session(session)?.known(txn, keys, number)? {
        Known::Acknowledged => {}
        Known::New => shard.session(session)?.remember(number, released()),
        Known::Outcome(Outcome {
            kind: Some(Kind::Received(received)),
        }) => {
            undo(shard, txn, &received)?;
            let keys = shard.keys;
            shard
                .session(session)?
                .replace(txn, keys, number, released())?;
        }
        Known::Outcome(_) => {}
    }
    Ok(done())
}

fn undo<T: Txn>(shard: &mut Shard, txn: &mut T, received: &Received) -> Result<(), StoreError> {
    let Some(Ok(id)) = received.partition.as_ref().map(PartitionId::try_from) else {
        return Ok(());
    };
    let Some(queue) = shard.queues.live(txn, shard.keys, id.queue)? else {
        return Ok(());
    };
    shard.in_partition(txn, id, &queue, false, |partition, step| {
        undo_in(partition, step, received)?;
        Ok(done())
    })?;
    Ok(())
}

fn undo_in<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    received: &Received,
) -> Result<(), StoreError> {
    partition.advance(step)?;
    // The client may have asked again, and have the same deliveries by another receive.
    if let Some(attempt) = received.attempt_hash.first_chunk::<16>()
        && !partition.release_attempt(step, *attempt, &received.messages)?
    {
        return Ok(());
    }
    for delivered in &received.messages {
        let delivery = partition.delivery_row(step.txn, delivered.seq)?;
        let current = delivery.filter(|row| {
            row.delivery_number == delivered.delivery_number && row.deadline_ms > step.now.0
        });
        if let Some(delivery) = current {
            partition.undo_delivery(step, delivered.seq, delivery)?;
        }
    }
    Ok(())
}
