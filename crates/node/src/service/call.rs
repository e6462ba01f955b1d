//! One operation on one partition, with what it takes to bring it through.

use std::sync::Arc;
use std::time::Duration;

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{EntryResult, Refusal};
use squorum_store::Store;
use squorum_types::PartitionId;
use squorum_types::service::{MessageError, QueueInfo, ServiceError};
use tokio::time::Instant;

use crate::error::unavailable;
use crate::node::Inner;
use crate::shard::{Admission, Answer, OpenReceive, ShardHandle};

/// Refusals that one call may see: each has a cure, and cures need few rounds.
const ROUNDS_MAX: usize = 16;
const WINDOW_FULL_PAUSE: Duration = Duration::from_millis(10);
/// A replica that is further behind than this asks the leader once more than needed.
const SEEN_TIMEOUT: Duration = Duration::from_millis(100);
const SEEN_PAUSE: Duration = Duration::from_millis(1);

/// An outcome that is no refusal.
#[derive(Debug)]
pub(super) struct Answered {
    /// The queue in the version that the shard has.
    pub(super) queue: Arc<QueueInfo>,
    pub(super) kind: Kind,
    pub(super) messages: Vec<squorum_queue::StoredMessage>,
    pub(super) receive: Option<OpenReceive>,
}

impl<S: Store> Inner<S> {
    /// Has applied what `make` makes of the queue as it is now. Tells the shard of the queue, or
    /// learns the queue's newer version, when the shard asks for that: then `make` makes it anew, so
    /// whatever depends on attributes has to come from the queue that it is given.
    pub(super) async fn call(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        admission: Option<&Admission>,
        make: impl Fn(&QueueInfo) -> Operation + Send + Sync,
    ) -> Result<Answered, ServiceError> {
        let session = &self.shard_of(partition)?.session;
        let propose = |operation| session.propose(operation, admission.cloned());
        let answered = self.call_with(queue, partition, make, propose).await?;
        answered.ok_or_else(|| internal("shard did not look into the log"))
    }

    /// The same for a receive without a claim on the leader's board. `None`: the leader has nothing
    /// for it, and this node's board knows by now.
    pub(super) async fn call_fresh(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        make: impl Fn(&QueueInfo) -> Operation + Send + Sync,
    ) -> Result<Option<Answered>, ServiceError> {
        let session = &self.shard_of(partition)?.session;
        let propose = |operation| session.propose_fresh(operation, partition);
        self.call_with(queue, partition, make, propose).await
    }

    async fn call_with<F>(
        &self,
        queue: &Arc<QueueInfo>,
        partition: PartitionId,
        make: impl Fn(&QueueInfo) -> Operation + Send + Sync,
        propose: impl Fn(Operation) -> F + Send + Sync,
    ) -> Result<Option<Answered>, ServiceError>
    where
        F: Future<Output = Result<Answer, ServiceError>> + Send,
    {
        let shard = self.shard_of(partition)?;
        let mut queue = Arc::clone(queue);
        for _ in 0..ROUNDS_MAX {
            let (outcome, messages, receive) = match propose(make(&queue)).await? {
                Answer::Applied {
                    outcome,
                    messages,
                    receive,
                } => (outcome, messages, receive),
                Answer::NothingThere { log_index } => {
                    seen(shard, log_index).await;
                    return Ok(None);
                }
            };
            let refused = match outcome.kind {
                Some(Kind::Refused(refused)) => refused,
                Some(kind) => {
                    return Ok(Some(Answered {
                        queue,
                        kind,
                        messages,
                        receive,
                    }));
                }
                None => return Err(internal("outcome of no kind")),
            };
            match refused.refusal() {
                Refusal::VersionUnknown => {
                    let configure = self.meta.configure(&queue)?;
                    shard.session.propose(configure, None).await?;
                }
                Refusal::VersionOld => queue = self.newer(&queue).await?,
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

    /// The queue in a later version than this one, which a shard has refused.
    async fn newer(&self, queue: &QueueInfo) -> Result<Arc<QueueInfo>, ServiceError> {
        let known = self.meta.queue(queue.id)?;
        let found = match known {
            Some(found) if found.version > queue.version => Some(found),
            // This replica is behind.
            _ => {
                self.meta.confirm().await?;
                self.meta.queue(queue.id)?
            }
        };
        found.ok_or(ServiceError::QueueDoesNotExist)
    }

    pub(super) fn shard_of(&self, partition: PartitionId) -> Result<&ShardHandle, ServiceError> {
        let shard = partition.shard(self.cluster.shard_count);
        self.shards
            .get(usize::from(shard.0))
            .ok_or_else(|| internal("shard is not known"))
    }
}

/// Waits, not for long, until this node's board shows what the leader's did.
async fn seen(shard: &ShardHandle, log_index: u64) {
    let deadline = Instant::now() + SEEN_TIMEOUT;
    while shard.group.applied_index() < Some(log_index) && Instant::now() < deadline {
        tokio::time::sleep(SEEN_PAUSE).await;
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
