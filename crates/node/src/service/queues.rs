//! Queues themselves: meta decides, the shards hear of it, then the client is answered.

use std::sync::Arc;

use squorum_meta::command::{
    CreateQueue as CreateQueueCommand, CreateQueueOutcome, DeleteQueue, DeleteQueueOutcome, Purge,
    PurgeOutcome, RequestId, SetAttributes, SetAttributesOutcome,
};
use squorum_meta::{Command, Outcome, QueueKey, WorkKind, plan};
use squorum_proto::queue::Tick;
use squorum_proto::queue::command::Operation;
use squorum_store::Store;
use squorum_types::service::{
    CreateQueue, ListQueues, QueueCounters, QueueDescription, QueueInfo, QueueList, ServiceError,
};
use squorum_types::{AccountId, AttributeChanges, Caller, QueueName};

use super::call::internal;
use crate::node::Inner;
use crate::routing;

/// Nodes of the cluster: standard queues have a partition for each.
const NODE_COUNT: u16 = 1;

impl<S: Store> Inner<S> {
    pub(crate) async fn create_queue(
        &self,
        caller: &Caller,
        request: CreateQueue,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        let CreateQueue {
            name,
            attributes,
            given,
        } = request;
        let (account, region) = (caller.account.clone(), caller.region.clone());
        let shard_count = self.cluster.shard_count;
        let partition_count = plan::partition_count(&attributes, shard_count, NODE_COUNT);
        let command = Command::CreateQueue(Box::new(CreateQueueCommand {
            key: QueueKey {
                account,
                region,
                name,
            },
            attributes,
            given,
            partition_count,
            request_id: self.request_id(),
        }));
        let outcome = match self.meta.propose(&command).await? {
            Outcome::CreateQueue(outcome) => outcome,
            other => return Err(unexpected(&other)),
        };
        match outcome {
            CreateQueueOutcome::Created(record) | CreateQueueOutcome::Exists(record) => {
                Ok(Arc::new(record.info))
            }
            CreateQueueOutcome::NameExists { attribute } => {
                Err(ServiceError::QueueNameExists { attribute })
            }
            CreateQueueOutcome::DeletedRecently => Err(ServiceError::QueueDeletedRecently),
        }
    }

    pub(crate) async fn find_queue(
        &self,
        caller: &Caller,
        account: &AccountId,
        name: &QueueName,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        let (account, region, name) = (account.clone(), caller.region.clone(), name.clone());
        self.meta
            .find(&QueueKey {
                account,
                region,
                name,
            })
            .await
    }

    pub(crate) async fn list_queues(
        &self,
        caller: &Caller,
        request: &ListQueues,
    ) -> Result<QueueList, ServiceError> {
        self.meta.list(&caller.account, &caller.region, request)
    }

    pub(crate) async fn delete_queue(&self, queue: &QueueInfo) -> Result<(), ServiceError> {
        let command = Command::DeleteQueue(DeleteQueue { queue: queue.id });
        match self.meta.propose(&command).await? {
            Outcome::DeleteQueue(DeleteQueueOutcome::Dropping(_)) => {
                self.controller.drive(queue.id, WorkKind::Drop).await
            }
            Outcome::DeleteQueue(_) => Err(ServiceError::QueueDoesNotExist),
            other => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn set_queue_attributes(
        &self,
        queue: &QueueInfo,
        changes: AttributeChanges,
    ) -> Result<(), ServiceError> {
        let request_id = self.request_id();
        let set = SetAttributes {
            queue: queue.id,
            changes,
            request_id,
        };
        match self
            .meta
            .propose(&Command::SetAttributes(Box::new(set)))
            .await?
        {
            Outcome::SetAttributes(SetAttributesOutcome::Set(_)) => {
                self.controller.drive(queue.id, WorkKind::Configure).await
            }
            Outcome::SetAttributes(SetAttributesOutcome::NoSuchQueue) => {
                Err(ServiceError::QueueDoesNotExist)
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn purge_queue(&self, queue: &QueueInfo) -> Result<(), ServiceError> {
        let purge = Purge {
            queue: queue.id,
            request_id: self.request_id(),
        };
        match self.meta.propose(&Command::Purge(purge)).await? {
            Outcome::Purge(PurgeOutcome::Purging { .. }) => {
                self.controller.drive(queue.id, WorkKind::Purge).await
            }
            Outcome::Purge(PurgeOutcome::InProgress) => Err(ServiceError::PurgeInProgress {
                queue: queue.name.clone(),
            }),
            Outcome::Purge(PurgeOutcome::NoSuchQueue) => Err(ServiceError::QueueDoesNotExist),
            other => Err(unexpected(&other)),
        }
    }

    /// The queue with its counters, after what is due has happened.
    pub(crate) async fn describe_queue(
        &self,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueDescription, ServiceError> {
        let mut counters = QueueCounters::default();
        for partition in routing::partitions(queue) {
            let shard = self.shard_of(partition)?;
            self.ready_to_read(shard).await?;
            let due = shard.board.status(partition).next_due;
            if due.is_some_and(|due| due <= self.stamper.now()) {
                let tick = Tick {
                    partitions: vec![partition.into()],
                };
                shard.proposer.propose(Operation::Tick(tick), None).await?;
            }
            let status = shard.board.status(partition);
            counters.visible += status.visible;
            counters.in_flight += status.in_flight;
            counters.delayed += status.delayed;
        }
        Ok(QueueDescription {
            info: (**queue).clone(),
            counters,
        })
    }

    fn request_id(&self) -> RequestId {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        RequestId(bytes)
    }
}

fn unexpected(outcome: &Outcome) -> ServiceError {
    internal(&format!("meta answered {outcome:?}"))
}
