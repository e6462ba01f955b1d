//! One partition: messages in the order sent, what consumers hold of them, and the indexes that
//! find the next one.
//!
//! A message is in one of four states. Its delivery row, which it has from its first delivery on,
//! and the indexes tell which:
//!
//! | state | standard | FIFO |
//! |---|---|---|
//! | fresh | ordinary lane, at or above the cursor | no delivery row, below the maturity line |
//! | delayed | delay index | at or above the maturity line |
//! | in flight | delivery row with a deadline, deadline index | the same |
//! | visible again | ready index | delivery row without deadline |
//!
//! A message that came from another queue is visible again from the start ([`arrival`]). One of a
//! standard queue's tenant is in its tenant's order while it is visible, fresh or again ([`tenants`]).
//!
//! FIFO partitions find messages through their groups ([`fifo`]), standard ones through the ready
//! index and the cursor ([`standard`]).

mod advance;
mod arrival;
mod attempts;
mod dead_letters;
mod deduplication;
mod delivery;
mod fair;
mod fifo;
mod moving;
mod removal;
mod sample;
mod standard;
mod status;
mod tenants;

use bytes::Bytes;
use squorum_proto::queue::{DeliveryRow, PartitionRow};
use squorum_store::{StoreError, Txn, View};
use squorum_types::{PartitionId, Timestamp};

use self::tenants::Tenants;
use crate::index::Index;
use crate::keys::{DELAYED_LANE, GenerationKeys, ORDINARY_LANE, ShardKeys, Table};
use crate::rows::corrupt;
use crate::step::Step;
use crate::{Limits, rows};

pub(crate) use attempts::AttemptHash;
pub(crate) use dead_letters::is_well_formed;
pub(crate) use delivery::Candidate;
pub use status::{PartitionStatus, read_status, read_statuses};

/// A partition in memory: its row, and windows of its indexes.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) keys: GenerationKeys,
    pub(crate) row: PartitionRow,
    /// The row as the transaction has it.
    saved: Option<PartitionRow>,
    deadlines: Index<(u64, u64)>,
    ready: Index<(u64, u64)>,
    delays: Index<(u64, u64)>,
    available: Index<(u64, u64)>,
    deduplication_expiries: Index<(u64, [u8; 16])>,
    attempt_expiries: Index<(u64, [u8; 16])>,
    /// Messages sent before their neighbours, by the time when they were sent.
    expiries: Index<(u64, u64)>,
    /// The first visible message of each tenant.
    turns: Index<(u64, u64)>,
    tenants: Tenants,
    /// When the message at the head was sent, while that is known.
    head_sent_at_ms: Option<u64>,
}

impl Partition {
    /// Loads a partition, or makes a new one.
    pub(crate) fn load<V: View>(
        view: &V,
        shard: ShardKeys,
        id: PartitionId,
        limits: &Limits,
    ) -> Result<Partition, StoreError> {
        let saved: Option<PartitionRow> = rows::get(view, &shard.partition(id))?;
        let row = saved.unwrap_or_else(|| empty_row(0, 1));
        let window = limits.window_entries;
        Ok(Partition {
            id,
            keys: shard.generation(id, row.generation),
            row,
            saved,
            deadlines: Index::new(Table::Deadline, window),
            ready: Index::new(Table::Ready, window),
            delays: Index::new(Table::Delay, window),
            available: Index::new(Table::Available, window),
            deduplication_expiries: Index::new(Table::DeduplicationExpiry, window),
            attempt_expiries: Index::new(Table::AttemptExpiry, window),
            expiries: Index::new(Table::Expiry, window),
            turns: Index::new(Table::Turn, window),
            tenants: Tenants::default(),
            head_sent_at_ms: None,
        })
    }

    /// Writes the rows that changed.
    pub(crate) fn save<T: Txn>(&mut self, txn: &mut T, shard: ShardKeys) {
        self.tenants.save(txn, self.keys);
        if self.saved != Some(self.row) {
            rows::put(txn, shard.partition(self.id), &self.row);
            self.saved = Some(self.row);
        }
    }

    /// Keys of all indexes in memory.
    pub(crate) fn window_len(&self) -> usize {
        self.deadlines.len()
            + self.ready.len()
            + self.delays.len()
            + self.available.len()
            + self.deduplication_expiries.len()
            + self.attempt_expiries.len()
            + self.expiries.len()
            + self.turns.len()
    }

    pub(crate) fn delivery_row<V: View>(
        &self,
        view: &V,
        seq: u64,
    ) -> Result<Option<DeliveryRow>, StoreError> {
        rows::get(view, &self.keys.delivery(seq))
    }

    /// The delivery row of a message that has one.
    fn received<V: View>(&self, view: &V, seq: u64) -> Result<DeliveryRow, StoreError> {
        let delivery = self.delivery_row(view, seq)?;
        delivery.ok_or_else(|| corrupt("an index without its delivery"))
    }

    /// The position of a new message.
    pub(crate) fn take_seq(&mut self) -> u64 {
        let seq = self.row.next_seq;
        self.row.next_seq += 1;
        seq
    }

    /// A place behind everything that is there, also behind what has gone to the back before.
    fn take_back_place(&mut self) -> u64 {
        self.row.back_place = self.row.next_seq.max(self.row.back_place + 1);
        self.row.back_place
    }

    /// The time of a message sent now: it never decreases with the position.
    pub(crate) fn send_time<T>(&mut self, step: &Step<'_, T>) -> Timestamp {
        let sent_at = Timestamp(self.row.last_sent_at_ms).max(step.now);
        self.row.last_sent_at_ms = sent_at.0;
        sent_at
    }

    /// Whether the message is there.
    pub(crate) fn exists<V: View>(&self, view: &V, seq: u64) -> Result<bool, StoreError> {
        Ok(self.find_message(view, seq)?.is_some())
    }

    /// A message's lane and row.
    fn find_message<V: View>(
        &self,
        view: &V,
        seq: u64,
    ) -> Result<Option<(u32, Bytes)>, StoreError> {
        let lanes = match self.row.flight {
            _ if seq > self.row.last_delayed_seq => &[ORDINARY_LANE][..],
            None => &[ORDINARY_LANE, DELAYED_LANE],
            // Where tenants are, most messages are likely theirs.
            Some(_) => &[DELAYED_LANE, ORDINARY_LANE],
        };
        for lane in lanes {
            if let Some(row) = view.get(&self.keys.message(*lane, seq))? {
                return Ok(Some((*lane, row)));
            }
        }
        Ok(None)
    }
}

/// The row of a partition without messages, whose next one is `next_seq`.
pub(crate) fn empty_row(generation: u32, next_seq: u64) -> PartitionRow {
    PartitionRow {
        generation,
        next_seq,
        head_seq: next_seq,
        cursor_seq: next_seq,
        mature_seq: next_seq,
        deadline_floor: u64::MAX,
        ready_floor: u64::MAX,
        delay_floor: u64::MAX,
        available_floor: u64::MAX,
        deduplication_floor: u64::MAX,
        attempt_floor: u64::MAX,
        ..PartitionRow::default()
    }
}

/// The current generation of a partition; `None` if there is no such partition.
pub(crate) fn generation_of<V: View>(
    view: &V,
    shard: ShardKeys,
    partition: PartitionId,
) -> Result<Option<u32>, StoreError> {
    let row: Option<PartitionRow> = rows::get(view, &shard.partition(partition))?;
    Ok(row.map(|row| row.generation))
}
