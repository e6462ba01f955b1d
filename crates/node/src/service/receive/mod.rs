//! ReceiveMessage: long polling over the partitions of a queue.
//!
//! An empty poll proposes nothing. Every replica's board knows from applied entries what there is, so
//! a poll parks at the boards of its own node, wherever the partitions are led. A leader's own board
//! says for certain; of the others a poll asks each leader once before it parks, again when its own
//! board says that there is something, and before it answers that there is nothing.

mod asking;
mod delivery;
mod flight;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use squorum_store::Store;
use squorum_types::DeduplicationHash;
use squorum_types::service::{Delivery, QueueInfo, ReceiveRequest, ServiceError};
use tokio::time::Instant;

use self::waiting::Waiting;
use crate::error::unavailable;
use crate::node::Inner;
use crate::routing;
use crate::shutdown::stopped;

/// After a claim that gave nothing, such as at the limit of messages in flight.
const EMPTY_PAUSE: Duration = Duration::from_millis(50);

/// A receive without its waiting.
#[derive(Clone)]
struct Wanted {
    messages_max: u32,
    /// `None` means the queue's, as it is when messages are received.
    visibility_timeout_seconds: Option<u32>,
    /// Empty if there is no attempt id.
    attempt_hash: Bytes,
    /// Does not wait, and hears of the limit of messages in flight.
    short: bool,
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
        let wait_seconds = request.wait_time_seconds;
        let wait_seconds =
            wait_seconds.unwrap_or(queue.attributes.receive_message_wait_time_seconds);
        let deadline = Instant::now() + Duration::from_secs(wait_seconds.into());
        let wanted = Wanted {
            messages_max: u32::try_from(request.messages_max).unwrap_or(u32::MAX),
            visibility_timeout_seconds: request.visibility_timeout_seconds,
            attempt_hash: attempt_hash(queue, &request.attempt_id),
            short: wait_seconds == 0,
        };
        if let Some(delivery) = self.replay(queue, &wanted).await? {
            return Ok(delivery);
        }
        self.poll(queue, &wanted, deadline).await
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
    ) -> Result<Delivery, ServiceError> {
        let partitions = self.partitions_for_receive(queue);
        // A long poll asks for the last time when it ends.
        let hold = wanted.short;
        let found = self.ask_all(queue, &partitions, wanted, hold).await?;
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
            match self.use_claim(queue, claim, wanted).await? {
                Some(delivery) => return Ok(delivery),
                None => tokio::time::sleep(EMPTY_PAUSE).await,
            }
            // Meanwhile others may have got something.
            for partition in &partitions {
                let found = self.look(queue, *partition, wanted).await?;
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
        if wanted.short || is_draining {
            return Ok(Delivery::empty());
        }
        let last = self.ask_all(queue, &partitions, wanted, true).await?;
        Ok(last.unwrap_or_else(Delivery::empty))
    }
}

fn attempt_hash(queue: &QueueInfo, attempt_id: &str) -> Bytes {
    if attempt_id.is_empty() || !queue.attributes.is_fifo() {
        return Bytes::new();
    }
    Bytes::copy_from_slice(&DeduplicationHash::new(None, attempt_id).0)
}
