use squorum_proto::meta as proto;
use squorum_store::{Overlay, StoreError, View};
use squorum_types::{QueueId, ShardId, Timestamp};

use crate::{
    Applied, Cluster, QueueChange, QueueKey, QueueRecord, RequestId, Roster, WorkItem, WorkKind,
    keys, rows, work,
};

/// What every entry may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Time by the log: 0 before the first entry, then never back.
    pub(crate) clock: Timestamp,
    /// No queue has this id or a higher one.
    pub(crate) next_queue_id: u64,
    /// No deleted name is remembered from before this time.
    pub(crate) deleted_floor: Timestamp,
    /// Calls with these numbers are remembered: from the first to below the next.
    pub(crate) first_call: u64,
    pub(crate) next_call: u64,
}

/// One entry while it is applied. Nothing leaves it if the entry fails.
pub(crate) struct Context<'v, V> {
    pub(crate) txn: Overlay<'v, V>,
    pub(crate) state: State,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) applied: Applied,
}

impl<V: View> Context<'_, V> {
    /// Writes a queue's row and says that it changed.
    pub(crate) fn put_queue(&mut self, record: &QueueRecord) {
        let row = proto::QueueRow::from(record);
        rows::put(&mut self.txn, keys::queue(record.info.id), &row);
        self.changed(record);
    }

    /// Writes a queue whose attributes a call has changed, under a new version that its shards have
    /// to hear of.
    pub(crate) fn put_changed_attributes(
        &mut self,
        cluster: &Cluster,
        record: &mut QueueRecord,
        request_id: RequestId,
    ) {
        record.info.version += 1;
        record.info.modified_at = self.state.clock;
        record.set_by = Some(request_id);
        self.put_queue(record);
        self.add_work(cluster, record, WorkKind::Configure, record.info.version);
    }

    pub(crate) fn changed(&mut self, record: &QueueRecord) {
        self.applied.changed_queues.push(QueueChange {
            id: record.info.id,
            key: QueueKey::of(&record.info),
        });
    }

    /// Asks every shard that holds partitions of the queue for something, in place of what the
    /// same kind of work asked before.
    pub(crate) fn add_work(
        &mut self,
        cluster: &Cluster,
        record: &QueueRecord,
        kind: WorkKind,
        number: u64,
    ) {
        let queue = record.info.id;
        let shards = work::shards_of(queue, record.info.partition_count, cluster.shard_count);
        let pending_shards: Vec<ShardId> = shards.into_iter().collect();
        let item = WorkItem {
            queue,
            kind,
            number,
            pending_shards,
        };
        rows::put_work(&mut self.txn, &item);
        self.applied.new_work = true;
    }

    /// Nobody waits for this work any more.
    pub(crate) fn end_work(&mut self, item: &WorkItem) {
        let WorkItem { queue, kind, .. } = *item;
        squorum_store::Txn::delete(&mut self.txn, &keys::work(queue, kind));
        self.applied.ended_work.push((queue, kind, item.number));
    }

    pub(crate) fn roster(&self) -> Result<Roster, StoreError> {
        rows::get_roster(&self.txn)
    }

    /// Writes the roster under the next version.
    pub(crate) fn put_roster(&mut self, mut roster: Roster) {
        roster.version += 1;
        let row = proto::RosterRow::from(&roster);
        rows::put(&mut self.txn, keys::roster(), &row);
        self.applied.members_changed = true;
    }

    /// A queue that takes commands: neither unknown nor deleted.
    pub(crate) fn live_queue(&self, queue: QueueId) -> Result<Option<QueueRecord>, StoreError> {
        let record = rows::get_queue(&self.txn, queue)?;
        Ok(record.filter(|record| !record.dropping))
    }
}
