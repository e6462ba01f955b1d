//! ReceiveMessage: long polling over the partitions of a queue.
//!
//! An empty poll proposes nothing: the board knows from applied entries what there is. A receive is
//! proposed only with a claim on messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::StoredMessage;
use squorum_store::Store;
use squorum_types::service::{Delivery, QueueInfo, ReceiveRequest, ReceivedMessage, ServiceError};
use squorum_types::{
    DeduplicationHash, MessageEnvelope, PartitionId, ReceiptHandle, ReceiptHandleKey, Timestamp,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::call::{Answered, unexpected};
use super::send::sequence_number;
use crate::node::Inner;
use crate::routing;
use crate::shard::OpenReceive;
use crate::shard::board::{Board, Claim, Look};

/// After a claim that gave nothing, such as at the limit of messages in flight.
const EMPTY_PAUSE: Duration = Duration::from_millis(50);

/// A receive without its waiting.
struct Wanted {
    messages_max: u32,
    visibility_timeout_ms: u64,
    /// Empty if there is no attempt id.
    attempt_hash: Bytes,
}

impl<S: Store> Inner<S> {
    pub(crate) async fn receive(
        &self,
        queue: &Arc<QueueInfo>,
        request: ReceiveRequest,
    ) -> Result<Delivery, ServiceError> {
        let room = Arc::clone(&self.receive_room);
        let _permit = room
            .try_acquire_owned()
            .map_err(|_| ServiceError::Throttled)?;
        for partition in routing::partitions(queue) {
            self.ready_to_read(self.shard_of(partition)?).await?;
        }
        let attributes = &queue.attributes;
        let wait_seconds = request.wait_time_seconds;
        let wait_seconds = wait_seconds.unwrap_or(attributes.receive_message_wait_time_seconds);
        let deadline = Instant::now() + Duration::from_secs(wait_seconds.into());
        let visibility_seconds = request.visibility_timeout_seconds;
        let wanted = Wanted {
            messages_max: u32::try_from(request.messages_max).unwrap_or(u32::MAX),
            visibility_timeout_ms: u64::from(
                visibility_seconds.unwrap_or(attributes.visibility_timeout_seconds),
            ) * 1000,
            attempt_hash: attempt_hash(queue, &request.attempt_id),
        };
        if let Some(delivery) = self.replay(queue, &wanted).await? {
            return Ok(delivery);
        }
        self.poll(queue, &wanted, deadline, wait_seconds == 0).await
    }

    /// What the attempt id has received before, wherever that was.
    async fn replay(
        &self,
        queue: &Arc<QueueInfo>,
        wanted: &Wanted,
    ) -> Result<Option<Delivery>, ServiceError> {
        if wanted.attempt_hash.is_empty() {
            return Ok(None);
        }
        for partition in routing::partitions(queue) {
            let delivery = self.receive_from(queue, partition, wanted, true).await?;
            if delivery.is_some() {
                return Ok(delivery);
            }
        }
        Ok(None)
    }

    async fn poll(
        &self,
        queue: &Arc<QueueInfo>,
        wanted: &Wanted,
        deadline: Instant,
        short: bool,
    ) -> Result<Delivery, ServiceError> {
        // Where to begin changes, so that no partition starves.
        let start = self.turn.fetch_add(1, Ordering::Relaxed) as usize;
        let partitions: Vec<_> = routing::partitions(queue).collect();
        loop {
            for offset in 0..partitions.len() {
                let partition = partitions[start.wrapping_add(offset) % partitions.len()];
                let board = &self.shard_of(partition)?.board;
                if let Look::Claimed(claim) = board.look(partition, self.stamper.now())
                    && let Some(delivery) = self.use_claim(queue, claim, wanted, short).await?
                {
                    return Ok(delivery);
                }
            }
            if Instant::now() >= deadline {
                return Ok(Delivery::empty());
            }
            let mut waiting = Waiting::new(self, &partitions)?;
            let Ok(claim) = tokio::time::timeout_at(deadline, waiting.claim()).await else {
                return Ok(Delivery::empty());
            };
            drop(waiting);
            if let Some(claim) = claim {
                match self.use_claim(queue, claim, wanted, short).await? {
                    Some(delivery) => return Ok(delivery),
                    None => tokio::time::sleep(EMPTY_PAUSE).await,
                }
            }
        }
    }

    async fn use_claim(
        &self,
        queue: &Arc<QueueInfo>,
        claim: Claim,
        wanted: &Wanted,
        short: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        match self
            .receive_from(queue, claim.partition, wanted, false)
            .await
        {
            // Only a short poll hears of the limit.
            Err(ServiceError::OverLimit) if !short => Ok(None),
            result => result,
        }
    }

    async fn receive_from(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
        replay_only: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let make = |queue: &QueueInfo| {
            Operation::Receive(proto::Receive {
                partition: Some(partition.into()),
                version: queue.version,
                messages_max: wanted.messages_max,
                visibility_timeout_ms: wanted.visibility_timeout_ms,
                attempt_hash: wanted.attempt_hash.clone(),
                replay_only,
            })
        };
        let Answered {
            kind,
            messages,
            receive,
        } = self.call(queue, partition, None, make).await?;
        let received = match kind {
            Kind::Received(received) => received,
            Kind::Released(_) => return Ok(None),
            other => return Err(unexpected(&other)),
        };
        let mut stored: BTreeMap<u64, StoredMessage> = messages
            .into_iter()
            .map(|message| (message.seq, message))
            .collect();
        let key = &self.cluster.receipt_handle_key;
        let fifo = queue.attributes.is_fifo();
        let mut handed_out = Vec::with_capacity(received.messages.len());
        for delivered in received.messages {
            // One that is gone meanwhile was deleted by another handle.
            if let Some(message) = stored.remove(&delivered.seq) {
                handed_out.push(received_message(partition, &delivered, message, key, fifo)?);
            }
        }
        if handed_out.is_empty() {
            return Ok(None);
        }
        let mut receipt = Receipt(receive);
        Ok(Some(Delivery::new(
            handed_out,
            Box::new(move || receipt.undo()),
        )))
    }
}

/// Undone when the delivery asks for it, confirmed when the delivery lets go of it.
struct Receipt(Option<OpenReceive>);

impl Receipt {
    fn undo(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(receive) = self.0.take() {
            receive.confirm();
        }
    }
}

/// A poll that is parked at the boards of its partitions.
struct Waiting<'a> {
    claims: mpsc::Receiver<Claim>,
    parked: Vec<(&'a Board, PartitionId)>,
}

impl<'a> Waiting<'a> {
    fn new<S: Store>(
        node: &'a Inner<S>,
        partitions: &[PartitionId],
    ) -> Result<Waiting<'a>, ServiceError> {
        let (waiter, claims) = mpsc::channel(1);
        let mut parked = Vec::with_capacity(partitions.len());
        for partition in partitions {
            parked.push((&node.shard_of(*partition)?.board, *partition));
        }
        for (board, partition) in &parked {
            board.wait(*partition, waiter.clone());
        }
        Ok(Waiting { claims, parked })
    }

    async fn claim(&mut self) -> Option<Claim> {
        self.claims.recv().await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.claims.close();
        // A claim that came too late passes the wake-up on.
        while let Ok(claim) = self.claims.try_recv() {
            drop(claim);
        }
        for (board, partition) in &self.parked {
            board.forget_waiters(*partition);
        }
    }
}

