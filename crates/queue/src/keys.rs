//! The keys of a shard's rows, in one place. All numbers are big-endian, so that keys sort as the
//! numbers do.
//!
//! | part | bytes | |
//! |---|---|---|
//! | group | 4 | the shard's Raft group |
//! | table | 1 | [`Table`]; 0 is the consensus layer's |
//! | queue, index | 8 + 2 | the partition |
//! | generation | 4 | tables that a purge empties |
//! | the rest | | as the table says |
//!
//! Part of the persisted format: numbers are never changed or reused. 50 to 99 are reserved for
//! transfers between shards, 100 to 119 for users and policies.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use squorum_types::{GroupId, PartitionId, QueueId, ShardId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Table {
    /// One row: the shard itself.
    Shard = 1,
    /// session
    Session = 2,
    /// session, number of the first outcome
    Outcomes = 3,
    /// queue
    Queue = 10,
    /// queue, index
    Partition = 11,
    /// partition, generation, priority (1), lane (4), seq
    Message = 12,
    /// partition, generation, seq
    Delivery = 13,
    /// partition, generation, deadline, seq
    Deadline = 14,
    /// partition, generation, order, seq
    Ready = 15,
    /// partition, generation, due, seq
    Delay = 16,
    /// partition, generation, hash (16)
    Deduplication = 17,
    /// partition, generation, expiry, hash (16)
    DeduplicationExpiry = 18,
    /// partition, generation, group id
    Group = 19,
    /// partition, generation, group id, NUL, seq
    GroupMessage = 20,
    /// partition, generation, position, seq of the head
    Available = 21,
    /// partition, generation, hash (16)
    Attempt = 22,
    /// partition, generation, expiry, hash (16)
    AttemptExpiry = 23,
    /// partition, generation, time sent, seq: messages sent before their neighbours
    Expiry = 24,
    /// partition, generation, tenant (4)
    Tenant = 25,
    /// partition, generation, order, seq: the first visible message of each tenant
    Turn = 26,
    /// partition, generation, tenant (4), order, seq: the other visible messages of a tenant
    TenantMessage = 27,
    /// queue, index, generation: what a purge or a drop left to sweep
    Garbage = 40,
    /// target shard, number: a message on its way there
    Outbox = 50,
    /// target shard
    OutboxHead = 51,
    /// source shard
    Inbox = 52,
}

/// The tables whose rows belong to one generation of a partition.
pub(crate) const GENERATION_TABLES: [Table; 16] = [
    Table::Message,
    Table::Delivery,
    Table::Deadline,
    Table::Ready,
    Table::Delay,
    Table::Deduplication,
    Table::DeduplicationExpiry,
    Table::Group,
    Table::GroupMessage,
    Table::Available,
    Table::Attempt,
    Table::AttemptExpiry,
    Table::Expiry,
    Table::Tenant,
    Table::Turn,
    Table::TenantMessage,
];

/// The lane of messages in the order sent, and that of messages which the cursor must not find: those
/// sent with a delay, those of tenants and those that came from another queue are found by an index.
pub(crate) const ORDINARY_LANE: u32 = 0;
pub(crate) const DELAYED_LANE: u32 = u32::MAX;
const ORDINARY_PRIORITY: u8 = 0;

/// All rows of a shard's state, apart from the consensus layer's own.
pub fn shard_range(shard: ShardId) -> Range<Bytes> {
    let group = GroupId::of_shard(shard).0;
    let start = [&group.to_be_bytes()[..], &[1]].concat();
    start.into()..Bytes::copy_from_slice(&(group + 1).to_be_bytes())
}

/// Makes the keys of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardKeys {
    group: u32,
}

impl ShardKeys {
    pub(crate) fn new(shard: ShardId) -> ShardKeys {
        ShardKeys {
            group: GroupId::of_shard(shard).0,
        }
    }

    fn start(&self, table: Table) -> BytesMut {
        let mut key = BytesMut::with_capacity(64);
        key.put_u32(self.group);
        key.put_u8(table as u8);
        key
    }

