//! What the node's runtime needs to know of a partition after an entry.

use prost::Message;
use squorum_proto::queue::{PartitionRow, QueueSettings};
use squorum_store::{Cursor, StoreError, View};
use squorum_types::{PartitionId, QueueId, ShardId, Timestamp};

use super::Partition;
use crate::Limits;
use crate::keys::{ShardKeys, Table};
use crate::rows;
use crate::stored_message::MessageHead;

/// Counts, and when something happens next by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionStatus {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    /// How many receives could get something: visible messages, or groups that can give some.
    pub deliverable: u64,
    /// When the counts change by themselves. In the past if work was left over.
    pub next_due: Option<Timestamp>,
    /// Of the first message that is not deleted. `None` without messages, and until an entry has
    /// touched the partition.
    pub oldest_sent_at: Option<Timestamp>,
    /// Tenants whose messages stand before those of others and wait all the same, because they are
    /// noisy.
    pub noisy_tenants: u64,
    /// All that is visible is of noisy tenants.
    pub noisy_only: bool,
}

impl PartitionStatus {
    fn of_row(row: &PartitionRow, settings: &QueueSettings) -> PartitionStatus {
        PartitionStatus {
            visible: row.visible,
            in_flight: row.in_flight,
            delayed: row.delayed,
            deliverable: if settings.fifo {
                row.available_groups
            } else {
                row.visible
            },
            next_due: None,
            oldest_sent_at: None,
            noisy_tenants: 0,
            noisy_only: false,
        }
    }
}

impl Partition {
    /// Also moves the floors of the indexes, so it is part of what an entry does.
    pub(crate) fn status<V: View>(
        &mut self,
        view: &V,
        settings: &QueueSettings,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<PartitionStatus, StoreError> {
        let floor = &mut self.row.deadline_floor;
        let deadline = self.deadlines.first(view, self.keys, floor)?;
        let deadline = deadline.map(|((deadline_ms, _), _)| Timestamp(deadline_ms));
        let delay = if settings.fifo {
            self.next_maturity(view, settings)?
        } else {
            let delay = self
                .delays
                .first(view, self.keys, &mut self.row.delay_floor)?;
            delay.map(|((due_ms, _), _)| Timestamp(due_ms))
        };
        let expiry = self.head_expires_at(view, settings.retention_ms)?;
        let arrival = self.oldest_arrival(view)?.map(|(sent_at, _)| sent_at);
        let arrival_expiry = arrival.map(|sent_at| sent_at.plus_ms(settings.retention_ms));
        let dues = [deadline, delay, expiry, arrival_expiry];
        let at_head = self.head_sent_at().filter(|_| expiry.is_some());
        let (noisy_tenants, noisy_only) = self.held_back(view, now, limits)?;
        Ok(PartitionStatus {
            noisy_tenants,
            noisy_only,
            next_due: dues.into_iter().flatten().min(),
            oldest_sent_at: [at_head, arrival].into_iter().flatten().min(),
            ..PartitionStatus::of_row(&self.row, settings)
        })
    }

    fn next_maturity<V: View>(
        &self,
        view: &V,
        settings: &QueueSettings,
    ) -> Result<Option<Timestamp>, StoreError> {
        if self.row.mature_seq >= self.row.next_seq {
            return Ok(None);
        }
        let Some((_, row)) = self.find_message(view, self.row.mature_seq)? else {
            return Ok(Some(Timestamp(0)));
        };
        let (head, _) = MessageHead::decode(&row)?;
        Ok(Some(head.sent_at.plus_ms(settings.delay_ms)))
    }
}

/// A partition's status as stored, for a node that has not applied an entry for it yet. `None` if
/// there is no such partition. Anything that could be due is reported as due.
pub fn read_status<V: View>(
    view: &V,
    shard: ShardId,
    partition: PartitionId,
) -> Result<Option<PartitionStatus>, StoreError> {
    let keys = ShardKeys::new(shard);
    let Some(row) = rows::get::<PartitionRow, _>(view, &keys.partition(partition))? else {
        return Ok(None);
    };
    Ok(Some(stored_status(view, keys, partition.queue, &row)?))
}

/// The statuses of all partitions of a shard that hold messages, as stored.
pub fn read_statuses<V: View>(
    view: &V,
    shard: ShardId,
) -> Result<Vec<(PartitionId, PartitionStatus)>, StoreError> {
    let keys = ShardKeys::new(shard);
    let range = keys.table(Table::Partition);
    let mut cursor = view.scan(&range.start..&range.end)?;
    let mut statuses = Vec::new();
    while let Some((key, row)) = cursor.next()? {
        let id = keys
            .partition_of(key)
            .ok_or_else(|| rows::corrupt("partition key"))?;
        let row = PartitionRow::decode(row).map_err(|_| rows::corrupt("partition row"))?;
        let status = stored_status(view, keys, id.queue, &row)?;
        if status.next_due.is_some() {
            statuses.push((id, status));
        }
    }
    Ok(statuses)
}

fn stored_status<V: View>(
    view: &V,
    keys: ShardKeys,
    queue: QueueId,
    row: &PartitionRow,
) -> Result<PartitionStatus, StoreError> {
    let queue = crate::queues::read(view, keys, queue)?;
    let settings = queue.and_then(|queue| queue.settings).unwrap_or_default();
    let status = PartitionStatus::of_row(row, &settings);
    let has_messages = status.visible + status.in_flight + status.delayed > 0;
    Ok(PartitionStatus {
        next_due: has_messages.then_some(Timestamp(0)),
        ..status
    })
}