fn attempt_hash(queue: &QueueInfo, attempt_id: &str) -> Bytes {
    if attempt_id.is_empty() || !queue.attributes.is_fifo() {
        return Bytes::new();
    }
    Bytes::copy_from_slice(&DeduplicationHash::new(None, attempt_id).0)
}

fn received_message(
    partition: PartitionId,
    delivered: &proto::DeliveredMessage,
    stored: StoredMessage,
    key: &ReceiptHandleKey,
    fifo: bool,
) -> Result<ReceivedMessage, ServiceError> {
    let malformed = |what: String| ServiceError::Internal { reason: what };
    let envelope = proto::MessageEnvelope::decode(stored.envelope)
        .map_err(|error| malformed(error.to_string()))?;
    let envelope =
        MessageEnvelope::try_from(envelope).map_err(|error| malformed(error.to_string()))?;
    let handle = ReceiptHandle {
        partition,
        seq: delivered.seq,
        delivery_number: delivered.delivery_number,
    };
    Ok(ReceivedMessage {
        id: envelope.id,
        receipt_handle: handle.encode(key),
        body: envelope.body,
        body_md5: envelope.body_md5,
        attributes: envelope.attributes,
        sender_id: envelope.sender_id,
        sent_at: stored.sent_at,
        first_received_at: Timestamp(delivered.first_received_at_ms),
        receive_count: delivered.receive_count,
        sequence_number: fifo.then(|| sequence_number(delivered.seq)),
        group_id: envelope.group_id,
        deduplication_id: envelope.deduplication_id,
        trace_header: envelope.trace_header,
        dead_letter_source: envelope.dead_letter_source,
    })
}
