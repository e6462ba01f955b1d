//! What submitters, readers and the writer share: submitted state, queue, tails, index.
//!
//! 1. Everything here changes in the order of submission, under one lock; no file is touched under
//!    it.
//! 2. The queue is drained in that order, by the writer alone.
//! 3. Once `failure` is set nothing enters the queue, and it never changes again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use squorum_types::GroupId;

use crate::entry::{Entry, LogId};
use crate::error::LogError;
use crate::fs::File;
use crate::group::{GroupRecord, GroupState};
use crate::health::Health;
use crate::index::Positions;
use crate::log::Completion;
use crate::operation::Operation;
use crate::options::{Options, PlantedBug};
use crate::recovery::Recovered;
use crate::tail::Tails;
use crate::writer::{Event, Figures, Writer};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// The queue has work, or the log is closing.
    pub(crate) work: Condvar,
    /// The queue has room, or will never have it again.
    pub(crate) room: Condvar,
    pub(crate) options: Options,
}

/// One submitted operation.
pub(crate) struct Submission {
    operation: Operation,
    bytes: usize,
    /// The newest entry's ticket when this was submitted.
    ticket: u64,
    done: Completion,
}

/// What the writer takes at once.
pub(crate) struct Batch {
    pub(crate) operations: Vec<Operation>,
    pub(crate) done: Vec<Completion>,
    pub(crate) ticket: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) record: GroupRecord,
    pub(crate) positions: Positions,
}

pub(crate) struct State {
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) files: BTreeMap<u64, Arc<dyn File>>,
    pub(crate) tails: Tails,
    /// Entries up to this ticket are synced.
    synced: u64,
    pub(crate) queue: VecDeque<Submission>,
    queued_bytes: usize,
    /// Rides along with the next batch.
    committed: BTreeMap<GroupId, LogId>,
    pub(crate) failure: Option<LogError>,
    pub(crate) is_closing: bool,
    io_started: Option<Instant>,
    figures: Figures,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("groups", &self.groups.len())
            .field("queued_bytes", &self.queued_bytes)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The readers' side of a recovered log, and its writer.
    pub(crate) fn new(recovered: Recovered, options: Options) -> (Arc<Shared>, Writer) {
        let Recovered {
            writer,
            groups,
            mut positions,
            files,
        } = recovered;
        let groups = groups.into_iter().map(|(group, record)| {
            let positions = positions.remove(&group).unwrap_or_default();
            (group, Group { record, positions })
        });
        let state = State {
            groups: groups.collect(),
            files,
            tails: Tails::new(options.tail_bytes),
            synced: 0,
            queue: VecDeque::new(),
            queued_bytes: 0,
            committed: BTreeMap::new(),
            failure: None,
            is_closing: false,
            io_started: None,
            figures: writer.figures(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
            options,
        };
        (Arc::new(shared), writer)
    }

    /// Takes the next batch, bounded in bytes; `None` if nothing waits.
    pub(crate) fn take_batch(&self) -> Option<Batch> {
        let mut state = self.state.lock();
        let mut batch = Batch {
            operations: Vec::new(),
            done: Vec::new(),
            ticket: 0,
        };
        let mut bytes = 0;
        while let Some(next) = state.queue.front() {
            if !batch.operations.is_empty() && bytes + next.bytes > self.options.batch_bytes {
                break;
            }
            let Some(next) = state.queue.pop_front() else {
                break;
            };
            bytes += next.bytes;
            batch.ticket = next.ticket;
            batch.operations.push(next.operation);
            batch.done.push(next.done);
        }
        if batch.operations.is_empty() {
            return None;
        }
        state.queued_bytes -= bytes;
        let committed = std::mem::take(&mut state.committed).into_iter();
        let committed =
            committed.map(|(group, committed)| Operation::Committed { group, committed });
        batch.operations.extend(committed);
        drop(state);
        self.room.notify_all();
        Some(batch)
    }

    /// Lets the watchdog see for how long the file system has been at work.
    pub(crate) fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        self.state.lock().io_started = Some(Instant::now());
        let result = work();
        self.state.lock().io_started = None;
        result
    }

    /// The batch with this ticket is durable.
    pub(crate) fn finish(&self, ticket: u64, events: Vec<Event>, figures: Figures) {
        let mut state = self.state.lock();
        for event in events {
            state.learn(event);
        }
        state.synced = state.synced.max(ticket);
        let evictable = match self.options.planted(PlantedBug::EvictUnsynced) {
            true => u64::MAX,
            false => state.synced,
        };
        state.tails.evict(evictable);
        state.figures = figures;
    }

    /// Ends all acknowledgements. Returns the completions that wait in the queue.
    pub(crate) fn fail(&self, error: &LogError) -> Vec<Completion> {
        let mut state = self.state.lock();
        state.failure.get_or_insert_with(|| error.clone());
        state.queued_bytes = 0;
        let waiting = state
            .queue
            .drain(..)
            .map(|submission| submission.done)
            .collect();
        drop(state);
        self.room.notify_all();
        waiting
    }
}