    pub(crate) fn shard(&self) -> Bytes {
        self.start(Table::Shard).freeze()
    }

    pub(crate) fn session(&self, session: u64) -> Bytes {
        let mut key = self.start(Table::Session);
        key.put_u64(session);
        key.freeze()
    }

    pub(crate) fn outcomes(&self, session: u64, first_number: u64) -> Bytes {
        let mut key = self.start(Table::Outcomes);
        key.put_u64(session);
        key.put_u64(first_number);
        key.freeze()
    }

    pub(crate) fn queue(&self, queue: QueueId) -> Bytes {
        let mut key = self.start(Table::Queue);
        key.put_u64(queue.0);
        key.freeze()
    }

    pub(crate) fn partition(&self, partition: PartitionId) -> Bytes {
        let mut key = self.start(Table::Partition);
        key.put_u64(partition.queue.0);
        key.put_u16(partition.index);
        key.freeze()
    }

    pub(crate) fn outbox(&self, target: ShardId, number: u64) -> Bytes {
        let mut key = self.start(Table::Outbox);
        key.put_u16(target.0);
        key.put_u64(number);
        key.freeze()
    }

    pub(crate) fn outbox_head(&self, target: ShardId) -> Bytes {
        let mut key = self.start(Table::OutboxHead);
        key.put_u16(target.0);
        key.freeze()
    }

    pub(crate) fn inbox(&self, source: ShardId) -> Bytes {
        let mut key = self.start(Table::Inbox);
        key.put_u16(source.0);
        key.freeze()
    }

    /// The partition that a key of [`Table::Partition`] names.
    pub(crate) fn partition_of(&self, key: &[u8]) -> Option<PartitionId> {
        let name = key.get(Self::TABLE_PREFIX_BYTES..)?;
        let (queue, index) = name.split_first_chunk::<8>()?;
        let queue = QueueId(u64::from_be_bytes(*queue));
        Some(PartitionId {
            queue,
            index: u16::from_be_bytes(*index.first_chunk::<2>()?),
        })
    }

    /// The partition rows of a queue.
    pub(crate) fn partitions(&self, queue: QueueId) -> Range<Bytes> {
        let mut key = self.start(Table::Partition);
        key.put_u64(queue.0);
        prefix_range(key)
    }

    pub(crate) fn garbage(&self, partition: PartitionId, generation: u32) -> Bytes {
        let mut key = self.start(Table::Garbage);
        key.put_u64(partition.queue.0);
        key.put_u16(partition.index);
        key.put_u32(generation);
        key.freeze()
    }

    /// Every row of a table.
    pub(crate) fn table(&self, table: Table) -> Range<Bytes> {
        prefix_range(self.start(table))
    }

    /// Bytes before a table's own part of a key.
    pub(crate) const TABLE_PREFIX_BYTES: usize = 5;

    pub(crate) fn generation(&self, partition: PartitionId, generation: u32) -> GenerationKeys {
        GenerationKeys {
            shard: *self,
            partition,
            generation,
        }
    }
}

/// Makes the keys of one generation of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GenerationKeys {
    shard: ShardKeys,
    partition: PartitionId,
    generation: u32,
}

impl GenerationKeys {
    /// Bytes before the part that the table defines.
    pub(crate) const PREFIX_BYTES: usize = ShardKeys::TABLE_PREFIX_BYTES + 8 + 2 + 4;

    pub(crate) fn start(&self, table: Table) -> BytesMut {
        let mut key = self.shard.start(table);
        key.put_u64(self.partition.queue.0);
        key.put_u16(self.partition.index);
        key.put_u32(self.generation);
        key
    }

    /// Every row of this generation in a table.
    pub(crate) fn table(&self, table: Table) -> Range<Bytes> {
        prefix_range(self.start(table))
    }

    pub(crate) fn message(&self, lane: u32, seq: u64) -> Bytes {
        let mut key = self.start(Table::Message);
        key.put_u8(ORDINARY_PRIORITY);
        key.put_u32(lane);
        key.put_u64(seq);
        key.freeze()
    }

