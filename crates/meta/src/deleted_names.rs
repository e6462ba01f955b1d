//! Names of deleted queues are remembered for 60 s: the name stays blocked (unless the cluster's
//! settings say otherwise), and a late retry of the creation finds out that it had happened.
//!
//! Invariant: a row of the index by time exists exactly for each row of the names, and none lies
//! below `State::deleted_floor`, so that a sweep never walks over rows that are gone.

use squorum_proto::meta as proto;
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::Timestamp;
use squorum_types::limits::QUEUE_DELETED_BLOCK_MS;

use crate::context::Context;
use crate::{QueueKey, QueueRecord, keys, rows};

/// Names that one entry forgets at most.
const SWEEP_NAMES_PER_ENTRY: usize = 64;

pub(crate) fn remember<V: View>(
    context: &mut Context<'_, V>,
    record: &QueueRecord,
) -> Result<(), StoreError> {
    let key = QueueKey::of(&record.info);
    if let Some(before) = rows::get_deleted_name(&context.txn, &key)? {
        context.txn.delete(&keys::deleted_time(before.at, &key));
    }
    let at = context.state.clock;
    let row = proto::DeletedNameRow {
        deleted_at_ms: at.0,
        queue: Some(record.into()),
    };
    rows::put(&mut context.txn, keys::deleted_name(&key), &row);
    context.txn.put(&keys::deleted_time(at, &key), &[]);
    Ok(())
}

/// Whether a name deleted `at` is still blocked.
pub(crate) fn is_blocked(clock: Timestamp, at: Timestamp) -> bool {
    clock.ms_since(at) < QUEUE_DELETED_BLOCK_MS
}

/// Forgets names whose time is over, some of them: `background_work` says that there are more.
pub(crate) fn sweep<V: View>(context: &mut Context<'_, V>) -> Result<(), StoreError> {
    let state = &mut context.state;
    let Some(due) = state.clock.0.checked_sub(QUEUE_DELETED_BLOCK_MS) else {
        return Ok(());
    };
    let due = Timestamp(due);
    if state.deleted_floor > due {
        return Ok(());
    }
    let range = keys::deleted_times(state.deleted_floor, due);
    let mut forgotten = Vec::new();
    let mut cursor = context.txn.scan(&range.start..&range.end)?;
    while forgotten.len() < SWEEP_NAMES_PER_ENTRY
        && let Some((key, _)) = cursor.next()?
    {
        let parsed = keys::parse_deleted_time(key);
        let (at, name) = parsed.ok_or_else(|| rows::corrupt("deleted time", "malformed key"))?;
        forgotten.push((at, key.to_vec(), name));
    }
    drop(cursor);
    state.deleted_floor = match forgotten.last() {
        Some(&(at, ..)) if forgotten.len() == SWEEP_NAMES_PER_ENTRY => at,
        _ => due.plus_ms(1),
    };
    context.applied.background_work = state.deleted_floor <= due;
    for (_, time, name) in forgotten {
        context.txn.delete(&time);
        context.txn.delete(&name);
    }
    Ok(())
}
