//! DeleteMessage and DeleteMessageBatch; also what they share with ChangeMessageVisibility: handles.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Delete, DeliveryReference};
use squorum_store::Store;
use squorum_types::service::{MessageError, QueueInfo, ServiceError};
use squorum_types::{PartitionId, ReceiptHandle};

use super::call::{entry_results, message_error};
use crate::node::Inner;

type Results = Vec<Result<(), MessageError>>;

/// The entries of a call by the partition that their handles name, each with its position.
pub(super) type ByPartition = BTreeMap<PartitionId, Vec<(usize, DeliveryReference)>>;

impl<S: Store> Inner<S> {
    pub(crate) async fn delete(
        &self,
        queue: &Arc<QueueInfo>,
        handles: &[String],
    ) -> Result<Results, ServiceError> {
        let handles = handles.iter().map(String::as_str);
        let (by_partition, results) = self.sort_handles(queue, handles);
        let calls = by_partition
            .into_iter()
            .map(|(partition, entries)| async move {
                let make = |queue: &QueueInfo| {
                    let deliveries = entries.iter().map(|(_, delivery)| *delivery).collect();
                    let partition = Some(partition.into());
                    Operation::Delete(Delete {
                        partition,
                        version: queue.version,
                        deliveries,
                    })
                };
                let answered = self.call(queue, partition, None, make).await;
                let expired = MessageError::ReceiptHandleExpired;
                let result = answered.and_then(|answered| entry_results(answered, expired));
                (entries, result)
            });
        merge(results, join_all(calls).await)
    }

    /// Reads handles; those that are none of this queue's are answered at once.
    pub(super) fn sort_handles<'a>(
        &self,
        queue: &QueueInfo,
        handles: impl Iterator<Item = &'a str>,
    ) -> (ByPartition, Results) {
        let mut by_partition = ByPartition::new();
        let mut results = Vec::new();
        for (position, text) in handles.enumerate() {
            let handle = ReceiptHandle::decode(text, &self.cluster.receipt_handle_key);
            match handle {
                Ok(handle) if handle.partition.queue == queue.id => {
                    let ReceiptHandle {
                        partition,
                        seq,
                        delivery_number,
                    } = handle;
                    let delivery = DeliveryReference {
                        seq,
                        delivery_number,
                    };
                    by_partition
                        .entry(partition)
                        .or_default()
                        .push((position, delivery));
                    results.push(Ok(()));
                }
                _ => results.push(Err(MessageError::ReceiptHandleInvalid)),
            }
        }
        (by_partition, results)
    }
}

/// What a partition answered for its entries.
pub(super) type Answer = (
    Vec<(usize, DeliveryReference)>,
    Result<Results, ServiceError>,
);

/// Puts the partitions' answers in the order of the call's entries. A failure is the whole call's
/// only if no entry has an answer of its own.
pub(super) fn merge(mut results: Results, answers: Vec<Answer>) -> Result<Results, ServiceError> {
    let mut failed = 0;
    let mut failure = None;
    for (entries, answer) in answers {
        match answer {
            Ok(answer) => {
                for ((position, _), result) in entries.iter().zip(answer) {
                    results[*position] = result;
                }
            }
            Err(error) => {
                for (position, _) in &entries {
                    results[*position] = Err(message_error(&error));
                }
                failed += entries.len();
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if failed == results.len() => Err(error),
        _ => Ok(results),
    }
}
