//! Where a group's entries are on disk: a sparse index, one position per stretch of log.
//!
//! 1. The first entry of a group in a segment has a position, and the first after a truncation.
//! 2. Between two positions in a segment lie at most `interval` bytes up to the group's last entry
//!    before the second, plus that entry.
//! 3. Positions rise with the index, and with the place in the log.

use std::collections::{BTreeMap, VecDeque};

use squorum_types::GroupId;

/// The place of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) index: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Decides which entries get a position.
#[derive(Debug)]
pub(crate) struct Sampler {
    interval_bytes: u64,
    newest: BTreeMap<GroupId, (u64, u64)>,
}

impl Sampler {
    pub(crate) fn new(interval_bytes: u64) -> Sampler {
        Sampler {
            interval_bytes,
            newest: BTreeMap::new(),
        }
    }

    /// True if the entry at this place gets a position.
    pub(crate) fn takes(&mut self, group: GroupId, segment: u64, offset: u64) -> bool {
        let near = |(newest, start): &(u64, u64)| {
            *newest == segment && offset < start + self.interval_bytes
        };
        if self.newest.get(&group).is_some_and(near) {
            return false;
        }
        self.newest.insert(group, (segment, offset));
        true
    }

    pub(crate) fn truncate(&mut self, group: GroupId) {
        self.newest.remove(&group);
    }
}

/// The positions of one group.
#[derive(Debug, Default)]
pub(crate) struct Positions(VecDeque<Position>);

impl Positions {
    pub(crate) fn push(&mut self, position: Position) {
        let rises = self.0.back().is_none_or(|last| last.index < position.index);
        assert!(rises, "positions rise with the index");
        self.0.push_back(position);
    }

    pub(crate) fn truncate_after(&mut self, kept: Option<u64>) {
        let keep = |position: &Position| kept.is_some_and(|kept| position.index <= kept);
        while self.0.back().is_some_and(|last| !keep(last)) {
            self.0.pop_back();
        }
    }

    /// Drops what no entry from `first` on needs.
    pub(crate) fn purge(&mut self, first: u64) {
        while self.0.get(1).is_some_and(|second| second.index <= first) {
            self.0.pop_front();
        }
    }

    pub(crate) fn forget_segment(&mut self, segment: u64) {
        while self.0.front().is_some_and(|first| first.segment <= segment) {
            self.0.pop_front();
        }
    }

    /// The last position at or before `index`, and the index of the next one.
    pub(crate) fn floor(&self, index: u64) -> Option<(Position, Option<u64>)> {
        let after = self.0.partition_point(|position| position.index <= index);
        let floor = self.0.get(after.checked_sub(1)?)?;
        Some((*floor, self.0.get(after).map(|next| next.index)))
    }
}
