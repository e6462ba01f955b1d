use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{MoveMessages, Outcome, Refusal};
use squorum_store::{StoreError, Txn};
use squorum_types::PartitionId;

use super::{Ran, TRANSFERS_MAX, refused};
use crate::partition::is_well_formed;
use crate::shard::Shard;

/// Sends messages of one partition on, for a move task.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    command: &MoveMessages,
    owed: bool,
) -> Result<Ran, StoreError> {
    let Some(Ok(id)) = command.partition.as_ref().map(PartitionId::try_from) else {
        return Ok(refused(Refusal::Malformed).into());
    };
    let mut targets = command.routes.iter().map(|route| route.target.as_ref());
    let routes_well_formed = targets.all(|target| target.is_some_and(is_well_formed));
    if command.task == 0 || command.count as usize > TRANSFERS_MAX || !routes_well_formed {
        return Ok(refused(Refusal::Malformed).into());
    }
    let known = shard.queues.get(txn, shard.keys, id.queue)?;
    if known.is_some_and(|row| row.dropped) {
        return Ok(refused(Refusal::QueueDropped).into());
    }
    let Some(queue) = shard.queues.live(txn, shard.keys, id.queue)? else {
        return Ok(refused(Refusal::VersionUnknown).into());
    };
    shard.in_partition(txn, id, &queue, owed, |partition, step| {
        step.may_be_expired = !partition.advance(step)?;
        partition.begin_move(command.task);
        partition.send_on(step, command)?;
        partition.advance_head(step)?;
        let progress = partition.row.move_progress.unwrap_or_default();
        Ok(Outcome {
            kind: Some(Kind::Progress(progress)),
        })
    })
}
