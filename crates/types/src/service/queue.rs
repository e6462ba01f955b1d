use crate::{AccountId, QueueArn, QueueAttributes, QueueId, QueueName, Region, Timestamp};

/// A queue as the node knows it at one version. Requests are validated against it; the node notices
/// by itself when it has become old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueInfo {
    pub id: QueueId,
    pub account: AccountId,
    pub region: Region,
    pub name: QueueName,
    /// Rises with every change of attributes.
    pub version: u64,
    pub attributes: QueueAttributes,
    /// Fixed at creation: whether deduplication looks at each message group alone.
    pub deduplicates_by_group: bool,
    /// Fixed at creation for FIFO queues, because it pins message groups.
    pub partition_count: u16,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

impl QueueInfo {
    pub fn arn(&self) -> QueueArn {
        QueueArn {
            region: self.region.clone(),
            account: self.account.clone(),
            name: self.name.clone(),
        }
    }
}

/// Messages of a queue by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDescription {
    pub info: QueueInfo,
    pub counters: QueueCounters,
}
