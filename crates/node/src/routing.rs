//! Which partition an operation goes to, and what a shard must know of its queue.

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Configure, QueueSettings};
use squorum_types::PartitionId;
use squorum_types::service::QueueInfo;

pub(crate) fn partitions(queue: &QueueInfo) -> impl Iterator<Item = PartitionId> + Clone + use<> {
    let queue_id = queue.id;
    (0..queue.partition_count.max(1)).map(move |index| PartitionId {
        queue: queue_id,
        index,
    })
}

/// Tells a shard of a queue's current settings.
pub(crate) fn configure(queue: &QueueInfo) -> Operation {
    let settings = QueueSettings {
        fifo: queue.attributes.is_fifo(),
        delay_ms: u64::from(queue.attributes.delay_seconds) * 1000,
        retention_ms: u64::from(queue.attributes.message_retention_seconds) * 1000,
        dead_letters: None,
    };
    let (queue, version) = (queue.id.0, queue.version);
    Operation::Configure(Configure {
        queue,
        version,
        settings: Some(settings),
    })
}
