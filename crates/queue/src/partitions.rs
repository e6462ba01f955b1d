//! The partitions of a shard: a cache of those that its last entries worked on.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use squorum_proto::queue::{PartitionRow, QueueSettings};
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::{PartitionId, QueueId, Timestamp};

use crate::Limits;
use crate::garbage::Garbage;
use crate::keys::ShardKeys;
use crate::partition::{Partition, PartitionStatus, empty_row, generation_of};
use crate::queues::Queues;
use crate::rows::{self, corrupt};

#[derive(Debug)]
struct Cached {
    partition: Partition,
    /// The entry that used it last.
    used_at: u64,
    /// Index keys that it held in memory when it was saved last.
    window_len: usize,
}

#[derive(Debug)]
pub(crate) struct Partitions {
    shard: ShardKeys,
    cached: BTreeMap<PartitionId, Cached>,
    /// The sum of the cached partitions'.
    window_len: usize,
    /// Those that the current entry touched.
    touched: BTreeSet<PartitionId>,
    /// The number of the current entry.
    entry: u64,
}

impl Partitions {
    pub(crate) fn new(shard: ShardKeys) -> Partitions {
        Partitions {
            shard,
            cached: BTreeMap::new(),
            window_len: 0,
            touched: BTreeSet::new(),
            entry: 0,
        }
    }

    pub(crate) fn begin_entry(&mut self) {
        self.entry += 1;
    }

    /// Brings a partition into memory for this entry; makes it if it is not there.
    pub(crate) fn touch<V: View>(
        &mut self,
        view: &V,
        id: PartitionId,
        limits: &Limits,
    ) -> Result<&mut Partition, StoreError> {
        self.touched.insert(id);
        let cached = match self.cached.entry(id) {
            Entry::Occupied(cached) => cached.into_mut(),
            Entry::Vacant(place) => place.insert(Cached {
                partition: Partition::load(view, self.shard, id, limits)?,
                used_at: 0,
                window_len: 0,
            }),
        };
        cached.used_at = self.entry;
        Ok(&mut cached.partition)
    }

    /// Lets the runtime hear of every partition that the queue has here.
    pub(crate) fn touch_queue<V: View>(
        &mut self,
        view: &V,
        queue: QueueId,
        limits: &Limits,
    ) -> Result<(), StoreError> {
        for id in self.of_queue(view, queue)? {
            self.touch(view, id, limits)?;
        }
        Ok(())
    }

    /// Begins a new, empty generation of every partition of a queue.
    pub(crate) fn empty_queue<T: Txn>(
        &mut self,
        txn: &mut T,
        queue: QueueId,
        garbage: &mut Garbage,
        limits: &Limits,
    ) -> Result<(), StoreError> {
        for id in self.of_queue(txn, queue)? {
            let old = self.row(txn, id)?;
            garbage.add(txn, self.shard, id, old.generation);
            let new = PartitionRow {
                last_sent_at_ms: old.last_sent_at_ms,
                move_progress: old.move_progress,
                ..empty_row(old.generation + 1, old.next_seq)
            };
            rows::put(txn, self.shard.partition(id), &new);
            self.forget(id);
            self.touch(txn, id, limits)?;
        }
        Ok(())
    }

    /// Removes every partition of a queue.
    pub(crate) fn drop_queue<T: Txn>(
        &mut self,
        txn: &mut T,
        queue: QueueId,
        garbage: &mut Garbage,
    ) -> Result<(), StoreError> {
        for id in self.of_queue(txn, queue)? {
            let old = self.row(txn, id)?;
            garbage.add(txn, self.shard, id, old.generation);
            txn.delete_bytes(self.shard.partition(id));
            self.forget(id);
            self.touched.insert(id);
        }
        Ok(())
    }

    /// The partition's generation as the entry has it so far, saved or not; `None` if there is no
    /// such partition.
    pub(crate) fn generation<V: View>(
        &self,
        view: &V,
        id: PartitionId,
    ) -> Result<Option<u32>, StoreError> {
        match self.cached.get(&id) {
            Some(cached) => Ok(Some(cached.partition.row.generation)),
            None => generation_of(view, self.shard, id),
        }
    }

    /// The row as the entry has it so far, saved or not.
    fn row<V: View>(&self, view: &V, id: PartitionId) -> Result<PartitionRow, StoreError> {
        match self.cached.get(&id) {
            Some(cached) => Ok(cached.partition.row),
            None => rows::get(view, &self.shard.partition(id))?.ok_or_else(|| corrupt("partition")),
        }
    }

    /// The partitions that a queue has here: those stored and those that this entry made.
    fn of_queue<V: View>(
        &self,
        view: &V,
        queue: QueueId,
    ) -> Result<BTreeSet<PartitionId>, StoreError> {
        let id = |index| PartitionId { queue, index };
        let cached = self.cached.range(id(0)..=id(u16::MAX));
        let mut ids: BTreeSet<_> = cached.map(|(id, _)| *id).collect();
        let range = self.shard.partitions(queue);
        let mut cursor = view.scan(&range.start..&range.end)?;
        while let Some((key, _)) = cursor.next()? {
            let index = key.last_chunk().ok_or_else(|| corrupt("partition key"))?;
            ids.insert(id(u16::from_be_bytes(*index)));
        }
        Ok(ids)
    }

    /// Saves what the entry touched, and says how it is now; `None` for what is gone.
    pub(crate) fn save<T: Txn>(
        &mut self,
        txn: &mut T,
        queues: &mut Queues,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Vec<(PartitionId, Option<PartitionStatus>)>, StoreError> {
        let mut statuses = Vec::with_capacity(self.touched.len());
        for id in std::mem::take(&mut self.touched) {
            let queue = queues.get(txn, self.shard, id.queue)?;
            let settings = queue.as_ref().and_then(|row| row.settings.as_ref());
            let Some(cached) = self.cached.get_mut(&id) else {
                statuses.push((id, None));
                continue;
            };
            let unknown = QueueSettings::default();
            let settings = settings.unwrap_or(&unknown);
            let status = cached.partition.status(txn, settings, now, limits)?;
            cached.partition.save(txn, self.shard);
            let window_len = cached.partition.window_len();
            self.window_len += window_len;
            self.window_len -= std::mem::replace(&mut cached.window_len, window_len);
            statuses.push((id, Some(status)));
        }
        Ok(statuses)
    }

    /// Takes a partition out of memory.
    fn forget(&mut self, id: PartitionId) {
        if let Some(cached) = self.cached.remove(&id) {
            self.window_len -= cached.window_len;
        }
    }

    /// Forgets the partitions not used for longest while there is too much in memory.
    pub(crate) fn evict(&mut self, limits: &Limits) {
        while self.cached.len() > limits.cached_partitions
            || self.window_len > limits.window_entries_total
        {
            let oldest = self.cached.iter().min_by_key(|(_, cached)| cached.used_at);
            let Some((&id, _)) = oldest else {
                return;
            };
            self.forget(id);
        }
    }
}
