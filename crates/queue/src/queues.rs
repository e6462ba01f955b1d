//! Queues as a shard knows them: settings, version, whether they are dropped.

use std::collections::BTreeMap;

use squorum_proto::queue::QueueRow;
use squorum_store::{StoreError, Txn, View};
use squorum_types::QueueId;

use crate::keys::ShardKeys;
use crate::rows;

/// Rows in memory, at most.
const CACHED_MAX: usize = 1024;

/// Reads a queue's row.
pub(crate) fn read<V: View>(
    view: &V,
    shard: ShardKeys,
    queue: QueueId,
) -> Result<Option<QueueRow>, StoreError> {
    rows::get(view, &shard.queue(queue))
}

/// The rows of the queues in use.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    cached: BTreeMap<QueueId, QueueRow>,
}

impl Queues {
    pub(crate) fn get<V: View>(
        &mut self,
        view: &V,
        shard: ShardKeys,
        queue: QueueId,
    ) -> Result<Option<QueueRow>, StoreError> {
        if let Some(row) = self.cached.get(&queue) {
            return Ok(Some(*row));
        }
        let row = read(view, shard, queue)?;
        if let Some(row) = row {
            self.remember(queue, row);
        }
        Ok(row)
    }

    pub(crate) fn put<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        queue: QueueId,
        row: QueueRow,
    ) {
        rows::put(txn, shard.queue(queue), &row);
        self.remember(queue, row);
    }

    fn remember(&mut self, queue: QueueId, row: QueueRow) {
        if self.cached.len() >= CACHED_MAX {
            self.cached.clear();
        }
        self.cached.insert(queue, row);
    }
}
