//! Where a task's messages go.

use squorum_meta::QueueKey;
use squorum_proto::queue::{MoveRoute, TransferTarget};
use squorum_store::Store;
use squorum_types::limits::LIST_QUEUES_MAX;
use squorum_types::service::{MoveFailure, Page, QueueInfo, ServiceError};

use super::Drive;
use super::pace::Pace;
use crate::routing;

impl<S: Store> Drive<'_, S> {
    /// The inner error is why the task fails.
    pub(super) async fn routes(
        &self,
        pace: &Pace,
    ) -> Result<Result<Vec<MoveRoute>, MoveFailure>, ServiceError> {
        if let Some(destination) = &self.task.destination {
            return match self.meta.find(&QueueKey::from(destination)).await {
                Ok(info) => Ok(Ok(vec![self.route(0, &info)])),
                Err(ServiceError::QueueDoesNotExist) => Ok(Err(MoveFailure::NoSuchQueue)),
                Err(error) => Err(error),
            };
        }
        let page = Page {
            after: None,
            count_max: LIST_QUEUES_MAX,
        };
        let key = QueueKey::of(self.info);
        let sources = self.meta.list_dead_letter_sources(&key, &page)?.queues;
        let mut routes: Vec<_> = sources
            .iter()
            .map(|source| self.route(source.id.0, source))
            .collect();
        for (origin, name) in &pace.origins {
            // Gone again? Then its messages have no route, and the task fails.
            let target = self.named(name).await?;
            routes.extend(target.map(|target| self.route(origin.0, &target)));
        }
        Ok(Ok(routes))
    }

    fn route(&self, origin: u64, target: &QueueInfo) -> MoveRoute {
        let target: TransferTarget = routing::transfer_target(target, self.shards.len() as u16);
        MoveRoute {
            origin,
            target: Some(target),
        }
    }
}
