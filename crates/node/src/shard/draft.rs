//! The entry that a proposer is gathering, and when it may go under way.

use squorum_consensus::EntryBuffer;
use squorum_types::Timestamp;
use tokio::sync::oneshot;

use super::batch::{Batch, Submitted, SubmittedBatch};
use super::board::Claim;
use super::entry::EntryBuilder;

/// Entries under way at once. Two keep the disk and the apply thread busy together.
const ENTRIES_IN_FLIGHT_MAX: usize = 2;
/// So large an entry goes under way beside another one: with more commands, what it costs would
/// hardly be less for each.
const LARGE_COMMANDS: usize = 64;
const LARGE_BYTES: usize = 64 * 1024;

/// A batch that was admitted to an entry.
pub(crate) struct Admitted {
    /// One for each command; `Some` for those that are answered without being proposed.
    pub(crate) answers: Vec<Option<Submitted>>,
    pub(crate) reply: oneshot::Sender<SubmittedBatch>,
    /// Rights to the messages that its receives are for; given up when the entry is applied.
    pub(crate) _claims: Vec<Claim>,
}

#[derive(Default)]
pub(crate) struct Draft {
    builder: EntryBuilder,
    admitted: Vec<Admitted>,
}

impl Draft {
    /// Whether another batch may join.
    pub(crate) fn has_room(&self) -> bool {
        self.builder.has_room()
    }

    pub(crate) fn push(&mut self, batch: Batch, admitted: Admitted) {
        self.builder.push(batch);
        self.admitted.push(admitted);
    }

    /// Whether it is better proposed now than after an entry that is under way.
    pub(crate) fn may_go_beside(&self, under_way: usize) -> bool {
        let is_large =
            self.builder.commands() >= LARGE_COMMANDS || self.builder.bytes() >= LARGE_BYTES;
        match under_way {
            0 => !self.admitted.is_empty(),
            _ => is_large && under_way < ENTRIES_IN_FLIGHT_MAX,
        }
    }

    /// The entry's bytes, stamped with the time, and who waits for its outcomes.
    pub(crate) fn encode(self, now: Timestamp, first_stamp: bool) -> (EntryBuffer, Vec<Admitted>) {
        (self.builder.encode(now, first_stamp), self.admitted)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::shard::numbers::Acknowledgement;

    fn draft(commands: usize, bytes: usize) -> Draft {
        let mut draft = Draft::default();
        if commands > 0 {
            let batch = Batch {
                session: 1,
                acknowledgement: Acknowledgement {
                    below: 1,
                    ranges: Vec::new(),
                },
                commands: vec![Bytes::from(vec![0; bytes]); commands],
                fresh_receives: Vec::new(),
            };
            let admitted = Admitted {
                answers: Vec::new(),
                reply: oneshot::channel().0,
                _claims: Vec::new(),
            };
            draft.push(batch, admitted);
        }
        draft
    }

    #[test]
    fn only_a_large_entry_goes_beside_another_one() {
        assert!(!draft(0, 0).may_go_beside(0));
        assert!(draft(1, 1).may_go_beside(0));
        assert!(!draft(LARGE_COMMANDS - 1, 1).may_go_beside(1));
        assert!(draft(LARGE_COMMANDS, 1).may_go_beside(1));
        assert!(draft(1, LARGE_BYTES).may_go_beside(1));
        assert!(!draft(LARGE_COMMANDS, 1).may_go_beside(ENTRIES_IN_FLIGHT_MAX));
    }
}
