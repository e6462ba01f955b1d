//! Where the groups stood at earlier checkpoints, by what had been written to the log they share.

use std::collections::VecDeque;

/// Checkpoints that are remembered: so many for what is kept of the log, however often they come.
const STEPS: u64 = 16;

/// An index for each group; `None` for one that had nothing yet.
type Indexes = Vec<Option<u64>>;

#[derive(Debug)]
pub(crate) struct PastCheckpoints {
    kept_bytes: u64,
    /// What had been written by then, ascending.
    past: VecDeque<(u64, Indexes)>,
}

impl PastCheckpoints {
    pub(crate) fn new(kept_bytes: u64) -> PastCheckpoints {
        PastCheckpoints {
            kept_bytes,
            past: VecDeque::new(),
        }
    }

    /// Notes a checkpoint. Answers the newest earlier one after which as much was written as is kept,
    /// if it was not answered before.
    pub(crate) fn note(&mut self, written_bytes: u64, indexes: Indexes) -> Option<Indexes> {
        let since_last = self
            .past
            .back()
            .map(|(at, _)| written_bytes.saturating_sub(*at));
        if since_last.is_none_or(|bytes| bytes >= self.kept_bytes / STEPS) {
            self.past.push_back((written_bytes, indexes));
        }
        let mut newest = None;
        while self
            .past
            .front()
            .is_some_and(|(at, _)| at + self.kept_bytes <= written_bytes)
        {
            newest = self.past.pop_front().map(|(_, indexes)| indexes);
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_the_kept_bytes_is_given_up_once() {
        let mut past = PastCheckpoints::new(160);
        assert_eq!(past.note(100, vec![Some(1), None]), None);
        assert_eq!(past.note(259, vec![Some(2), Some(9)]), None);
        assert_eq!(
            past.note(260, vec![Some(3), Some(9)]),
            Some(vec![Some(1), None])
        );
        // One that comes soon after another does not count.
        assert_eq!(
            past.note(420, vec![Some(4), Some(9)]),
            Some(vec![Some(2), Some(9)])
        );
        assert_eq!(past.note(421, vec![Some(4), Some(9)]), None);
    }

    #[test]
    fn however_often_checkpoints_come_few_are_remembered() {
        let mut past = PastCheckpoints::new(1_600);
        let given_up = (0..10_000).filter_map(|written| past.note(written, vec![Some(written)]));
        let given_up: Vec<_> = given_up.flatten().flatten().collect();
        assert_eq!(given_up[..3], [0, 100, 200]);
        assert_eq!(given_up.last(), Some(&8_300));
        assert!(past.past.len() as u64 <= STEPS + 1);
    }

    #[test]
    fn where_nothing_is_kept_each_gives_up_itself() {
        let mut past = PastCheckpoints::new(0);
        assert_eq!(past.note(0, vec![Some(5)]), Some(vec![Some(5)]));
        assert_eq!(past.note(0, vec![Some(6)]), Some(vec![Some(6)]));
    }
}
