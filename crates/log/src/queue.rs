//! What was submitted and waits for the writer, in order, bounded in bytes.

use std::collections::{BTreeMap, VecDeque};

use squorum_types::GroupId;

use crate::entry::LogId;
use crate::log::Completion;
use crate::operation::Operation;

/// One submitted operation.
struct Submission {
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
    /// Entries up to this ticket are synced when the batch is.
    pub(crate) ticket: u64,
}

#[derive(Default)]
pub(crate) struct Queue {
    submissions: VecDeque<Submission>,
    bytes: usize,
    /// Rides along with the next batch; the newest for each group.
    committed: BTreeMap<GroupId, LogId>,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.submissions.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A large operation is let in alone.
    pub(crate) fn has_room(&self, bytes: usize, limit_bytes: usize) -> bool {
        self.is_empty() || self.bytes + bytes <= limit_bytes
    }

    pub(crate) fn push(&mut self, operation: Operation, ticket: u64, done: Completion) {
        let bytes = operation.bytes();
        self.bytes += bytes;
        self.submissions.push_back(Submission {
            operation,
            bytes,
            ticket,
            done,
        });
    }

    pub(crate) fn commit(&mut self, group: GroupId, committed: LogId) {
        self.committed.insert(group, committed);
    }

    /// The next batch of about `limit_bytes`; `None` if nothing waits.
    pub(crate) fn take(&mut self, limit_bytes: usize) -> Option<Batch> {
        let mut batch = Batch {
            operations: Vec::new(),
            done: Vec::new(),
            ticket: 0,
        };
        let mut bytes = 0;
        while let Some(next) = self.submissions.front() {
            if !batch.operations.is_empty() && bytes + next.bytes > limit_bytes {
                break;
            }
            let Some(next) = self.submissions.pop_front() else {
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
        self.bytes -= bytes;
        let committed = std::mem::take(&mut self.committed).into_iter();
        let committed =
            committed.map(|(group, committed)| Operation::Committed { group, committed });
        batch.operations.extend(committed);
        Some(batch)
    }

    /// Empties the queue. Returns the completions that waited in it.
    pub(crate) fn drain(&mut self) -> Vec<Completion> {
        self.bytes = 0;
        self.submissions
            .drain(..)
            .map(|submission| submission.done)
            .collect()
    }
}
