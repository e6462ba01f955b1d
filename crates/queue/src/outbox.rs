//! Messages on their way to other shards.
//!
//! A message enters in the entry that takes it from its partition, so it is always in exactly one
//! place. The leader's pump reads what waits here and has the target shard accept it; what the
//! target has answered for is truncated.
//!
//! Invariants:
//!
//! 1. Numbers rise by one for each pair of shards, and the rows are those from the first number of
//!    the pair's head to below its next one.
//! 2. A row goes only by a truncation, which names the target's answer.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use squorum_proto::queue::{OutboxHeadRow, OutboxRow, Transfer, TransferredMessage};
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::{PartitionId, ShardId};

use crate::keys::{ShardKeys, Table, trailing_seq};
use crate::rows::{self, corrupt};

/// The heads of all targets; the rows stay on disk.
#[derive(Debug)]
pub(crate) struct Outbox {
    shard: ShardKeys,
    heads: BTreeMap<ShardId, OutboxHeadRow>,
    /// Heads that the current entry moved.
    moved: BTreeSet<ShardId>,
}

impl Outbox {
    pub(crate) fn open<V: View>(view: &V, shard: ShardKeys) -> Result<Outbox, StoreError> {
        Ok(Outbox {
            shard,
            heads: read_heads(view, shard)?,
            moved: BTreeSet::new(),
        })
    }

    /// Messages that wait, for all targets together.
    pub(crate) fn len(&self) -> u64 {
        let lengths = self.heads.values().map(length);
        lengths.sum()
    }

    /// Adds a message as the last one to its target's shard.
    pub(crate) fn push<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardId,
        target: PartitionId,
        message: TransferredMessage,
    ) {
        let head = self.heads.entry(shard).or_insert(OutboxHeadRow {
            first_number: 1,
            next_number: 1,
        });
        let row = OutboxRow {
            target: Some(target.into()),
            message: Some(message),
        };
        rows::put(txn, self.shard.outbox(shard, head.next_number), &row);
        head.next_number += 1;
        self.moved.insert(shard);
    }

    /// Takes out up to `count` messages whose numbers are below `below`, with their numbers.
    pub(crate) fn take<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardId,
        below: u64,
        count: usize,
    ) -> Result<Vec<(u64, OutboxRow)>, StoreError> {
        let Some(head) = self.heads.get_mut(&shard) else {
            return Ok(Vec::new());
        };
        let end = below.min(head.next_number);
        let numbers = (head.first_number..end).take(count);
        let mut taken = Vec::new();
        for number in numbers {
            let key = self.shard.outbox(shard, number);
            let row = rows::get(txn, &key)?.ok_or_else(|| corrupt("outbox row"))?;
            txn.delete_bytes(key);
            taken.push((number, row));
        }
        head.first_number += taken.len() as u64;
        self.moved.insert(shard);
        Ok(taken)
    }

    /// Writes the heads that the entry moved. They stay when nothing waits: numbers are never used
    /// again.
    pub(crate) fn save<T: Txn>(&mut self, txn: &mut T) {
        for shard in std::mem::take(&mut self.moved) {
            if let Some(head) = self.heads.get(&shard) {
                rows::put(txn, self.shard.outbox_head(shard), head);
            }
        }
    }
}

/// The shards that messages wait for.
pub fn read_outbox_targets<V: View>(
    view: &V,
    shard: ShardId,
) -> Result<BTreeSet<ShardId>, StoreError> {
    let heads = read_heads(view, ShardKeys::new(shard))?.into_iter();
    let waiting = heads.filter(|(_, head)| length(head) > 0);
    Ok(waiting.map(|(target, _)| target).collect())
}

/// What waits for one shard, in the order of the numbers: up to `count` messages, and no more after
/// they make `bytes`.
pub fn read_outbox<V: View>(
    view: &V,
    shard: ShardId,
    target: ShardId,
    count: usize,
    bytes: usize,
) -> Result<Vec<Transfer>, StoreError> {
    let keys = ShardKeys::new(shard);
    let Some(head) = rows::get::<OutboxHeadRow, _>(view, &keys.outbox_head(target))? else {
        return Ok(Vec::new());
    };
    let (start, end) = (
        keys.outbox(target, head.first_number),
        keys.outbox(target, head.next_number),
    );
    let mut cursor = view.scan(&start..&end)?;
    let mut transfers = Vec::new();
    let mut gathered = 0;
    while transfers.len() < count && gathered < bytes {
        let Some((key, row)) = cursor.next()? else {
            break;
        };
        let number = trailing_seq(key).ok_or_else(|| corrupt("outbox key"))?;
        gathered += row.len();
        let row: OutboxRow = rows::decode(Bytes::copy_from_slice(row))?;
        transfers.push(Transfer {
            number,
            target: row.target,
            message: row.message,
        });
    }
    Ok(transfers)
}

fn read_heads<V: View>(
    view: &V,
    keys: ShardKeys,
) -> Result<BTreeMap<ShardId, OutboxHeadRow>, StoreError> {
    let range = keys.table(Table::OutboxHead);
    let mut heads = BTreeMap::new();
    let mut cursor = view.scan(&range.start..&range.end)?;
    while let Some((key, row)) = cursor.next()? {
        let shard = key.last_chunk::<2>();
        let shard = shard.ok_or_else(|| corrupt("outbox key"))?;
        let row = rows::decode(Bytes::copy_from_slice(row))?;
        heads.insert(ShardId(u16::from_be_bytes(*shard)), row);
    }
    Ok(heads)
}

fn length(head: &OutboxHeadRow) -> u64 {
    head.next_number - head.first_number
}
