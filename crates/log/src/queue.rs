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
    /// Committed ids that were noted after it and before the next one; the newest for each group.
    committed: BTreeMap<GroupId, LogId>,
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
    /// Noted while nothing waited: rides along with the next batch.
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
            committed: BTreeMap::new(),
        });
    }

    /// Never durable before what was submitted before it: the entry that it names may be there.
    pub(crate) fn commit(&mut self, group: GroupId, committed: LogId) {
        let last = self.submissions.back_mut();
        let place = last.map_or(&mut self.committed, |last| &mut last.committed);
        place.insert(group, committed);
    }

    /// The next batch of about `limit_bytes`; `None` if nothing waits.
    pub(crate) fn take(&mut self, limit_bytes: usize) -> Option<Batch> {
        let mut batch = Batch {
            operations: Vec::new(),
            done: Vec::new(),
            ticket: 0,
        };
        let mut bytes = 0;
        let mut committed = BTreeMap::new();
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
            committed.extend(next.committed);
        }
        if batch.operations.is_empty() {
            return None;
        }
        self.bytes -= bytes;
        let mut all = std::mem::take(&mut self.committed);
        all.extend(committed);
        let all = all.into_iter();
        let all = all.map(|(group, committed)| Operation::Committed { group, committed });
        batch.operations.extend(all);
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

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(7);

    fn committed_in(batch: &Batch) -> Vec<u64> {
        let operations = batch.operations.iter();
        let committed = operations.filter_map(|operation| match operation {
            Operation::Committed { committed, .. } => Some(committed.index),
            _ => None,
        });
        committed.collect()
    }

    fn push(queue: &mut Queue, ticket: u64) {
        let vote = bytes::Bytes::from(vec![0; 100]);
        let vote = Operation::Vote { group: GROUP, vote };
        queue.push(vote, ticket, Box::new(|_| {}));
    }

    fn commit(queue: &mut Queue, index: u64) {
        queue.commit(GROUP, LogId { term: 1, index });
    }

    #[test]
    fn a_committed_id_goes_no_sooner_than_what_was_submitted_before_it() {
        let mut queue = Queue::default();
        commit(&mut queue, 1);
        push(&mut queue, 1);
        push(&mut queue, 2);
        commit(&mut queue, 2);
        push(&mut queue, 3);
        commit(&mut queue, 3);
        // A batch for each.
        for expected in 1..=3 {
            let batch = queue.take(1).expect("something waits");
            assert_eq!(committed_in(&batch), [expected]);
        }
        assert!(queue.take(1).is_none());

        push(&mut queue, 4);
        commit(&mut queue, 4);
        push(&mut queue, 5);
        commit(&mut queue, 5);
        let batch = queue.take(1_000).expect("something waits");
        assert_eq!(committed_in(&batch), [5], "the newest alone");
    }
}
