//! Keys of meta's rows: the group's id (0, four bytes, big-endian), a table's byte, and what the
//! table is ordered by. Part of the persisted format: never change.
//!
//! Byte 0 is consensus' own; 17-31 are reserved for nodes and placement, 32-47 for topics and
//! subscriptions, 48-63 for users and policies, 65-71 for tags.

use std::ops::Range;

use bytes::Bytes;
use squorum_types::{AccountId, GroupId, QueueId, QueueName, Region, Timestamp};

use crate::{QueueKey, RequestId, WorkKind};

const STATE: u8 = 1;
const DIGEST: u8 = 2;
const CLUSTER: u8 = 3;
/// Queue id → `QueueRow`.
const QUEUES: u8 = 4;
/// Account, region, name → `NameRow`.
const NAMES: u8 = 5;
/// Account, region, name → `DeletedNameRow`.
const DELETED_NAMES: u8 = 6;
/// Time of deletion, account, region, name → nothing.
const DELETED_TIMES: u8 = 7;
/// Queue id, kind → `WorkRow`.
const WORK: u8 = 8;
/// Account, region, name of a dead-letter queue, then of a source → `NameRow` of the source.
const DEAD_LETTER_SOURCES: u8 = 9;
/// Queue id → `MoveTasksRow`.
const MOVE_TASKS: u8 = 10;
/// Queue id → `ActiveMoveRow`.
const ACTIVE_MOVES: u8 = 11;
/// Call id → `CallRow`.
const CALLS: u8 = 12;
/// Number of a call → its id, 16 bytes.
const CALL_NUMBERS: u8 = 13;
/// → `RosterRow`.
const ROSTER: u8 = 16;
/// Queue id → `TagsRow`.
const TAGS: u8 = 64;

/// Separates texts of varying length; no account, region or queue name has it.
const SEPARATOR: u8 = 0;

/// Everything that the control group keeps, consensus' own rows included.
pub fn key_range() -> Range<Bytes> {
    let start = GroupId::META.0.to_be_bytes();
    let end = (GroupId::META.0 + 1).to_be_bytes();
    Bytes::copy_from_slice(&start)..Bytes::copy_from_slice(&end)
}

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.extend_from_slice(&GroupId::META.0.to_be_bytes());
    key.push(table);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub(crate) fn state() -> Vec<u8> {
    key(STATE, &[])
}

pub(crate) fn digest() -> Vec<u8> {
    key(DIGEST, &[])
}

pub(crate) fn roster() -> Vec<u8> {
    key(ROSTER, &[])
}

pub(crate) fn cluster() -> Vec<u8> {
    key(CLUSTER, &[])
}

pub(crate) fn queue(queue: QueueId) -> Vec<u8> {
    key(QUEUES, &[&queue.0.to_be_bytes()])
}

/// The part of a key that names a queue.
fn path(account: &AccountId, region: &Region, name: &str) -> Vec<u8> {
    let texts = [account.as_str(), region.as_str(), name];
    texts.join("\0").into_bytes()
}

fn path_of(key: &QueueKey) -> Vec<u8> {
    path(&key.account, &key.region, key.name.as_str())
}

pub(crate) fn name(account: &AccountId, region: &Region, name: &QueueName) -> Vec<u8> {
    key(NAMES, &[&path(account, region, name.as_str())])
}

pub(crate) fn name_of(queue: &QueueKey) -> Vec<u8> {
    key(NAMES, &[&path_of(queue)])
}

/// Names with `prefix`, above `after`.
pub(crate) fn names(
    account: &AccountId,
    region: &Region,
    prefix: &str,
    after: Option<&QueueName>,
) -> Range<Vec<u8>> {
    let first = key(NAMES, &[&path(account, region, prefix)]);
    let mut end = first.clone();
    // No text in UTF-8 ends with 0xff, so this is the first key that has another prefix.
    *end.last_mut().expect("a key is never empty") += 1;
    let start = match after {
        Some(after) => {
            let mut next = name(account, region, after);
            next.push(SEPARATOR);
            next.max(first)
        }
        None => first,
    };
    start..end
}

