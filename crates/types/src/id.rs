//! Ids. All are plain numbers that are never reused; which one may stand for which is the type's
//! business.

use std::fmt;

use sha2::{Digest, Sha256};

/// One `squorum serve` process with its data directory. Minted into the directory, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// One Raft group. 0 is meta, shard `n` is group `n + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

impl GroupId {
    pub const META: GroupId = GroupId(0);

    pub const fn of_shard(shard: ShardId) -> GroupId {
        GroupId(shard.0 as u32 + 1)
    }

    /// The shard whose group this is; `None` for meta.
    pub const fn shard(self) -> Option<ShardId> {
        match self.0 {
            0 => None,
            group => Some(ShardId((group - 1) as u16)),
        }
    }
}

/// A data group. Their number is fixed when the cluster is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A queue, given by meta at creation. A queue created again under its name has another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u64);

/// A part of one queue, living in one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    pub queue: QueueId,
    pub index: u16,
}

impl PartitionId {
    /// The shard that holds this partition, of `shard_count` shards. The partitions of a queue lie
    /// on different shards as long as there are enough. Part of the persisted format: never change.
    pub fn shard(self, shard_count: u16) -> ShardId {
        assert!(shard_count > 0, "a cluster has at least one shard");
        // A multiplicative hash spreads neighbouring queue ids; the index then walks the ring.
        let spread = self.queue.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        ShardId(((spread + u64::from(self.index)) % u64::from(shard_count)) as u16)
    }

    /// The partition of a FIFO queue that a message group is pinned to. Part of the persisted
    /// format: never change.
    pub fn of_group(queue: QueueId, partition_count: u16, group_id: &str) -> PartitionId {
        let index = match partition_count {
            0 | 1 => 0,
            count => {
                let digest = Sha256::digest(group_id.as_bytes());
                let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
                (hash % u32::from(count)) as u16
            }
        };
        PartitionId { queue, index }
    }
}

/// A message's UUID (version 4), kept on every move between queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl MessageId {
    /// Makes a version 4 UUID of 16 random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> MessageId {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        MessageId(bytes)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// As people see it everywhere: 16 hexadecimal digits.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard() {
            None => f.write_str("meta"),
            Some(shard) => write!(f, "shard-{}", shard.0),
        }
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.queue, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_a_queue_lie_on_different_shards() {
        for queue in 0..1000 {
            let shards: std::collections::BTreeSet<_> = (0..8)
                .map(|index| {
                    PartitionId {
                        queue: QueueId(queue),
                        index,
                    }
                    .shard(8)
                })
                .collect();
            assert_eq!(shards.len(), 8);
        }
    }

    #[test]
    fn a_message_id_is_a_version_4_uuid() {
        let id = MessageId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
