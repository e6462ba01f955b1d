use squorum_proto::meta as proto;
use squorum_store::{StoreError, Txn, View};
use squorum_types::{QueueId, QueueTags};

use super::redrive;
use crate::context::Context;
use crate::{Cluster, QueueKey, WorkKind, deleted_names, keys, rows};

/// Takes a queue's name away at once and has its shards drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteQueue {
    pub queue: QueueId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteQueueOutcome {
    /// By this command, an earlier one of the same call, or another call that is not done yet: the
    /// work item says which shards have not dropped it.
    Dropping,
    /// Every shard has dropped it, for another call.
    Dropped,
    /// No queue ever had this id.
    NoSuchQueue,
}

impl From<&DeleteQueue> for proto::DeleteQueue {
    fn from(delete: &DeleteQueue) -> Self {
        proto::DeleteQueue {
            queue: delete.queue.0,
        }
    }
}

impl From<&proto::DeleteQueue> for DeleteQueue {
    fn from(delete: &proto::DeleteQueue) -> Self {
        DeleteQueue {
            queue: QueueId(delete.queue),
        }
    }
}

impl DeleteQueue {
    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<DeleteQueueOutcome, StoreError> {
        let Some(mut record) = rows::get_queue(&context.txn, self.queue)? else {
            let given = (1..context.state.next_queue_id).contains(&self.queue.0);
            return Ok(if given {
                DeleteQueueOutcome::Dropped
            } else {
                DeleteQueueOutcome::NoSuchQueue
            });
        };
        if !record.dropping {
            record.dropping = true;
            context.put_queue(&record);
            let key = QueueKey::of(&record.info);
            context.txn.delete(&keys::name_of(&key));
            let policy = record.info.attributes.redrive_policy.as_ref();
            if !rows::get_move_tasks(&context.txn, self.queue)?.is_empty() {
                rows::delete_move_tasks(&mut context.txn, self.queue);
            }
            let tags = rows::get_tags(&context.txn, self.queue)?;
            let tags = (&tags, &QueueTags::new());
            rows::change_tags(&mut context.txn, self.queue, tags);
            redrive::retarget(context, (&key, self.queue), policy, None);
            deleted_names::remember(context, &record)?;
            // A shard that drops the queue needs neither new settings nor a purge.
            for kind in [WorkKind::Configure, WorkKind::Purge] {
                if let Some(item) = rows::get_work(&context.txn, self.queue, kind)? {
                    context.end_work(&item);
                }
            }
            context.add_work(cluster, &record, WorkKind::Drop, 0);
        }
        Ok(DeleteQueueOutcome::Dropping)
    }
}
