//! Looks at the messages of a queue without receiving them.

use std::sync::Arc;

use prost::Message;
use squorum_meta::QueueKey;
use squorum_proto::queue as proto;
use squorum_queue::{PeekBounds, Peeked, PeekedRow, peek};
use squorum_store::Store;
use squorum_types::service::{
    MessageState, PeekPage, PeekPosition, PeekedMessage, QueueInfo, ServiceError,
};
use squorum_types::{AccountId, MessageEnvelope, NodeId, PartitionId, QueueName, Region};
use tokio::time::{Instant, timeout_at};

use super::call::internal;
use super::leading::leads;
use super::send::sequence_number;
use crate::error::unavailable;
use crate::gateway::PeekQuestion;
use crate::node::{Inner, Node};
use crate::routing;
use crate::shard::HOLD;

/// Of one look at one partition: it takes some milliseconds, and its answer fits into a message
/// between nodes.
const ROWS_MAX: usize = 2_000;
const BYTES_MAX: usize = 2 << 20;
/// Why there is no answer while others have all the room there is for looks.
pub(crate) const NO_ROOM: &str = "too many others look at messages";

impl<S: Store> Node<S> {
    /// A queue as every acknowledged change left it.
    pub async fn confirmed_queue(
        &self,
        account: AccountId,
        region: Region,
        name: QueueName,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        let key = QueueKey {
            account,
            region,
            name,
        };
        let meta = &self.inner.meta;
        let found = meta.find(&key).await?;
        meta.confirm().await?;
        let current = meta.queue(found.id)?;
        current.ok_or(ServiceError::QueueDoesNotExist)
    }

    /// Up to `count_max` messages of one state from a position on, partition by partition, in each in
    /// the order of the message table. A page is bounded by what it looks at, too: it may be short, or
    /// empty, and yet not the last one. Nothing of the queue changes by it.
    pub async fn peek(
        &self,
        queue: &QueueInfo,
        state: MessageState,
        position: PeekPosition,
        count_max: usize,
    ) -> Result<PeekPage, ServiceError> {
        let mut partitions = routing::partitions(queue).skip(position.partition.into());
        let Some(partition) = partitions.next() else {
            return Ok(PeekPage::default());
        };
        let question = PeekQuestion {
            partition,
            state,
            from: position.place,
            count_max,
        };
        let peeked = self.inner.peek_partition(question).await?;
        let next = match peeked.next {
            Some(place) => Some(PeekPosition {
                partition: partition.index,
                place: Some(place),
            }),
            None => partitions.next().map(|next| PeekPosition {
                partition: next.index,
                place: None,
            }),
        };
        let fifo = queue.attributes.is_fifo();
        let messages = peeked.messages.into_iter();
        let messages = messages.map(|row| peeked_message(partition, row, fifo));
        Ok(PeekPage {
            messages: messages.collect::<Result<_, _>>()?,
            next,
            looked_at: peeked.rows,
        })
    }
}

impl<S: Store> Inner<S> {
    async fn peek_partition(&self, question: PeekQuestion) -> Result<Peeked, ServiceError> {
        let deadline = Instant::now() + HOLD;
        let here = || self.peek_here(question, deadline);
        let there = async |leader| {
            let peeked = self.leaders.peek(leader, question, deadline).await;
            peeked.map(Some)
        };
        let asked = self.ask_leader(question.partition, deadline, here, there);
        asked.await?.ok_or(unavailable(NO_ROOM))
    }

    /// Looks at a partition, after what is due has happened. `None` if others look at messages for so
    /// long that the deadline passes. `Err` names the leader instead, if another node is known to lead.
    pub(crate) async fn peek_here(
        &self,
        question: PeekQuestion,
        deadline: Instant,
    ) -> Result<Option<Peeked>, Option<NodeId>> {
        let partition = question.partition;
        let shard = self.shard_of(partition).map_err(|_| None)?;
        // What waits here holds nothing.
        let Ok(room) = timeout_at(deadline, self.peek_room.acquire()).await else {
            return Ok(None);
        };
        let _room = room.map_err(|_| None)?;
        self.let_due_happen(shard, partition).await?;
        let store = self.store.clone();
        let id = partition.shard(self.cluster.shard_count);
        let bounds = PeekBounds {
            messages: question.count_max.min(ROWS_MAX),
            rows: ROWS_MAX,
            bytes: BYTES_MAX,
        };
        // It may read much from the disk, and a runtime's thread has heartbeats to send.
        let read = tokio::task::spawn_blocking(move || {
            let PeekQuestion { state, from, .. } = question;
            peek(&store.snapshot(), id, partition, state, from, bounds)
        });
        match read.await {
            Ok(Ok(peeked)) => leads(shard).map(|()| Some(peeked)),
            Ok(Err(error)) => {
                // The store's failures end the node by themselves.
                tracing::warn!(%error, %partition, "messages cannot be looked at");
                Err(None)
            }
            Err(_) => Err(None),
        }
    }
}

fn peeked_message(
    partition: PartitionId,
    row: PeekedRow,
    fifo: bool,
) -> Result<PeekedMessage, ServiceError> {
    let envelope = proto::MessageEnvelope::decode(row.message.envelope)
        .map_err(|error| internal(&error.to_string()))?;
    let envelope =
        MessageEnvelope::try_from(envelope).map_err(|error| internal(&error.to_string()))?;
    Ok(PeekedMessage {
        id: envelope.id,
        position: PeekPosition {
            partition: partition.index,
            place: Some(row.place),
        },
        body: envelope.body,
        body_md5: envelope.body_md5,
        attributes: envelope.attributes,
        sender_id: envelope.sender_id,
        sent_at: row.message.sent_at,
        receive_count: row.receive_count,
        first_received_at: row.first_received_at,
        visible_at: row.visible_at,
        sequence_number: fifo.then(|| sequence_number(row.message.seq)),
        group_id: envelope.group_id,
        deduplication_id: envelope.deduplication_id,
        trace_header: envelope.trace_header,
        dead_letter_source: envelope.dead_letter_source,
    })
}