impl State {
    /// Why nothing can be submitted, if so.
    pub(crate) fn refusal(&self) -> Option<LogError> {
        if self.failure.is_some() {
            return self.failure.clone();
        }
        self.is_closing.then_some(LogError::Closed)
    }

    /// A large operation is let in alone.
    pub(crate) fn has_room(&self, bytes: usize, options: &Options) -> bool {
        self.queue.is_empty() || self.queued_bytes + bytes <= options.queue_bytes
    }

    pub(crate) fn enqueue(&mut self, operation: Operation, done: Completion) {
        let bytes = operation.bytes();
        self.queued_bytes += bytes;
        let ticket = self.tails.ticket();
        self.queue.push_back(Submission {
            operation,
            bytes,
            ticket,
            done,
        });
    }

    pub(crate) fn commit(&mut self, group: GroupId, committed: LogId) {
        self.committed.insert(group, committed);
    }

    /// What the group looks like to its user.
    pub(crate) fn group_state(&self, group: GroupId) -> GroupState {
        let Some(Group { record, .. }) = self.groups.get(&group) else {
            return GroupState::default();
        };
        let synced_index = match self.tails.first_unsynced(group, self.synced) {
            Some(unsynced) => unsynced.checked_sub(1),
            None => record.last.map(|last| last.index),
        };
        GroupState {
            vote: record.vote.clone(),
            committed: record.committed,
            purged: record.purged,
            last: record.last,
            synced_index,
        }
    }

    pub(crate) fn health(&self) -> Health {
        Health {
            sync_in_progress: self.io_started.map(|started| started.elapsed()),
            retained_bytes: self.figures.retained_bytes,
            segments: self.figures.segments,
            flushes: self.figures.flushes,
            records: self.figures.records,
            written_bytes: self.figures.written_bytes,
            queued_bytes: self.queued_bytes,
            tail_bytes: self.tails.bytes(),
            failure: self.failure.clone(),
        }
    }

    fn learn(&mut self, event: Event) {
        match event {
            Event::Opened { segment, file } => {
                self.files.insert(segment, file);
            }
            Event::Positioned { group, position } => {
                self.groups
                    .entry(group)
                    .or_default()
                    .positions
                    .push(position);
            }
            Event::Truncated { group, kept } => {
                self.groups
                    .entry(group)
                    .or_default()
                    .positions
                    .truncate_after(kept);
            }
            Event::Freed { segment } => {
                self.files.remove(&segment);
                for group in self.groups.values_mut() {
                    group.positions.forget_segment(segment);
                }
            }
        }
    }
}

impl State {
    /// Takes the effect of an operation in memory. Panics if entries do not follow the group's
    /// last, before anything has changed.
    pub(crate) fn accept(&mut self, operation: &Operation) {
        match operation {
            Operation::Append { group, entries } => {
                self.check_contiguous(*group, entries);
                let record = &mut self.groups.entry(*group).or_default().record;
                for entry in entries {
                    record.append(entry.id);
                    self.tails.push(*group, entry.clone());
                }
            }
            Operation::Vote { group, vote } => {
                self.groups.entry(*group).or_default().record.vote = Some(vote.clone());
            }
            Operation::Committed { group, committed } => {
                self.groups.entry(*group).or_default().record.committed = Some(*committed);
            }
            Operation::TruncateAfter { group, kept } => {
                let record = &mut self.groups.entry(*group).or_default().record;
                record.truncate_after(*kept);
                self.tails
                    .truncate_after(*group, kept.map(|kept| kept.index));
            }
            Operation::Purge { group, upto } => {
                let known = self.groups.entry(*group).or_default();
                known.record.purge(*upto);
                known.positions.purge(known.record.first);
                self.tails.purge(*group, upto.index);
            }
        }
    }

    fn check_contiguous(&self, group: GroupId, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let known = self.groups.get(&group);
        let follows = known.is_none_or(|known| known.record.follows(first.id.index));
        assert!(
            follows,
            "entry {} of group {} does not follow the last",
            first.id, group.0
        );
        for pair in entries.windows(2) {
            let [before, after] = pair else { continue };
            let follows = after.id.index == before.id.index + 1;
            assert!(
                follows,
                "entry {} of group {} does not follow",
                after.id, group.0
            );
        }
    }
}
