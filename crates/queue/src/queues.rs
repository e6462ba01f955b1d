//! Queues as a shard knows them: settings, version, whether they are dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use squorum_proto::queue::{DeadLetters, QueueRow, QueueSettings};
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

/// A queue that is not dropped and whose settings are known.
#[derive(Clone, Debug)]
pub(crate) struct LiveQueue(Arc<QueueRow>);

impl LiveQueue {
    /// A purge may know a queue before its settings come.
    pub(crate) fn new(row: Arc<QueueRow>) -> Option<LiveQueue> {
        (!row.dropped && row.settings.is_some()).then_some(LiveQueue(row))
    }

    pub(crate) fn row(&self) -> &QueueRow {
        &self.0
    }

    pub(crate) fn version(&self) -> u64 {
        self.0.version
    }

    pub(crate) fn settings(&self) -> &QueueSettings {
        self.0.settings.as_ref().expect("a live queue has settings")
    }

    /// Where messages go that were received too often; `None` if nowhere, or the place is gone.
    pub(crate) fn dead_letters(&self) -> Option<&DeadLetters> {
        let dead_letters = self.settings().dead_letters.as_ref();
        dead_letters.filter(|_| !self.0.dead_letters_gone)
    }
}

/// The rows of the queues in use.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    cached: BTreeMap<QueueId, Arc<QueueRow>>,
}

impl Queues {
    pub(crate) fn get<V: View>(
        &mut self,
        view: &V,
        shard: ShardKeys,
        queue: QueueId,
    ) -> Result<Option<Arc<QueueRow>>, StoreError> {
        if let Some(row) = self.cached.get(&queue) {
            return Ok(Some(Arc::clone(row)));
        }
        let row = read(view, shard, queue)?.map(Arc::new);
        if let Some(row) = &row {
            self.remember(queue, Arc::clone(row));
        }
        Ok(row)
    }

    /// The queue, if its partitions may be worked on.
    pub(crate) fn live<V: View>(
        &mut self,
        view: &V,
        shard: ShardKeys,
        queue: QueueId,
    ) -> Result<Option<LiveQueue>, StoreError> {
        Ok(self.get(view, shard, queue)?.and_then(LiveQueue::new))
    }

    pub(crate) fn put<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        queue: QueueId,
        row: QueueRow,
    ) {
        rows::put(txn, shard.queue(queue), &row);
        self.remember(queue, Arc::new(row));
    }

    fn remember(&mut self, queue: QueueId, row: Arc<QueueRow>) {
        if self.cached.len() >= CACHED_MAX {
            self.cached.clear();
        }
        self.cached.insert(queue, row);
    }
}
