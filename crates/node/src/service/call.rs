//! One operation on one partition, with what it takes to bring it through.

use std::sync::Arc;
use std::time::Duration;

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{EntryResult, Refusal};
use squorum_store::Store;
use squorum_types::PartitionId;
use squorum_types::service::{MessageError, QueueInfo, ServiceError};

use crate::error::unavailable;
use crate::node::Inner;
use crate::routing;
use crate::shard::{Admission, HOLD, OpenReceive, ShardHandle};

/// Refusals that one call may see: each has a cure, and cures need few rounds.
const ROUNDS_MAX: usize = 16;
const WINDOW_FULL_PAUSE: Duration = Duration::from_millis(10);

/// An outcome that is no refusal.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) kind: Kind,
    pub(super) messages: Vec<squorum_queue::StoredMessage>,
    pub(super) receive: Option<OpenReceive>,
}

impl<S: Store> Inner<S> {
    /// Proposes what `make` makes of the queue as it is now. Tells the shard of the queue, or
    /// learns the queue's newer version, when the shard asks for that.
    pub(super) async fn call(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        admission: Option<&Admission>,
        make: impl Fn(&QueueInfo) -> Operation + Send + Sync,
    ) -> Result<Answered, ServiceError> {
        let shard = self.shard_of(partition)?;
        let mut queue = Arc::clone(queue);
        for _ in 0..ROUNDS_MAX {
            let answer = shard
                .proposer
                .propose(make(&queue), admission.cloned())
                .await?;
            let refused = match answer.outcome.kind {
                Some(Kind::Refused(refused)) => refused,
                Some(kind) => {
                    let (messages, receive) = (answer.messages, answer.receive);
                    return Ok(Answered {
                        kind,
                        messages,
                        receive,
                    });
                }
                None => return Err(internal("outcome of no kind")),
            };
            match refused.refusal() {
                Refusal::VersionUnknown => {
                    shard
                        .proposer
                        .propose(routing::configure(&queue), None)
                        .await?;
                }
                Refusal::VersionOld => {
                    let newer = self.meta.queue(queue.id)?;
                    queue = newer.ok_or(ServiceError::QueueDoesNotExist)?;
                }
                Refusal::WindowFull => tokio::time::sleep(WINDOW_FULL_PAUSE).await,
                Refusal::QueueDropped => return Err(ServiceError::QueueDoesNotExist),
                Refusal::OverLimit => return Err(ServiceError::OverLimit),
                Refusal::Session => return Err(unavailable("outcome is unknown")),
                Refusal::Malformed | Refusal::Unspecified => {
                    return Err(internal("shard does not understand the operation"));
                }
            }
        }
        Err(ServiceError::Throttled)
    }

    pub(super) fn shard_of(&self, partition: PartitionId) -> Result<&ShardHandle, ServiceError> {
        let shard = partition.shard(self.cluster.shard_count);
        self.shards
            .get(usize::from(shard.0))
            .ok_or_else(|| internal("shard is not known"))
    }

    /// Waits until the shard's own state is what a read through the log would find.
    pub(super) async fn ready_to_read(&self, shard: &ShardHandle) -> Result<(), ServiceError> {
        if shard.group.can_serve_locally() {
            return Ok(());
        }
        let mut leadership = shard.group.watch_leadership();
        let ready = leadership.wait_for(|leadership| leadership.ready_to_serve);
        match tokio::time::timeout(HOLD, ready).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(unavailable("no leader could be reached")),
        }
    }
}

pub(super) fn internal(reason: &str) -> ServiceError {
    ServiceError::Internal {
        reason: reason.to_owned(),
    }
}

pub(super) fn unexpected(kind: &Kind) -> ServiceError {
    ServiceError::Internal {
        reason: format!("shard answered {kind:?}"),
    }
}

/// Results of a command that has one for each message.
pub(super) fn entry_results(
    answered: Answered,
    expired: MessageError,
) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
    let Kind::Results(results) = answered.kind else {
        return Err(unexpected(&answered.kind));
    };
    let results = results.results();
    let results = results.map(|result| match result {
        EntryResult::Ok => Ok(()),
        EntryResult::Expired => Err(expired.clone()),
        EntryResult::NotAvailable => Err(MessageError::MessageNotAvailable),
        EntryResult::BeyondLimit => Err(MessageError::VisibilityTimeoutBeyondLimit),
    });
    Ok(results.collect())
}

/// What a whole call's failure means for one of its messages.
pub(super) fn message_error(error: &ServiceError) -> MessageError {
    match error {
        ServiceError::Throttled => MessageError::Throttled,
        _ => MessageError::Unavailable,
    }
}
