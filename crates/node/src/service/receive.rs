//! ReceiveMessage: long polling over the partitions of a queue.
//!
//! An empty poll proposes nothing. Every replica's board knows from applied entries what there is, so
//! a poll parks at the boards of its own node, wherever the partitions are led. A leader's own board
//! says for certain; of the others a poll asks each leader once before it parks, again when its own
//! board says that there is something, and before it answers that there is nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::StoredMessage;
use squorum_store::Store;
use squorum_types::measure::Entered;
use squorum_types::service::{Delivery, QueueInfo, ReceiveRequest, ReceivedMessage, ServiceError};
use squorum_types::{
    DeduplicationHash, MessageEnvelope, PartitionId, ReceiptHandle, ReceiptHandleKey, Timestamp,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::call::{Answered, unexpected};
use super::send::sequence_number;
use crate::error::unavailable;
use crate::node::Inner;
use crate::routing;
use crate::shard::OpenReceive;
use crate::shard::board::{Board, Claim, Look};
use crate::shutdown::stopped;

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
        let _permit = room.try_acquire_owned().map_err(|_| {
            self.figures.receives_refused.increment();
            ServiceError::Throttled
        })?;
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
        let partitions = self.partitions_for_receive(queue);
        // A long poll asks for the last time when it ends.
        let hold = short;
        let found = self
            .ask_all(queue, &partitions, wanted, short, hold)
            .await?;
        if let Some(delivery) = found {
            return Ok(delivery);
        }
        let cut_off = unavailable("this node reaches no majority of the cluster");
        let mut draining = self.draining.subscribe();
        while Instant::now() < deadline {
            let mut waiting = Waiting::new(self, &partitions)?;
            let claim = tokio::select! {
                claim = tokio::time::timeout_at(deadline, waiting.claim()) => claim,
                () = self.view.cut_off() => return Err(cut_off),
                () = stopped(&mut draining) => break,
            };
            let Ok(claim) = claim else { break };
            drop(waiting);
            let Some(claim) = claim else { continue };
            match self.use_claim(queue, claim, wanted, short).await? {
                Some(delivery) => return Ok(delivery),
                None => tokio::time::sleep(EMPTY_PAUSE).await,
            }
            // Meanwhile others may have got something.
            for partition in &partitions {
                let found = self.look(queue, *partition, wanted, short).await?;
                if let Some(delivery) = found {
                    return Ok(delivery);
                }
            }
        }
        if self.view.is_cut_off() {
            return Err(cut_off);
        }
        // What this replica has not heard of may be there all the same, most of all where nobody led
        // when the poll began.
        let is_draining = *draining.borrow();
        if short || is_draining {
            return Ok(Delivery::empty());
        }
        let last = self
            .ask_all(queue, &partitions, wanted, short, true)
            .await?;
        Ok(last.unwrap_or_else(Delivery::empty))
    }

    /// Asks the leader of every partition. One that cannot be reached is passed over, unless that
    /// is so for all. What has no leader is passed over while others have messages; if they have none,
    /// `hold` waits for its leader, since there may be something.
    async fn ask_all(
        &self,
        queue: &Arc<QueueInfo>,
        partitions: &[PartitionId],
        wanted: &Wanted,
        short: bool,
        hold: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let mut tally = Tally::default();
        let mut leaderless = Vec::new();
        for partition in partitions {
            let shard = self.shard_of(*partition)?;
            let result = if shard.group.can_serve_locally() {
                self.look(queue, *partition, wanted, short).await
            } else if shard.group.leadership().leader.is_some() {
                self.receive_fresh(queue, *partition, wanted, short).await
            } else {
                leaderless.push(*partition);
                continue;
            };
            if let Some(delivery) = tally.count(result)? {
                return Ok(Some(delivery));
            }
        }
        for partition in leaderless {
            if tally.failure.is_some() || (tally.answered && !hold) {
                break;
            }
            let result = self.receive_fresh(queue, partition, wanted, short).await;
            if let Some(delivery) = tally.count(result)? {
                return Ok(Some(delivery));
            }
        }
        match tally.failure {
            Some(error) if !tally.answered => Err(error),
            _ => Ok(None),
        }
    }

    /// Receives from a partition if this node's board says that there is something.
    async fn look(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
        short: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let board = &self.shard_of(partition)?.board;
        match board.look(partition, self.stamper.now()) {
            Look::Claimed(claim) => self.use_claim(queue, claim, wanted, short).await,
            Look::Empty => Ok(None),
        }
    }

    /// Receives with a claim on this node's board, which says for certain that there is something
    /// only if this node leads.
    async fn use_claim(
        &self,
        queue: &Arc<QueueInfo>,
        claim: Claim,
        wanted: &Wanted,
        short: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let partition = claim.partition;
        if self.shard_of(partition)?.group.can_serve_locally() {
            let received = self.receive_from(queue, partition, wanted, false).await;
            at_limit(received, short)
        } else {
            self.receive_fresh(queue, partition, wanted, short).await
        }
    }

    /// Receives from a partition if its leader has something.
    async fn receive_fresh(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
        short: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let make = |queue: &QueueInfo| operation(queue, partition, wanted, false);
        match at_limit(self.call_fresh(queue, partition, make).await, short)? {
            Some(answered) => self.delivery(queue, partition, answered),
            None => Ok(None),
        }
    }

    async fn receive_from(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        wanted: &Wanted,
        replay_only: bool,
    ) -> Result<Option<Delivery>, ServiceError> {
        let make = |queue: &QueueInfo| operation(queue, partition, wanted, replay_only);
        let answered = self.call(queue, partition, None, make).await?;
        self.delivery(queue, partition, answered)
    }

    fn delivery(
        &self,
        queue: &QueueInfo,
        partition: PartitionId,
        answered: Answered,
    ) -> Result<Option<Delivery>, ServiceError> {
        let Answered {
            kind,
            messages,
            receive,
        } = answered;
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

/// What the partitions of a queue have said.
#[derive(Default)]
struct Tally {
    /// At least one has said that it has nothing.
    answered: bool,
    failure: Option<ServiceError>,
}

impl Tally {
    /// Passes on what was found, and what is wrong with the request.
    fn count(
        &mut self,
        result: Result<Option<Delivery>, ServiceError>,
    ) -> Result<Option<Delivery>, ServiceError> {
        match result {
            Ok(Some(delivery)) => return Ok(Some(delivery)),
            Ok(None) => self.answered = true,
            Err(error @ ServiceError::Unavailable { .. }) => self.failure = Some(error),
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

fn operation(
    queue: &QueueInfo,
    partition: PartitionId,
    wanted: &Wanted,
    replay_only: bool,
) -> Operation {
    Operation::Receive(proto::Receive {
        partition: Some(partition.into()),
        version: queue.version,
        messages_max: wanted.messages_max,
        visibility_timeout_ms: wanted.visibility_timeout_ms,
        attempt_hash: wanted.attempt_hash.clone(),
        replay_only,
    })
}

/// Only a short poll hears of the limit of messages in flight.
fn at_limit<T>(
    result: Result<Option<T>, ServiceError>,
    short: bool,
) -> Result<Option<T>, ServiceError> {
    match result {
        Err(ServiceError::OverLimit) if !short => Ok(None),
        result => result,
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
    _counted: Entered<'a>,
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
        Ok(Waiting {
            claims,
            parked,
            _counted: node.figures.polls_waiting.enter(),
        })
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