/// Both are of one account and region.
pub(crate) fn dead_letter_source(target: &QueueKey, source: &QueueKey) -> Vec<u8> {
    let parts: [&[u8]; 3] = [
        &path_of(target),
        &[SEPARATOR],
        source.name.as_str().as_bytes(),
    ];
    key(DEAD_LETTER_SOURCES, &parts)
}

/// The sources of a dead-letter queue whose names are above `after`.
pub(crate) fn dead_letter_sources(target: &QueueKey, after: Option<&QueueName>) -> Range<Vec<u8>> {
    let first = key(DEAD_LETTER_SOURCES, &[&path_of(target), &[SEPARATOR]]);
    let end = key(DEAD_LETTER_SOURCES, &[&path_of(target), &[SEPARATOR + 1]]);
    let start = match after {
        Some(after) => [&first[..], after.as_str().as_bytes(), &[SEPARATOR]].concat(),
        None => first,
    };
    start..end
}

pub(crate) fn tags(queue: QueueId) -> Vec<u8> {
    key(TAGS, &[&queue.0.to_be_bytes()])
}

pub(crate) fn call(call: RequestId) -> Vec<u8> {
    key(CALLS, &[&call.0])
}

pub(crate) fn call_number(number: u64) -> Vec<u8> {
    key(CALL_NUMBERS, &[&number.to_be_bytes()])
}

pub(crate) fn move_tasks(queue: QueueId) -> Vec<u8> {
    key(MOVE_TASKS, &[&queue.0.to_be_bytes()])
}

pub(crate) fn active_move(queue: QueueId) -> Vec<u8> {
    key(ACTIVE_MOVES, &[&queue.0.to_be_bytes()])
}

pub(crate) fn active_moves() -> Range<Vec<u8>> {
    key(ACTIVE_MOVES, &[])..key(ACTIVE_MOVES + 1, &[])
}

/// The queue in a key of [`active_moves`].
pub(crate) fn parse_active_move(row: &[u8]) -> Option<QueueId> {
    let queue = row.get(5..)?.try_into().ok()?;
    Some(QueueId(u64::from_be_bytes(queue)))
}

pub(crate) fn deleted_name(queue: &QueueKey) -> Vec<u8> {
    key(DELETED_NAMES, &[&path_of(queue)])
}

pub(crate) fn deleted_time(at: Timestamp, queue: &QueueKey) -> Vec<u8> {
    key(DELETED_TIMES, &[&at.0.to_be_bytes(), &path_of(queue)])
}

/// Deletions from `first` to `last`, both included.
pub(crate) fn deleted_times(first: Timestamp, last: Timestamp) -> Range<Vec<u8>> {
    let start = key(DELETED_TIMES, &[&first.0.to_be_bytes()]);
    let end = match last.0.checked_add(1) {
        Some(next) => key(DELETED_TIMES, &[&next.to_be_bytes()]),
        None => key(DELETED_TIMES + 1, &[]),
    };
    start..end
}

/// The time in a key of [`deleted_times`] and the key of the row about the same name.
pub(crate) fn parse_deleted_time(row: &[u8]) -> Option<(Timestamp, Vec<u8>)> {
    let (time, path) = row.get(5..)?.split_first_chunk()?;
    let at = Timestamp(u64::from_be_bytes(*time));
    Some((at, key(DELETED_NAMES, &[path])))
}

pub(crate) fn work(queue: QueueId, kind: WorkKind) -> Vec<u8> {
    key(WORK, &[&queue.0.to_be_bytes(), &[kind.code()]])
}

/// Work of all queues above `after`.
pub(crate) fn work_after(after: Option<(QueueId, WorkKind)>) -> Range<Vec<u8>> {
    let start = match after {
        Some((queue, kind)) => {
            let mut next = work(queue, kind);
            next.push(0);
            next
        }
        None => key(WORK, &[]),
    };
    start..key(WORK + 1, &[])
}

pub(crate) fn parse_work(row: &[u8]) -> Option<(QueueId, WorkKind)> {
    let (queue, kind) = row.get(5..)?.split_first_chunk()?;
    let [kind] = kind else { return None };
    Some((
        QueueId(u64::from_be_bytes(*queue)),
        WorkKind::from_code(*kind)?,
    ))
}
