//! Which partition an operation goes to, and what a shard must know of its queue.

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Configure, DeadLetters, QueueSettings, TransferTarget};
use squorum_types::PartitionId;
use squorum_types::service::QueueInfo;

pub(crate) fn partitions(queue: &QueueInfo) -> impl Iterator<Item = PartitionId> + Clone + use<> {
    let queue_id = queue.id;
    (0..queue.partition_count.max(1)).map(move |index| PartitionId {
        queue: queue_id,
        index,
    })
}

/// Tells a shard of a queue's current settings. `target` is its dead-letter queue, if that is there.
pub(crate) fn configure(
    queue: &QueueInfo,
    target: Option<&QueueInfo>,
    shard_count: u16,
) -> Operation {
    let settings = QueueSettings {
        fifo: queue.attributes.is_fifo(),
        delay_ms: u64::from(queue.attributes.delay_seconds) * 1000,
        retention_ms: u64::from(queue.attributes.message_retention_seconds) * 1000,
        dead_letters: target.and_then(|target| dead_letters(queue, target, shard_count)),
    };
    let (queue, version) = (queue.id.0, queue.version);
    Operation::Configure(Configure {
        queue,
        version,
        settings: Some(settings),
    })
}

fn dead_letters(queue: &QueueInfo, target: &QueueInfo, shard_count: u16) -> Option<DeadLetters> {
    let policy = queue.attributes.redrive_policy.as_ref()?;
    Some(DeadLetters {
        receives_max: policy.receives_max.into(),
        target: Some(transfer_target(target, shard_count)),
        source_arn: queue.arn().to_string(),
    })
}

/// What a shard must know of a queue that it sends messages to.
pub(crate) fn transfer_target(queue: &QueueInfo, shard_count: u16) -> TransferTarget {
    TransferTarget {
        queue: queue.id.0,
        partition_count: queue.partition_count.max(1).into(),
        shard_count: shard_count.into(),
    }
}
