use std::collections::BTreeSet;

use squorum_types::{PartitionId, QueueId, ShardId};

/// What shards have to hear about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkKind {
    Configure,
    Purge,
    Drop,
}

impl WorkKind {
    pub const ALL: [WorkKind; 3] = [WorkKind::Configure, WorkKind::Purge, WorkKind::Drop];

    /// Part of the persisted format: never change.
    pub(crate) const fn code(self) -> u8 {
        match self {
            WorkKind::Configure => 1,
            WorkKind::Purge => 2,
            WorkKind::Drop => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<WorkKind> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Work that is not done: the controller proposes it to the pending shards and reports. A later
/// item of the same queue and kind replaces an earlier one and covers it; a drop replaces all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    pub queue: QueueId,
    pub kind: WorkKind,
    /// The version to configure, the id of the purge; 0 of a drop.
    pub number: u64,
    /// Shards that have not reported, in order; never empty.
    pub pending_shards: Vec<ShardId>,
}

/// The shards that hold partitions of a queue.
pub(crate) fn shards_of(
    queue: QueueId,
    partition_count: u16,
    shard_count: u16,
) -> BTreeSet<ShardId> {
    // More partitions than shards walk the ring again.
    (0..partition_count.min(shard_count))
        .map(|index| PartitionId { queue, index }.shard(shard_count))
        .collect()
}
