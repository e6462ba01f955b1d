//! Which partition an operation goes to, and what a shard must know of its queue.

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Configure, QueueSettings};
use squorum_types::PartitionId;
use squorum_types::service::QueueInfo;

/// The partition that a FIFO queue's message group is pinned to. Part of the persisted format: never
/// change.
pub(crate) fn partition_of_group(queue: &QueueInfo, group_id: &str) -> PartitionId {
    use sha2::{Digest, Sha256};
    let index = match queue.partition_count {
        0 | 1 => 0,
        count => {
            let digest = Sha256::digest(group_id.as_bytes());
            let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
            (hash % u32::from(count)) as u16
        }
    };
    PartitionId {
        queue: queue.id,
        index,
    }
}

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
    };
    let (queue, version) = (queue.id.0, queue.version);
    Operation::Configure(Configure {
        queue,
        version,
        settings: Some(settings),
    })
}
