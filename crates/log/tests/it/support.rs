//! What the tests share.

use std::sync::mpsc;

use bytes::Bytes;
use squorum_log::{Completion, Entry, GroupId, Log, LogError, LogId};

pub(crate) const GROUP: GroupId = GroupId(1);

pub(crate) fn entry(term: u64, index: u64, payload: impl Into<Bytes>) -> Entry {
    Entry {
        id: LogId { term, index },
        payload: payload.into(),
    }
}

/// Submits an operation and waits for its end.
pub(crate) fn wait(
    submit: impl FnOnce(Completion) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let (sender, receiver) = mpsc::channel();
    submit(Box::new(move |result| sender.send(result).unwrap()))?;
    receiver.recv().unwrap()
}

pub(crate) fn append(log: &Log, group: GroupId, entries: Vec<Entry>) -> Result<(), LogError> {
    wait(|done| log.append(group, entries, done))
}

/// All live entries of a group.
pub(crate) fn read_all(log: &Log, group: GroupId) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let next = all.last().map_or(0, |entry| entry.id.index + 1);
        let read = log.read(group, next..u64::MAX, 100_000).unwrap();
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}
