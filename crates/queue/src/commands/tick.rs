use squorum_proto::queue::{Outcome, Refusal, Tick};
use squorum_store::{StoreError, Txn};
use squorum_types::PartitionId;

use super::{done, refused};
use crate::shard::Shard;

/// Partitions of one tick, at most.
const PARTITIONS_MAX: usize = 1024;

/// Lets what is due happen in the named partitions, and sweeps.
pub(super) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    tick: &Tick,
) -> Result<Outcome, StoreError> {
    if tick.partitions.len() > PARTITIONS_MAX {
        return Ok(refused(Refusal::Malformed));
    }
    for name in &tick.partitions {
        let Ok(id) = PartitionId::try_from(name) else {
            return Ok(refused(Refusal::Malformed));
        };
        let Some(queue) = shard.queues.live(txn, shard.keys, id.queue)? else {
            continue;
        };
        shard.in_partition(txn, id, &queue, false, |partition, step| {
            partition.advance(step)?;
            Ok(done())
        })?;
    }
    let budget = shard.limits.step_budget;
    shard.garbage.sweep(txn, shard.keys, budget)?;
    Ok(done())
}
