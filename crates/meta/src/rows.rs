//! Reading and writing single rows.

use prost::Message;
use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, Txn, View};
use squorum_types::service::MoveTask;
use squorum_types::{QueueId, QueueTags, ShardId, Timestamp};

use crate::command::encode_tags;
use crate::{Cluster, QueueKey, QueueRecord, Roster, WorkItem, WorkKind, keys};

pub(crate) fn corrupt(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Corruption(format!("{what} of meta: {error}"))
}

fn malformed(what: &'static str) -> impl Fn(MalformedError) -> StoreError {
    move |error| corrupt(what, error)
}

pub(crate) fn get<V: View, M: Message + Default>(
    view: &V,
    key: &[u8],
    what: &str,
) -> Result<Option<M>, StoreError> {
    let Some(value) = view.get(key)? else {
        return Ok(None);
    };
    M::decode(value)
        .map(Some)
        .map_err(|error| corrupt(what, error))
}

pub(crate) fn put<T: Txn>(txn: &mut T, key: Vec<u8>, row: &impl Message) {
    txn.put_bytes(key.into(), row.encode_to_vec().into());
}

pub(crate) fn get_cluster<V: View>(view: &V) -> Result<Option<Cluster>, StoreError> {
    let row: Option<proto::ClusterRow> = get(view, &keys::cluster(), "cluster row")?;
    row.map(Cluster::try_from)
        .transpose()
        .map_err(malformed("cluster row"))
}

/// Empty before the cluster is founded.
pub(crate) fn get_roster<V: View>(view: &V) -> Result<Roster, StoreError> {
    let row: Option<proto::RosterRow> = get(view, &keys::roster(), "roster row")?;
    let roster = row.map(Roster::try_from).transpose();
    Ok(roster.map_err(malformed("roster row"))?.unwrap_or_default())
}

pub(crate) fn get_queue<V: View>(
    view: &V,
    queue: QueueId,
) -> Result<Option<QueueRecord>, StoreError> {
    let row: Option<proto::QueueRow> = get(view, &keys::queue(queue), "queue row")?;
    row.map(|row| QueueRecord::try_from(&row))
        .transpose()
        .map_err(malformed("queue row"))
}

pub(crate) fn get_name<V: View>(view: &V, key: &[u8]) -> Result<Option<QueueId>, StoreError> {
    let row: Option<proto::NameRow> = get(view, key, "name row")?;
    Ok(row.map(|row| QueueId(row.queue)))
}

/// The queue that had a name last, and when it was deleted.
#[derive(Debug)]
pub(crate) struct DeletedName {
    pub(crate) at: Timestamp,
    pub(crate) record: QueueRecord,
}

pub(crate) fn get_deleted_name<V: View>(
    view: &V,
    queue: &QueueKey,
) -> Result<Option<DeletedName>, StoreError> {
    const WHAT: &str = "deleted name row";
    let row: Option<proto::DeletedNameRow> = get(view, &keys::deleted_name(queue), WHAT)?;
    let Some(row) = row else { return Ok(None) };
    let record = row.queue.as_ref().ok_or(MalformedError("queue"));
    let record = record
        .and_then(QueueRecord::try_from)
        .map_err(malformed(WHAT))?;
    let at = Timestamp(row.deleted_at_ms);
    Ok(Some(DeletedName { at, record }))
}

pub(crate) fn get_work<V: View>(
    view: &V,
    queue: QueueId,
    kind: WorkKind,
) -> Result<Option<WorkItem>, StoreError> {
    let row: Option<proto::WorkRow> = get(view, &keys::work(queue, kind), "work row")?;
    row.map(|row| work_item(queue, kind, &row)).transpose()
}

pub(crate) fn work_item(
    queue: QueueId,
    kind: WorkKind,
    row: &proto::WorkRow,
) -> Result<WorkItem, StoreError> {
    let shards = row.pending_shards.iter().map(|&shard| u16::try_from(shard));
    let pending_shards = shards
        .map(|shard| shard.map(ShardId))
        .collect::<Result<_, _>>()
        .map_err(|error| corrupt("work row", error))?;
    Ok(WorkItem {
        queue,
        kind,
        number: row.number,
        pending_shards,
    })
}

pub(crate) fn put_work<T: Txn>(txn: &mut T, item: &WorkItem) {
    let shards = item.pending_shards.iter();
    let row = proto::WorkRow {
        number: item.number,
        pending_shards: shards.map(|shard| shard.0.into()).collect(),
    };
    put(txn, keys::work(item.queue, item.kind), &row);
}

/// The last tasks of a dead-letter queue, the newest first.
pub(crate) fn get_move_tasks<V: View>(
    view: &V,
    queue: QueueId,
) -> Result<Vec<MoveTask>, StoreError> {
    const WHAT: &str = "move tasks row";
    let row: Option<proto::MoveTasksRow> = get(view, &keys::move_tasks(queue), WHAT)?;
    let tasks = row.unwrap_or_default().tasks;
    let tasks = tasks.iter().map(MoveTask::try_from);
    tasks.collect::<Result<_, _>>().map_err(malformed(WHAT))
}

/// Also notes whether one is active.
pub(crate) fn put_move_tasks<T: Txn>(txn: &mut T, queue: QueueId, tasks: &[MoveTask]) {
    let row = proto::MoveTasksRow {
        tasks: tasks.iter().map(Into::into).collect(),
    };
    put(txn, keys::move_tasks(queue), &row);
    if tasks.iter().any(|task| task.status.is_active()) {
        put(txn, keys::active_move(queue), &proto::ActiveMoveRow {});
    } else {
        txn.delete(&keys::active_move(queue));
    }
}

pub(crate) fn delete_move_tasks<T: Txn>(txn: &mut T, queue: QueueId) {
    txn.delete(&keys::move_tasks(queue));
    txn.delete(&keys::active_move(queue));
}

pub(crate) fn get_tags<V: View>(view: &V, queue: QueueId) -> Result<QueueTags, StoreError> {
    let row: Option<proto::TagsRow> = get(view, &keys::tags(queue), "tags row")?;
    let tags = row.unwrap_or_default().tags.into_iter();
    Ok(tags.map(|tag| (tag.key, tag.value)).collect())
}

/// A queue without tags has no row.
pub(crate) fn change_tags<T: Txn>(
    txn: &mut T,
    queue: QueueId,
    (before, after): (&QueueTags, &QueueTags),
) {
    let key = keys::tags(queue);
    if after.is_empty() && !before.is_empty() {
        txn.delete(&key);
    } else if after != before {
        let tags = encode_tags(after);
        put(txn, key, &proto::TagsRow { tags });
    }
}
