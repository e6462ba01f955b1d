//! What purges and drops leave behind: generations of partitions whose rows are swept bit by bit.

use std::collections::BTreeSet;

use bytes::Bytes;
use squorum_proto::queue::GarbageRow;
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::{PartitionId, QueueId};

use crate::keys::{GENERATION_TABLES, ShardKeys, Table};
use crate::rows::{self, corrupt};

/// Generations to sweep, in order. Few: one for each purge or drop that is not swept yet.
#[derive(Debug)]
pub(crate) struct Garbage {
    generations: BTreeSet<(PartitionId, u32)>,
}

impl Garbage {
    pub(crate) fn open<V: View>(view: &V, shard: ShardKeys) -> Result<Garbage, StoreError> {
        let range = shard.table(Table::Garbage);
        let mut generations = BTreeSet::new();
        let mut cursor = view.scan(&range.start..&range.end)?;
        while let Some((key, _)) = cursor.next()? {
            let generation = key.get(ShardKeys::TABLE_PREFIX_BYTES..).and_then(decode);
            generations.insert(generation.ok_or_else(|| corrupt("garbage key"))?);
        }
        Ok(Garbage { generations })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    pub(crate) fn add<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        partition: PartitionId,
        generation: u32,
    ) {
        rows::put(
            txn,
            shard.garbage(partition, generation),
            &GarbageRow::default(),
        );
        self.generations.insert((partition, generation));
    }

    /// Deletes up to `budget` rows.
    pub(crate) fn sweep<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        budget: usize,
    ) -> Result<(), StoreError> {
        let Some(&(partition, generation)) = self.generations.first() else {
            return Ok(());
        };
        let row_key = shard.garbage(partition, generation);
        let row: Option<GarbageRow> = rows::get(txn, &row_key)?;
        let mut position = row.ok_or_else(|| corrupt("garbage row"))?.position;
        let keys = shard.generation(partition, generation);
        let mut left = budget;
        for table in GENERATION_TABLES {
            let range = keys.table(table);
            if position >= range.end {
                continue;
            }
            let doomed = keys_of(txn, &position.clone().max(range.start), &range.end, left)?;
            left -= doomed.len();
            for key in doomed {
                position = key.clone();
                txn.delete_bytes(key);
            }
            if left == 0 {
                rows::put(txn, row_key, &GarbageRow { position });
                return Ok(());
            }
            position = range.end;
        }
        txn.delete_bytes(row_key);
        self.generations.remove(&(partition, generation));
        Ok(())
    }
}

fn keys_of<V: View>(
    view: &V,
    start: &[u8],
    end: &[u8],
    count: usize,
) -> Result<Vec<Bytes>, StoreError> {
    let mut cursor = view.scan(start..end)?;
    let mut keys = Vec::new();
    while keys.len() < count {
        let Some((key, _)) = cursor.next()? else {
            break;
        };
        keys.push(Bytes::copy_from_slice(key));
    }
    Ok(keys)
}

fn decode(suffix: &[u8]) -> Option<(PartitionId, u32)> {
    let (queue, suffix) = suffix.split_first_chunk::<8>()?;
    let (index, suffix) = suffix.split_first_chunk::<2>()?;
    let generation = u32::from_be_bytes(*suffix.first_chunk::<4>()?);
    let queue = QueueId(u64::from_be_bytes(*queue));
    Some((
        PartitionId {
            queue,
            index: u16::from_be_bytes(*index),
        },
        generation,
    ))
}
