//! What a gateway does for clients: the [`QueueService`] over meta and shards.

mod call;
mod change_visibility;
mod delete;
mod leading;
mod locate;
mod moves;
mod peek;
mod permissions;
mod preference;
mod queues;
mod receive;
mod send;
mod tags;

use std::sync::Arc;

use squorum_store::Store;
use squorum_types::service::{
    ChangeVisibilityEntry, CreateQueue, Delivery, ListQueues, MessageError, MoveTask, Page,
    QueueDescription, QueueInfo, QueueList, QueueService, ReceiveRequest, SendEntry, SentMessage,
    ServiceError, StartMove,
};
use squorum_types::{AccountId, AttributeChanges, Caller, Permission, QueueName, QueueTags};

pub use self::locate::PartitionPlace;
pub(crate) use self::peek::NO_ROOM;
use crate::Node;

impl<S: Store> QueueService for Node<S> {
    async fn create_queue(
        &self,
        caller: &Caller,
        request: CreateQueue,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        self.inner.create_queue(caller, request).await
    }

    async fn find_queue(
        &self,
        caller: &Caller,
        account: &AccountId,
        name: &QueueName,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        self.inner.find_queue(caller, account, name).await
    }

    async fn list_queues(
        &self,
        caller: &Caller,
        request: ListQueues,
    ) -> Result<QueueList, ServiceError> {
        self.inner.list_queues(caller, &request).await
    }

    async fn list_dead_letter_sources(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        page: Page,
    ) -> Result<QueueList, ServiceError> {
        self.inner.list_dead_letter_sources(queue, &page).await
    }

    async fn start_move(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        start: StartMove,
    ) -> Result<MoveTask, ServiceError> {
        self.inner.start_move(queue, start).await
    }

    async fn list_moves(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<Vec<MoveTask>, ServiceError> {
        self.inner.list_moves(queue).await
    }

    async fn cancel_move(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        task_id: [u8; 16],
    ) -> Result<MoveTask, ServiceError> {
        self.inner.cancel_move(queue, task_id).await
    }

    async fn delete_queue(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<(), ServiceError> {
        self.inner.delete_queue(queue).await
    }

    async fn describe_queue(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueDescription, ServiceError> {
        self.inner.describe_queue(queue).await
    }

    async fn set_queue_attributes(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        changes: AttributeChanges,
    ) -> Result<(), ServiceError> {
        self.inner.set_queue_attributes(queue, changes).await
    }

    async fn tag_queue(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        tags: QueueTags,
    ) -> Result<(), ServiceError> {
        self.inner.tag_queue(queue, tags).await
    }

    async fn untag_queue(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        keys: Vec<String>,
    ) -> Result<(), ServiceError> {
        self.inner.untag_queue(queue, keys).await
    }

    async fn list_queue_tags(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueTags, ServiceError> {
        self.inner.list_queue_tags(queue).await
    }

    async fn add_permission(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        permission: Permission,
    ) -> Result<(), ServiceError> {
        self.inner.add_permission(queue, permission).await
    }

    async fn remove_permission(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        label: String,
    ) -> Result<(), ServiceError> {
        self.inner.remove_permission(queue, label).await
    }

    async fn purge_queue(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<(), ServiceError> {
        self.inner.purge_queue(queue).await
    }

    async fn send(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> Result<Vec<Result<SentMessage, MessageError>>, ServiceError> {
        self.inner.send(caller, queue, entries).await
    }

    async fn receive(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        request: ReceiveRequest,
    ) -> Result<Delivery, ServiceError> {
        self.inner.receive(queue, request).await
    }

    async fn delete(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        handles: Vec<String>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        self.inner.delete(queue, &handles).await
    }

    async fn change_visibility(
        &self,
        _caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<ChangeVisibilityEntry>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        self.inner.change_visibility(queue, &entries).await
    }
}
