//! What leaves for other shards, and what comes from them.

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_proto::queue as proto;
use squorum_types::{PartitionId, QueueId};

/// What waits for one shard, and the number of the next.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) next_number: u64,
    pub(crate) transfers: Vec<proto::Transfer>,
}

/// What came from one shard.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) next_number: u64,
    pub(super) gone: Vec<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// By target shard.
    pub(crate) waiting: BTreeMap<u16, Waiting>,
}

impl Outbox {
    pub(crate) fn len(&self) -> u64 {
        let lengths = self.waiting.values();
        lengths.map(|waiting| waiting.transfers.len() as u64).sum()
    }

    pub(super) fn push(
        &mut self,
        target: &proto::TransferTarget,
        seq: u64,
        message: proto::TransferredMessage,
    ) {
        let queue = QueueId(target.queue);
        let partition = if message.group_id.is_empty() {
            PartitionId {
                queue,
                index: (seq % u64::from(target.partition_count)) as u16,
            }
        } else {
            PartitionId::of_group(queue, target.partition_count as u16, &message.group_id)
        };
        let shard = partition.shard(target.shard_count as u16).0;
        let waiting = self.waiting.entry(shard).or_insert(Waiting {
            next_number: 1,
            transfers: Vec::new(),
        });
        waiting.transfers.push(proto::Transfer {
            number: waiting.next_number,
            target: Some(partition.into()),
            message: Some(message),
        });
        waiting.next_number += 1;
    }

    /// Takes out what is answered for.
    pub(super) fn truncate(&mut self, shard: u16, below: u64) -> Vec<proto::Transfer> {
        let Some(waiting) = self.waiting.get_mut(&shard) else {
            return Vec::new();
        };
        let answered = waiting.transfers.iter();
        let answered = answered.filter(|transfer| transfer.number < below).count();
        waiting.transfers.drain(..answered).collect()
    }
}

/// The envelope that a message has where it arrives.
pub(super) fn envelope_of(message: &proto::TransferredMessage) -> Bytes {
    let source = message.dead_letter_source.as_bytes();
    // Field 10, a text, however short it is.
    let field = [&[10 << 3 | 2, source.len() as u8], source].concat();
    [&message.envelope[..], &field].concat().into()
}
