//! ChangeMessageVisibility and ChangeMessageVisibilityBatch.

use std::sync::Arc;

use futures::future::join_all;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{ChangeVisibility, VisibilityChange};
use squorum_store::Store;
use squorum_types::service::{ChangeVisibilityEntry, MessageError, QueueInfo, ServiceError};

use super::call::entry_results;
use super::delete::merge;
use crate::node::Inner;

impl<S: Store> Inner<S> {
    pub(crate) async fn change_visibility(
        &self,
        queue: &Arc<QueueInfo>,
        entries: &[ChangeVisibilityEntry],
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        let handles = entries.iter().map(|entry| entry.handle.as_str());
        let (by_partition, results) = self.sort_handles(queue, handles);
        let calls = by_partition
            .into_iter()
            .map(|(partition, sorted)| async move {
                let changes = sorted.iter().map(|(position, delivery)| {
                    let seconds = entries[*position].visibility_timeout_seconds;
                    let visibility_timeout_ms = u64::from(seconds) * 1000;
                    VisibilityChange {
                        delivery: Some(*delivery),
                        visibility_timeout_ms,
                    }
                });
                let changes: Vec<_> = changes.collect();
                let make = |queue: &QueueInfo| {
                    let (partition, version) = (Some(partition.into()), queue.version);
                    let changes = changes.clone();
                    Operation::ChangeVisibility(ChangeVisibility {
                        partition,
                        version,
                        changes,
                    })
                };
                let answered = self.call(queue, partition, None, make).await;
                let expired = MessageError::MessageNotAvailable;
                let result = answered.and_then(|answered| entry_results(answered, expired));
                (sorted, result)
            });
        merge(results, join_all(calls).await)
    }
}