    /// The messages of the ordinary lane from `seq` on.
    pub(crate) fn messages_from(&self, seq: u64) -> Range<Bytes> {
        self.message(ORDINARY_LANE, seq)..self.message(ORDINARY_LANE, u64::MAX)
    }

    pub(crate) fn tenant(&self, tenant: u32) -> Bytes {
        let mut key = self.start(Table::Tenant);
        key.put_u32(tenant);
        key.freeze()
    }

    pub(crate) fn tenant_message(&self, tenant: u32, (order, seq): (u64, u64)) -> Bytes {
        let mut key = self.start(Table::TenantMessage);
        key.put_u32(tenant);
        key.put_u64(order);
        key.put_u64(seq);
        key.freeze()
    }

    /// The messages of a tenant behind one of them.
    pub(crate) fn tenant_messages_behind(&self, tenant: u32, key: (u64, u64)) -> Range<Bytes> {
        let last = (u64::MAX, u64::MAX);
        self.tenant_message(tenant, (key.0, key.1 + 1))..self.tenant_message(tenant, last)
    }

    pub(crate) fn delivery(&self, seq: u64) -> Bytes {
        let mut key = self.start(Table::Delivery);
        key.put_u64(seq);
        key.freeze()
    }

    /// A row of [`Table::Deduplication`] or [`Table::Attempt`].
    pub(crate) fn hashed(&self, table: Table, hash: [u8; 16]) -> Bytes {
        let mut key = self.start(table);
        key.put_slice(&hash);
        key.freeze()
    }

    pub(crate) fn message_group(&self, group_id: &str) -> Bytes {
        let mut key = self.start(Table::Group);
        key.put_slice(group_id.as_bytes());
        key.freeze()
    }

    pub(crate) fn group_message(&self, group_id: &str, seq: u64) -> Bytes {
        let mut key = self.start(Table::GroupMessage);
        key.put_slice(group_id.as_bytes());
        // Group ids have no NUL, so no group's rows lie among another's.
        key.put_u8(0);
        key.put_u64(seq);
        key.freeze()
    }

    /// The messages of a group from `seq` on.
    pub(crate) fn group_messages_from(&self, group_id: &str, seq: u64) -> Range<Bytes> {
        self.group_message(group_id, seq)..self.group_message(group_id, u64::MAX)
    }
}

/// The last eight bytes of a key that ends in a seq.
pub(crate) fn trailing_seq(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes))
}

fn prefix_range(prefix: BytesMut) -> Range<Bytes> {
    let start = prefix.freeze();
    let mut end = start.to_vec();
    for position in (0..end.len()).rev() {
        if end[position] < u8::MAX {
            end[position] += 1;
            end.truncate(position + 1);
            return start..end.into();
        }
    }
    unreachable!("a prefix holds a table number, and none is 255")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        let keys = ShardKeys::new(ShardId(2));
        let partition = PartitionId {
            queue: QueueId(0x0102),
            index: 3,
        };
        let generation = keys.generation(partition, 4);
        let hex = |key: Bytes| {
            key.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(
            hex(keys.partition(partition)),
            "000000030b00000000000001020003"
        );
        assert_eq!(
            hex(generation.message(ORDINARY_LANE, 5)),
            "000000030c0000000000000102000300000004\
             00000000000000000000000005"
        );
        assert_eq!(
            hex(generation.group_message("g1", 5)),
            "00000003140000000000000102000300000004673100\
             0000000000000005"
        );
        assert_eq!(
            hex(generation.tenant_message(6, (7, 5))),
            "000000031b000000000000010200030000000400000006\
             00000000000000070000000000000005"
        );
    }

    #[test]
    fn groups_do_not_mix() {
        let keys = ShardKeys::new(ShardId(0));
        let partition = PartitionId {
            queue: QueueId(1),
            index: 0,
        };
        let generation = keys.generation(partition, 0);
        let range = generation.group_messages_from("a", 0);
        assert!(range.contains(&generation.group_message("a", 7)));
        assert!(!range.contains(&generation.group_message("a!", 7)));
        assert!(!range.contains(&generation.group_message("ab", 7)));
    }
}
