//! The newest entries of all groups, in memory under one budget.
//!
//! 1. A group's tail is contiguous and ends with the group's last entry, or is empty.
//! 2. An entry that is not synced is never evicted.
//! 3. Beyond the budget the oldest synced entries leave first, of whatever group.
//!
//! Entries are numbered by tickets in the order of submission, over all groups. The disk follows
//! that order, so one number says what is synced.

use std::collections::{BTreeMap, VecDeque};

use squorum_types::GroupId;

use crate::entry::Entry;

/// Memory of an entry beyond its payload, in bytes.
const OVERHEAD_BYTES: usize = 64;

#[derive(Debug)]
struct Kept {
    ticket: u64,
    entry: Entry,
}

#[derive(Debug)]
pub(crate) struct Tails {
    groups: BTreeMap<GroupId, VecDeque<Kept>>,
    /// Every non-empty tail by the ticket of its first entry.
    fronts: BTreeMap<u64, GroupId>,
    bytes: usize,
    budget_bytes: usize,
    next_ticket: u64,
}

impl Tails {
    pub(crate) fn new(budget_bytes: usize) -> Tails {
        Tails {
            groups: BTreeMap::new(),
            fronts: BTreeMap::new(),
            bytes: 0,
            budget_bytes,
            next_ticket: 1,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The ticket of the newest entry.
    pub(crate) fn ticket(&self) -> u64 {
        self.next_ticket - 1
    }

    pub(crate) fn push(&mut self, group: GroupId, entry: Entry) {
        let tail = self.groups.entry(group).or_default();
        if tail.is_empty() {
            self.fronts.insert(self.next_ticket, group);
        }
        self.bytes += cost(&entry);
        tail.push_back(Kept {
            ticket: self.next_ticket,
            entry,
        });
        self.next_ticket += 1;
    }

    /// Drops the group's entries after `kept`.
    pub(crate) fn truncate_after(&mut self, group: GroupId, kept: Option<u64>) {
        let Some(tail) = self.groups.get_mut(&group) else {
            return;
        };
        let keep = |last: &Kept| kept.is_some_and(|kept| last.entry.id.index <= kept);
        while tail.back().is_some_and(|last| !keep(last)) {
            let Some(last) = tail.pop_back() else { break };
            self.bytes -= cost(&last.entry);
            if tail.is_empty() {
                self.fronts.remove(&last.ticket);
            }
        }
    }

    /// Drops the group's entries up to `upto`.
    pub(crate) fn purge(&mut self, group: GroupId, upto: u64) {
        while self.first_index(group).is_some_and(|first| first <= upto) {
            self.pop_front(group);
        }
    }

    /// Evicts entries up to ticket `synced` until the budget is kept.
    pub(crate) fn evict(&mut self, synced: u64) {
        while self.bytes > self.budget_bytes {
            match self.fronts.first_key_value() {
                Some((ticket, group)) if *ticket <= synced => self.pop_front(*group),
                _ => break,
            }
        }
    }

    pub(crate) fn first_index(&self, group: GroupId) -> Option<u64> {
        self.groups
            .get(&group)?
            .front()
            .map(|kept| kept.entry.id.index)
    }

    /// Index of the group's first entry here that is not synced.
    pub(crate) fn first_unsynced(&self, group: GroupId, synced: u64) -> Option<u64> {
        let tail = self.groups.get(&group)?;
        let at = tail.partition_point(|kept| kept.ticket <= synced);
        tail.get(at).map(|kept| kept.entry.id.index)
    }

    /// The group's entries from index `from` on, which must be here.
    pub(crate) fn from(&self, group: GroupId, from: u64) -> impl Iterator<Item = &Entry> {
        let tail = self.groups.get(&group);
        let first = self.first_index(group).unwrap_or(from);
        tail.into_iter()
            .flat_map(move |tail| {
                tail.range((from.saturating_sub(first) as usize).min(tail.len())..)
            })
            .map(|kept| &kept.entry)
    }

    fn pop_front(&mut self, group: GroupId) {
        let Some(tail) = self.groups.get_mut(&group) else {
            return;
        };
        let Some(first) = tail.pop_front() else {
            return;
        };
        self.bytes -= cost(&first.entry);
        self.fronts.remove(&first.ticket);
        if let Some(next) = tail.front() {
            self.fronts.insert(next.ticket, group);
        }
    }
}

fn cost(entry: &Entry) -> usize {
    entry.payload.len() + OVERHEAD_BYTES
}
