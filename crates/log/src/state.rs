//! What submitters, readers and the writer share: submitted state, queue, tails, index.
//!
//! 1. Everything here changes in the order of submission, under one lock; no file is touched under
//!    it.
//! 2. The queue is drained in that order, by the writer alone.
//! 3. Once `failure` is set nothing enters the queue, and it never changes again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use squorum_types::GroupId;

use crate::entry::Entry;
use crate::error::LogError;
use crate::fs::File;
use crate::group::{GroupRecord, GroupState};
use crate::health::Health;
use crate::index::Positions;
use crate::operation::Operation;
use crate::options::Options;
use crate::queue::Queue;
use crate::tail::Tails;
use crate::writer::{Event, Figures};

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
    pub(crate) synced: u64,
    pub(crate) queue: Queue,
    pub(crate) failure: Option<LogError>,
    pub(crate) is_closing: bool,
    /// The file system has been at work since.
    pub(crate) io_started: Option<Instant>,
    pub(crate) figures: Figures,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("groups", &self.groups.len())
            .field("queued_bytes", &self.queue.bytes())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn new(
        groups: BTreeMap<GroupId, Group>,
        files: BTreeMap<u64, Arc<dyn File>>,
        figures: Figures,
        options: &Options,
    ) -> State {
        State {
            groups,
            files,
            tails: Tails::new(options.tail_bytes),
            synced: 0,
            queue: Queue::default(),
            failure: None,
            is_closing: false,
            io_started: None,
            figures,
        }
    }

    /// Why nothing can be submitted, if so.
    pub(crate) fn refusal(&self) -> Option<LogError> {
        if self.failure.is_some() {
            return self.failure.clone();
        }
        self.is_closing.then_some(LogError::Closed)
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
            queued_bytes: self.queue.bytes(),
            tail_bytes: self.tails.bytes(),
            failure: self.failure.clone(),
        }
    }

    pub(crate) fn learn(&mut self, event: Event) {
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
