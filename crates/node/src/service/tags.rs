//! Tags of queues: meta alone knows them.

use squorum_meta::command::{TagQueue, TagsOutcome, UntagQueue};
use squorum_meta::{Command, Outcome};
use squorum_store::Store;
use squorum_types::QueueTags;
use squorum_types::service::{QueueInfo, ServiceError};

use super::queues::unexpected;
use crate::node::Inner;

impl<S: Store> Inner<S> {
    pub(crate) async fn tag_queue(
        &self,
        queue: &QueueInfo,
        tags: QueueTags,
    ) -> Result<(), ServiceError> {
        let tag = TagQueue {
            queue: queue.id,
            tags,
        };
        self.change_tags(queue, Command::TagQueue(Box::new(tag)))
            .await
    }

    pub(crate) async fn untag_queue(
        &self,
        queue: &QueueInfo,
        keys: Vec<String>,
    ) -> Result<(), ServiceError> {
        let untag = UntagQueue {
            queue: queue.id,
            keys,
        };
        self.change_tags(queue, Command::UntagQueue(Box::new(untag)))
            .await
    }

    async fn change_tags(&self, queue: &QueueInfo, command: Command) -> Result<(), ServiceError> {
        match self.meta.propose(&command).await? {
            Outcome::Tags(TagsOutcome::Changed) => Ok(()),
            Outcome::Tags(TagsOutcome::TooMany) => Err(ServiceError::TooManyTags {
                queue: queue.name.clone(),
            }),
            Outcome::Tags(TagsOutcome::NoSuchQueue) => Err(ServiceError::QueueDoesNotExist),
            other => Err(unexpected(&other)),
        }
    }

    /// The tags as every acknowledged change left them.
    pub(crate) async fn list_queue_tags(
        &self,
        queue: &QueueInfo,
    ) -> Result<QueueTags, ServiceError> {
        self.meta.confirm().await?;
        let tags = self.meta.tags(queue.id)?;
        tags.ok_or(ServiceError::QueueDoesNotExist)
    }
}
