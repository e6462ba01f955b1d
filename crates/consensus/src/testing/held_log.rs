use std::ops::Range;

use bytes::Bytes;
use parking_lot::Mutex;
use squorum_log::{Completion, Entry, GroupState, Log, LogError, LogId};
use squorum_types::GroupId;

use crate::EntryLog;

/// A log whose appends complete when a test says so.
pub struct HeldLog {
    log: Log,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    is_holding: bool,
    completions: Vec<(Completion, Result<(), LogError>)>,
}

impl HeldLog {
    pub fn new(log: Log) -> HeldLog {
        HeldLog {
            log,
            held: Mutex::default(),
        }
    }

    /// Appends from now on do not complete.
    pub fn hold(&self) {
        self.held.lock().is_holding = true;
    }

    /// Completes what was held, in order, and holds no longer.
    pub fn release(&self) {
        let mut held = self.held.lock();
        held.is_holding = false;
        for (completion, result) in held.completions.drain(..) {
            completion(result);
        }
    }

    /// Completes what is held with an error.
    pub fn fail(&self, error: &LogError) {
        for (completion, _) in self.held.lock().completions.drain(..) {
            completion(Err(error.clone()));
        }
    }

    /// Drops what is held, as a broken log might.
    pub fn forget(&self) {
        self.held.lock().completions.clear();
    }

    /// Appends that are held.
    pub fn held(&self) -> usize {
        self.held.lock().completions.len()
    }

    fn done(held: &Mutex<Held>, completion: Completion, result: Result<(), LogError>) {
        let mut held = held.lock();
        if held.is_holding {
            held.completions.push((completion, result));
        } else {
            completion(result);
        }
    }
}

impl std::fmt::Debug for HeldLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldLog")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

/// The log's own completion comes at once; the held one in its place, in the same order.
impl EntryLog for std::sync::Arc<HeldLog> {
    fn append(
        &self,
        group: GroupId,
        entries: Vec<Entry>,
        completion: Completion,
    ) -> Result<(), LogError> {
        let this = std::sync::Arc::clone(self);
        let done = move |result| HeldLog::done(&this.held, completion, result);
        EntryLog::append(&self.log, group, entries, Box::new(done))
    }

    fn truncate_after(&self, group: GroupId, kept: Option<LogId>) -> Result<(), LogError> {
        EntryLog::truncate_after(&self.log, group, kept)
    }

    fn purge(&self, group: GroupId, upto: LogId) -> Result<(), LogError> {
        EntryLog::purge(&self.log, group, upto)
    }

    fn save_vote(
        &self,
        group: GroupId,
        vote: Bytes,
        completion: Completion,
    ) -> Result<(), LogError> {
        EntryLog::save_vote(&self.log, group, vote, completion)
    }

    fn save_committed(&self, group: GroupId, committed: LogId) {
        EntryLog::save_committed(&self.log, group, committed);
    }

    fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, LogError> {
        EntryLog::read(&self.log, group, range, bytes_max)
    }

    fn state(&self, group: GroupId) -> GroupState {
        EntryLog::state(&self.log, group)
    }

    fn read_blocks(&self, group: GroupId, from: u64) -> bool {
        EntryLog::read_blocks(&self.log, group, from)
    }

    fn write_blocks(&self, bytes: usize) -> bool {
        EntryLog::write_blocks(&self.log, bytes)
    }
}
