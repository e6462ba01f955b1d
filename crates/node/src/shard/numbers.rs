//! The numbers of a gateway's session with one shard.
//!
//! A number is open from the proposal of its command until nobody needs its outcome any more. What
//! is not open is acknowledged: the shard forgets the outcome, and refuses the number if the
//! command should come late.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_proto::queue::NumberRange;

/// Ranges of one acknowledgement, at most. Those left out come with a later one.
const RANGES_MAX: usize = 128;

#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) session: u64,
    next: u64,
    open: BTreeSet<u64>,
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
        }
    }

    pub(crate) fn open(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.open.insert(number);
        number
    }

    pub(crate) fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Whether no command has been proposed yet.
    pub(crate) fn is_new(&self) -> bool {
        self.next == 1
    }

    pub(crate) fn acknowledgement(&self) -> Acknowledgement {
        let below = self.open.first().copied().unwrap_or(self.next);
        let mut ranges = Vec::new();
        let mut before = below;
        for &number in self.open.iter().skip(1) {
            if ranges.len() == RANGES_MAX {
                break;
            }
            if number > before + 1 {
                ranges.push(NumberRange {
                    first: before + 1,
                    last: number - 1,
                });
            }
            before = number;
        }
        Acknowledgement { below, ranges }
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
mod tests {
    use super::*;

    #[test]
    fn acknowledges_exactly_what_is_not_open() {
        let mut numbers = Numbers::new(7);
        assert_eq!(
            numbers.acknowledgement(),
            Acknowledgement {
                below: 1,
                ranges: Vec::new()
            }
        );
        for expected in 1..=9 {
            assert_eq!(numbers.open(), expected);
        }
        for number in [1, 2, 4, 5, 7] {
            numbers.close(number);
        }
        let ranges = vec![
            NumberRange { first: 4, last: 5 },
            NumberRange { first: 7, last: 7 },
        ];
        assert_eq!(
            numbers.acknowledgement(),
            Acknowledgement { below: 3, ranges }
        );
        for number in [3, 6, 8, 9] {
            numbers.close(number);
        }
        assert_eq!(
            numbers.acknowledgement(),
            Acknowledgement {
                below: 10,
                ranges: Vec::new()
            }
        );
    }
}
