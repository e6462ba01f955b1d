//! The border between the front end (`aws`) and the node: what a client can ask of queues, in
//! validated form. The front end knows protocols and their rules on texts, sizes and ranges; the
//! node knows queues, shards and Raft.

mod delivery;
mod error;
mod move_task;
mod peek;
mod queue;
mod request;

pub use delivery::{Delivery, ReceivedMessage};
pub use error::{MessageError, ServiceError};
pub use move_task::{MoveFailure, MoveStatus, MoveTask, StartMove};
pub use peek::{MessageState, PeekPage, PeekPlace, PeekPosition, PeekedMessage};
pub use queue::{QueueCounters, QueueDescription, QueueInfo};
pub use request::{
    ChangeVisibilityEntry, CreateQueue, ListQueues, Page, QueueList, ReceiveRequest, SendEntry,
    SentMessage,
};

use std::future::Future;
use std::sync::Arc;

use crate::{AccountId, AttributeChanges, Caller, Permission, QueueName, QueueTags};

/// Queues, for one front end or many. Every call carries its [`Caller`].
///
/// A call that returns an error other than [`ServiceError::Unavailable`] had no effect; after
/// `Unavailable` it may or may not have had one.
/// Batch calls answer per entry, in the order of the entries.
pub trait QueueService: Send + Sync + 'static {
    /// Creates the queue, or finds the one of that name if every given attribute is equal.
    fn create_queue(
        &self,
        caller: &Caller,
        request: CreateQueue,
    ) -> impl Future<Output = Result<Arc<QueueInfo>, ServiceError>> + Send;

    /// Finds a queue by name in the caller's region.
    fn find_queue(
        &self,
        caller: &Caller,
        account: &AccountId,
        name: &QueueName,
    ) -> impl Future<Output = Result<Arc<QueueInfo>, ServiceError>> + Send;

    /// Names in order, those of the caller's account and region.
    fn list_queues(
        &self,
        caller: &Caller,
        request: ListQueues,
    ) -> impl Future<Output = Result<QueueList, ServiceError>> + Send;

    /// The queues whose dead-letter queue this one is.
    fn list_dead_letter_sources(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        page: Page,
    ) -> impl Future<Output = Result<QueueList, ServiceError>> + Send;

    /// Starts to send a dead-letter queue's messages on.
    fn start_move(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        start: StartMove,
    ) -> impl Future<Output = Result<MoveTask, ServiceError>> + Send;

    /// The last tasks of a queue, the newest first.
    fn list_moves(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> impl Future<Output = Result<Vec<MoveTask>, ServiceError>> + Send;

    /// Ends a task soon. What it has moved stays moved.
    fn cancel_move(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        task_id: [u8; 16],
    ) -> impl Future<Output = Result<MoveTask, ServiceError>> + Send;

    /// Answers when no shard takes or gives messages of the queue any more.
    fn delete_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// The queue as it is now, with counters that are exact.
    fn describe_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> impl Future<Output = Result<QueueDescription, ServiceError>> + Send;

    /// Answers when every shard has the new values.
    fn set_queue_attributes(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        changes: AttributeChanges,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Adds tags, in place of those with equal keys.
    fn tag_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        tags: QueueTags,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Removes the tags with these keys, as far as there are any.
    fn untag_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        keys: Vec<String>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    fn list_queue_tags(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> impl Future<Output = Result<QueueTags, ServiceError>> + Send;

    /// Adds a statement to the queue's policy.
    fn add_permission(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        permission: Permission,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Removes the statement with this label from the queue's policy.
    fn remove_permission(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        label: String,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Removes all messages, in flight and delayed ones and deduplication records too.
    fn purge_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    fn send(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> impl Future<Output = Result<Vec<Result<SentMessage, MessageError>>, ServiceError>> + Send;

    /// Waits up to the request's time for the first message. When the future is dropped before it
    /// is ready, no message goes with it.
    fn receive(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        request: ReceiveRequest,
    ) -> impl Future<Output = Result<Delivery, ServiceError>> + Send;

    /// `handles` are texts as the client gave them.
    fn delete(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        handles: Vec<String>,
    ) -> impl Future<Output = Result<Vec<Result<(), MessageError>>, ServiceError>> + Send;

    fn change_visibility(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<ChangeVisibilityEntry>,
    ) -> impl Future<Output = Result<Vec<Result<(), MessageError>>, ServiceError>> + Send;
}
