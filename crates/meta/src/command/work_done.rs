use std::collections::BTreeSet;

use squorum_proto::meta::work_done::Kind;
use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, Txn, View};
use squorum_types::{QueueId, ShardId};

use crate::context::Context;
use crate::{WorkKind, keys, rows};

/// The controller's report that shards have applied what a work item asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkDone {
    pub queue: QueueId,
    pub kind: WorkKind,
    /// Of the item that was done.
    pub number: u64,
    /// Shards that have applied it, `None`: all that it waits for.
    pub shards: Option<BTreeSet<ShardId>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkDoneOutcome {
    /// No shard is left.
    Ended,
    /// These are left.
    Pending(Vec<ShardId>),
    /// There is no such item (any more): it ended, or a later one took its place.
    Stale,
}

impl From<&WorkDone> for proto::WorkDone {
    fn from(done: &WorkDone) -> Self {
        let kind = match done.kind {
            WorkKind::Configure => Kind::Configure(done.number),
            WorkKind::Purge => Kind::Purge(done.number),
            WorkKind::Drop => Kind::Drop(proto::WorkDrop {}),
        };
        let shards = done.shards.iter().flatten();
        proto::WorkDone {
            queue: done.queue.0,
            kind: Some(kind),
            shards: shards.map(|shard| shard.0.into()).collect(),
            all_shards: done.shards.is_none(),
        }
    }
}

impl WorkDone {
    pub(super) fn decode(done: &proto::WorkDone, kind: Kind) -> Result<WorkDone, MalformedError> {
        let (kind, number) = match kind {
            Kind::Configure(version) => (WorkKind::Configure, version),
            Kind::Purge(purge_id) => (WorkKind::Purge, purge_id),
            Kind::Drop(_) => (WorkKind::Drop, 0),
        };
        let shards = done.shards.iter().map(|&shard| {
            let shard = u16::try_from(shard).map_err(|_| MalformedError("shard"));
            shard.map(ShardId)
        });
        let shards = shards.collect::<Result<BTreeSet<_>, _>>()?;
        Ok(WorkDone {
            queue: QueueId(done.queue),
            kind,
            number,
            shards: (!done.all_shards).then_some(shards),
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<WorkDoneOutcome, StoreError> {
        let item = rows::get_work(&context.txn, self.queue, self.kind)?;
        let Some(mut item) = item.filter(|item| item.number == self.number) else {
            return Ok(WorkDoneOutcome::Stale);
        };
        item.pending_shards.retain(|shard| match &self.shards {
            Some(done) => !done.contains(shard),
            None => false,
        });
        if !item.pending_shards.is_empty() {
            rows::put_work(&mut context.txn, &item);
            return Ok(WorkDoneOutcome::Pending(item.pending_shards));
        }
        context.end_work(&item);
        if self.kind == WorkKind::Drop {
            let record = rows::get_queue(&context.txn, self.queue)?;
            let record = record.expect("a queue's row stays until it is dropped everywhere");
            assert!(record.dropping, "only a deleted queue is dropped");
            context.txn.delete(&keys::queue(self.queue));
            context.changed(&record);
        }
        Ok(WorkDoneOutcome::Ended)
    }
}
