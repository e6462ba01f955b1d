//! The numbers of a gateway's session with one shard.
//!
//! A number is open from the proposal of its command until nobody needs its outcome any more. What
//! is not open is acknowledged: the shard forgets the outcome, and refuses the number if the
//! command should come late.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_proto::queue::NumberRange;

/// Ranges of one acknowledgement, at most. Those left out come with a later one.
const RANGES_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) session: u64,
    next: u64,
    open: BTreeSet<u64>,
    /// Open numbers with closed ones right after them that the shard may not have heard of. So there
    /// are never more ranges to send than open numbers, whatever is lost on the way.
    due: BTreeSet<u64>,
    /// The last of these that was sent. The next acknowledgement goes on behind it, so that none
    /// waits for ever where there are too many for one.
    turn: u64,
}

/// What a batch acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) below: u64,
    pub(crate) ranges: Vec<NumberRange>,
}

impl Numbers {
    pub(crate) fn new(session: u64) -> Numbers {
        Numbers {
            session,
            next: 1,
            open: BTreeSet::new(),
            due: BTreeSet::new(),
            turn: 0,
        }
    }

    pub(crate) fn open(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.open.insert(number);
        number
    }

    pub(crate) fn close(&mut self, number: u64) {
        if !self.open.remove(&number) {
            return;
        }
        // What followed it follows now what is open before it, or is below the line.
        self.due.remove(&number);
        if let Some(&before) = self.open.range(..number).next_back() {
            self.due.insert(before);
        }
    }

    /// Whether no command has been proposed yet.
    pub(crate) fn is_new(&self) -> bool {
        self.next == 1
    }

    /// What the next batch acknowledges: the line, and ranges that are due.
    pub(crate) fn acknowledgement(&mut self) -> Acknowledgement {
        let below = self.open.first().copied().unwrap_or(self.next);
        let behind = self.due.range((Excluded(self.turn), Unbounded));
        let in_turn = behind.chain(self.due.range(..=self.turn));
        let sent: Vec<u64> = in_turn.take(RANGES_MAX).copied().collect();
        self.turn = sent.last().copied().unwrap_or(0);
        let mut ranges: Vec<_> = sent
            .iter()
            .filter_map(|it| self.closed_after(*it))
            .collect();
        ranges.sort_unstable_by_key(|range| range.first);
        Acknowledgement { below, ranges }
    }

    /// The shard has an acknowledgement. One that is lost with its batch comes again, and so does a
    /// range that has grown since.
    pub(crate) fn acknowledged(&mut self, acknowledgement: &Acknowledgement) {
        for range in &acknowledgement.ranges {
            let before = range.first - 1;
            if self.closed_after(before) == Some(*range) {
                self.due.remove(&before);
            }
        }
    }

    /// The closed numbers between an open one and the next.
    fn closed_after(&self, number: u64) -> Option<NumberRange> {
        let mut behind = self.open.range((Excluded(number), Unbounded));
        let first = number + 1;
        let last = behind.next().copied().unwrap_or(self.next) - 1;
        (first <= last && self.open.contains(&number)).then_some(NumberRange { first, last })
    }
}

/// A number whose outcome is still needed; closed when dropped.
#[derive(Debug)]
pub(crate) struct OpenNumber {
    pub(crate) number: u64,
    pub(crate) numbers: Arc<Mutex<Numbers>>,
}

impl Drop for OpenNumber {
    fn drop(&mut self) {
        self.numbers.lock().close(self.number);
    }
}

#[cfg(test)]
mod tests;
