//! Lookups in a replica, over any view: a snapshot, or the live store, where a queue that is
//! deleted meanwhile counts as not found.

use std::ops::Range;
use std::sync::Arc;

use squorum_proto::meta as proto;
use squorum_store::{Cursor, StoreError, View};
use squorum_types::limits::LIST_QUEUES_MAX;
use squorum_types::service::{MoveTask, QueueList};
use squorum_types::{AccountId, QueueId, QueueName, QueueTags, Region};

use crate::{Cluster, QueueKey, QueueRecord, Roster, WorkItem, WorkKind, keys, rows};

/// `None` until the cluster is founded.
pub fn cluster<V: View>(view: &V) -> Result<Option<Cluster>, StoreError> {
    rows::get_cluster(view)
}

/// The members; none until the cluster is founded.
pub fn roster<V: View>(view: &V) -> Result<Roster, StoreError> {
    rows::get_roster(view)
}

/// The queue that the name leads to.
pub fn find_queue<V: View>(
    view: &V,
    account: &AccountId,
    region: &Region,
    name: &QueueName,
) -> Result<Option<QueueRecord>, StoreError> {
    match rows::get_name(view, &keys::name(account, region, name))? {
        Some(queue) => live_queue(view, queue),
        None => Ok(None),
    }
}

/// A queue by its id; one that is dropping too, until every shard has dropped it.
pub fn queue<V: View>(view: &V, queue: QueueId) -> Result<Option<QueueRecord>, StoreError> {
    rows::get_queue(view, queue)
}

fn live_queue<V: View>(view: &V, queue: QueueId) -> Result<Option<QueueRecord>, StoreError> {
    let record = rows::get_queue(view, queue)?;
    Ok(record.filter(|record| !record.dropping))
}

/// Queues whose names begin with `prefix`, in the order of names (bytes), above `after`; at most
/// `count_max` and never more than [`LIST_QUEUES_MAX`].
pub fn list_queues<V: View>(
    view: &V,
    account: &AccountId,
    region: &Region,
    prefix: &str,
    after: Option<&QueueName>,
    count_max: usize,
) -> Result<QueueList, StoreError> {
    let range = keys::names(account, region, prefix, after);
    list(view, range, count_max)
}

/// Queues whose dead letters go to the one of this name, in the order of names (bytes), above
/// `after`; at most `count_max` and never more than [`LIST_QUEUES_MAX`].
pub fn list_dead_letter_sources<V: View>(
    view: &V,
    target: &QueueKey,
    after: Option<&QueueName>,
    count_max: usize,
) -> Result<QueueList, StoreError> {
    list(view, keys::dead_letter_sources(target, after), count_max)
}

/// The queues that a range's name rows lead to.
fn list<V: View>(
    view: &V,
    range: Range<Vec<u8>>,
    count_max: usize,
) -> Result<QueueList, StoreError> {
    let count_max = count_max.min(LIST_QUEUES_MAX);
    let mut cursor = view.scan(&range.start..&range.end)?;
    let mut queues = Vec::new();
    // Bounded by the rows of the cursor, which sees one state of the view.
    while cursor.advance()? {
        if queues.len() == count_max {
            return Ok(QueueList { queues, more: true });
        }
        let value = cursor.value_bytes().unwrap_or_default();
        let name: proto::NameRow =
            prost::Message::decode(value).map_err(|error| rows::corrupt("name row", error))?;
        if let Some(record) = live_queue(view, QueueId(name.queue))? {
            queues.push(Arc::new(record.info));
        }
    }
    Ok(QueueList {
        queues,
        more: false,
    })
}

/// The tags of a queue that is not deleted; `None` if there is no such queue.
pub fn tags<V: View>(view: &V, queue: QueueId) -> Result<Option<QueueTags>, StoreError> {
    match live_queue(view, queue)? {
        Some(_) => rows::get_tags(view, queue).map(Some),
        None => Ok(None),
    }
}

/// Work that is not done, in the order of queue and kind, above `after`.
pub fn work<V: View>(
    view: &V,
    after: Option<(QueueId, WorkKind)>,
    count_max: usize,
) -> Result<Vec<WorkItem>, StoreError> {
    let range = keys::work_after(after);
    let mut cursor = view.scan(&range.start..&range.end)?;
    let mut items = Vec::new();
    while items.len() < count_max && cursor.advance()? {
        let Some((key, _)) = cursor.row() else { break };
        let parsed = keys::parse_work(key);
        let (queue, kind) = parsed.ok_or_else(|| rows::corrupt("work row", "malformed key"))?;
        let value = cursor.value_bytes().unwrap_or_default();
        let row: proto::WorkRow =
            prost::Message::decode(value).map_err(|error| rows::corrupt("work row", error))?;
        items.push(rows::work_item(queue, kind, &row)?);
    }
    Ok(items)
}

/// What shards still have to hear about one queue in this way, `None` if nothing.
pub fn work_of<V: View>(
    view: &V,
    queue: QueueId,
    kind: WorkKind,
) -> Result<Option<WorkItem>, StoreError> {
    rows::get_work(view, queue, kind)
}

/// The last tasks that sent a dead-letter queue's messages on, the newest first.
pub fn move_tasks<V: View>(view: &V, queue: QueueId) -> Result<Vec<MoveTask>, StoreError> {
    rows::get_move_tasks(view, queue)
}

/// Queues with an active task; at most `count_max`.
pub fn active_moves<V: View>(view: &V, count_max: usize) -> Result<Vec<QueueId>, StoreError> {
    let range = keys::active_moves();
    let mut cursor = view.scan(&range.start..&range.end)?;
    let mut queues = Vec::new();
    while queues.len() < count_max
        && let Some((key, _)) = cursor.next()?
    {
        let queue = keys::parse_active_move(key);
        queues.push(queue.ok_or_else(|| rows::corrupt("active move row", "malformed key"))?);
    }
    Ok(queues)
}
