//! Queues themselves: meta decides, the shards hear of it, then the client is answered.

use std::sync::Arc;

use futures::future::try_join_all;
use squorum_meta::command::{
    CreateQueue as CreateQueueCommand, CreateQueueOutcome, DeleteQueue, DeleteQueueOutcome, Purge,
    PurgeOutcome, RequestId, SetAttributes, SetAttributesOutcome,
};
use squorum_meta::{Command, Outcome, QueueKey, WorkKind, plan};
use squorum_proto::gateway::Counts;
use squorum_store::Store;
use squorum_types::service::{
    CreateQueue, ListQueues, Page, QueueCounters, QueueDescription, QueueInfo, QueueList,
    ServiceError,
};
use squorum_types::{
    AccountId, AttributeChanges, Caller, NodeId, PartitionId, QueueName, RedrivePolicy,
    RedriveRefusal,
};
use tokio::time::Instant;

use super::call::internal;
use crate::node::Inner;
use crate::routing;
use crate::shard::HOLD;

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
            tags,
        } = request;
        let policy = attributes.redrive_policy.clone();
        let (account, region) = (caller.account.clone(), caller.region.clone());
        let shard_count = self.cluster.shard_count;
        let node_count = self.roster.get().active().count();
        let node_count = u16::try_from(node_count).unwrap_or(u16::MAX);
        let partition_count = plan::partition_count(&attributes, shard_count, node_count);
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
            tags,
            allows_recent_deletion: self.immediate_recreate_and_purge,
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
            CreateQueueOutcome::TagsDiffer => Err(ServiceError::QueueTagsDiffer),
            CreateQueueOutcome::RedriveRefused(refusal) => Err(refused(policy, refusal)),
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
        self.meta.confirm().await?;
        self.meta.list(&caller.account, &caller.region, request)
    }

    pub(crate) async fn list_dead_letter_sources(
        &self,
        queue: &QueueInfo,
        page: &Page,
    ) -> Result<QueueList, ServiceError> {
        self.meta.confirm().await?;
        let key = QueueKey::of(queue);
        self.meta.list_dead_letter_sources(&key, page)
    }

    pub(crate) async fn delete_queue(&self, queue: &QueueInfo) -> Result<(), ServiceError> {
        let command = Command::DeleteQueue(DeleteQueue { queue: queue.id });
        match self.meta.propose(&command).await? {
            Outcome::DeleteQueue(DeleteQueueOutcome::Dropping) => {
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
        let policy = changes.redrive_policy.clone().flatten();
        let set = SetAttributes {
            queue: queue.id,
            changes,
            request_id,
            refuses_conflicts: true,
        };
        match self
            .meta
            .propose(&Command::SetAttributes(Box::new(set)))
            .await?
        {
            Outcome::SetAttributes(SetAttributesOutcome::Set) => {
                self.controller.drive(queue.id, WorkKind::Configure).await
            }
            Outcome::SetAttributes(SetAttributesOutcome::Conflict(conflict)) => {
                Err(ServiceError::AttributesConflict(conflict))
            }
            Outcome::SetAttributes(SetAttributesOutcome::RedriveRefused(refusal)) => {
                Err(refused(policy, refusal))
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
            allows_recent_purge: self.immediate_recreate_and_purge,
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

    /// The queue as every acknowledged change left it, with its counters.
    pub(crate) async fn describe_queue(
        &self,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueDescription, ServiceError> {
        self.meta.confirm().await?;
        let current = self.meta.queue(queue.id)?;
        let queue = current.ok_or(ServiceError::QueueDoesNotExist)?;
        let deadline = Instant::now() + HOLD;
        let counts = routing::partitions(&queue).map(|partition| self.count(partition, deadline));
        let mut counters = QueueCounters::default();
        for counts in try_join_all(counts).await? {
            counters.visible += counts.visible;
            counters.in_flight += counts.in_flight;
            counters.delayed += counts.delayed;
        }
        Ok(QueueDescription {
            info: (*queue).clone(),
            counters,
        })
    }

    /// A partition's counters, from whoever leads its shard.
    async fn count(
        &self,
        partition: PartitionId,
        deadline: Instant,
    ) -> Result<Counts, ServiceError> {
        let here = || self.count_here(partition);
        let there = |leader| self.leaders.count(leader, partition, deadline);
        self.ask_leader(partition, deadline, here, there).await
    }

    /// A partition's counters, after what is due has happened. `Err` names the leader instead, if
    /// another node is known to lead.
    pub(crate) async fn count_here(
        &self,
        partition: PartitionId,
    ) -> Result<Counts, Option<NodeId>> {
        let shard = self.shard_of(partition).map_err(|_| None)?;
        self.let_due_happen(shard, partition).await?;
        let status = shard.board.status(partition);
        Ok(Counts {
            visible: status.visible,
            in_flight: status.in_flight,
            delayed: status.delayed,
        })
    }

    pub(super) fn request_id(&self) -> RequestId {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        RequestId(bytes)
    }
}

fn refused(policy: Option<RedrivePolicy>, refusal: RedriveRefusal) -> ServiceError {
    let text = policy.map(|policy| policy.text).unwrap_or_default();
    ServiceError::RedrivePolicyRefused { text, refusal }
}

pub(super) fn unexpected(outcome: &Outcome) -> ServiceError {
    internal(&format!("meta answered {outcome:?}"))
}
