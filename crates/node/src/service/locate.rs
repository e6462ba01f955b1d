//! Where a queue lies, for operators and tests.

use squorum_meta::QueueKey;
use squorum_store::Store;
use squorum_types::service::ServiceError;
use squorum_types::{AccountId, NodeId, QueueName, Region, ShardId};

use crate::node::Node;
use crate::routing;

/// One partition of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionPlace {
    pub partition: u16,
    pub shard: ShardId,
    /// As far as the node that was asked knows.
    pub leader: Option<NodeId>,
}

impl<S: Store> Node<S> {
    /// The partitions of a queue, in order.
    pub async fn locate_queue(
        &self,
        account: AccountId,
        region: Region,
        name: QueueName,
    ) -> Result<Vec<PartitionPlace>, ServiceError> {
        let key = QueueKey {
            account,
            region,
            name,
        };
        let queue = self.inner.meta.find(&key).await?;
        let places = routing::partitions(&queue).map(|partition| {
            let shard = partition.shard(self.inner.cluster.shard_count);
            let handle = self.inner.shards.get(usize::from(shard.0));
            PartitionPlace {
                partition: partition.index,
                shard,
                leader: handle
                    .and_then(|handle| handle.group.leadership().leader)
                    // A replica that is cut off remembers who led.
                    .filter(|leader| self.inner.view.is_alive(*leader)),
            }
        });
        Ok(places.collect())
    }
}
