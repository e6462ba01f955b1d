//! The account of every message: lost, doubled, out of order, damaged, or of another run.
//!
//! Rules:
//! 1. Lost: acknowledged, never received.
//! 2. Duplicate: received again after its delete was acknowledged, or before its visibility timeout
//!    had passed. Received again after that time it is *redelivered*, which is right; and a message of
//!    a standard queue that had to be sent twice, because the first answer never came, may come twice.
//! 3. Disordered: received for the first time after a later message of its group.
//! 4. Damaged: a message of this run whose body is not what was sent.
//! 5. Memory is bounded: see [`MessageWindow`]; messages in flight are as many as consumers hold.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::message_window::{Mark, MessageWindow};
use crate::tag::{FILLER, GROUPS_MAX, TAG_BYTES, Tag};

/// Runs whose backlog one drain accounts for; the messages of more are foreign.
const RUNS_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LedgerOptions {
    /// `None` when draining what any run has sent.
    pub(crate) own_run: Option<u32>,
    /// Nothing will be received, so there is nothing to remember.
    pub(crate) sends_only: bool,
    pub(crate) is_fifo: bool,
    pub(crate) size: usize,
    pub(crate) visibility_timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    options: LedgerOptions,
    runs: HashMap<u32, Account>,
    /// Messages received and not yet deleted: when their receive was called.
    in_flight: HashMap<(u32, u64), Instant>,
    pub(crate) acknowledged_count: u64,
    pub(crate) received_count: u64,
    pub(crate) deleted_count: u64,
    /// Acknowledged and not yet deleted.
    pub(crate) outstanding_count: u64,
    pub(crate) duplicates: u64,
    pub(crate) resent_duplicates: u64,
    pub(crate) redelivered: u64,
    pub(crate) disordered: u64,
    pub(crate) damaged: u64,
    /// Messages that another run or another program has sent.
    pub(crate) foreign: u64,
}

#[derive(Debug)]
struct Account {
    window: MessageWindow,
    /// Highest number received per group, plus one; empty for a standard queue.
    next_of_group: Vec<u64>,
}

impl Ledger {
    pub(crate) fn new(options: LedgerOptions) -> Ledger {
        Ledger {
            options,
            runs: HashMap::new(),
            in_flight: HashMap::new(),
            acknowledged_count: 0,
            received_count: 0,
            deleted_count: 0,
            outstanding_count: 0,
            duplicates: 0,
            resent_duplicates: 0,
            redelivered: 0,
            disordered: 0,
            damaged: 0,
            foreign: 0,
        }
    }

    pub(crate) fn acknowledge(&mut self, tag: &Tag) {
        if self.options.sends_only {
            self.acknowledged_count += 1;
            return;
        }
        let Some(account) = self.account(tag.run) else {
            return;
        };
        if account.window.mark(tag.number, Mark::Acknowledged) {
            let is_deleted = account.window.has(tag.number, Mark::Deleted);
            self.acknowledged_count += 1;
            self.outstanding_count += u64::from(!is_deleted);
        }
    }

    /// A send whose outcome is unknown is about to be sent again.
    pub(crate) fn resend(&mut self, tag: &Tag) {
        if !self.options.is_fifo
            && !self.options.sends_only
            && let Some(account) = self.account(tag.run)
        {
            account.window.mark(tag.number, Mark::Resent);
        }
    }

    /// `called_at` is when the receive was called; gives the tag of a message of this tool.
    pub(crate) fn receive(&mut self, body: &[u8], called_at: Instant, now: Instant) -> Option<Tag> {
        let own_run = self.options.own_run;
        let tag = Tag::parse(body).filter(|tag| own_run.is_none_or(|run| run == tag.run));
        let Some(tag) = tag else {
            self.foreign += 1;
            return None;
        };
        let is_fifo = self.options.is_fifo;
        let size = own_run.map_or(body.len(), |_| self.options.size);
        let is_whole = body.len() == size && body[TAG_BYTES..].iter().all(|byte| *byte == FILLER);
        let Some(account) = self.account(tag.run) else {
            self.foreign += 1;
            return None;
        };
        let is_first = account.window.mark(tag.number, Mark::Received);
        let is_resent = account.window.has(tag.number, Mark::Resent);
        let is_late = is_first && is_fifo && !account.advance(&tag);
        self.damaged += u64::from(!is_whole);
        let held_since = self.in_flight.insert((tag.run, tag.number), called_at);
        if is_first {
            self.received_count += 1;
            self.disordered += u64::from(is_late);
            return Some(tag);
        }
        let timeout = self.options.visibility_timeout;
        if held_since.is_some_and(|since| now.saturating_duration_since(since) >= timeout) {
            self.redelivered += 1;
        } else if is_resent {
            self.resent_duplicates += 1;
        } else {
            self.duplicates += 1;
        }
        Some(tag)
    }

    /// The delete of a message was answered with 200; `None` for one that is not of this tool.
    pub(crate) fn delete(&mut self, tag: Option<Tag>) {
        self.deleted_count += 1;
        let Some(tag) = tag else { return };
        self.in_flight.remove(&(tag.run, tag.number));
        let Some(account) = self.account(tag.run) else {
            return;
        };
        let is_acknowledged = account.window.has(tag.number, Mark::Acknowledged);
        if account.window.mark(tag.number, Mark::Deleted) && is_acknowledged {
            self.outstanding_count -= 1;
        }
    }

    /// Acknowledged, or `expected` when another process has sent them, and never received.
    pub(crate) fn lost(&self, expected: Option<u64>) -> u64 {
        match expected {
            Some(expected) => expected.saturating_sub(self.received_count),
            None => self
                .runs
                .values()
                .map(|account| account.window.lost())
                .sum(),
        }
    }

    fn account(&mut self, run: u32) -> Option<&mut Account> {
        if self.runs.len() >= RUNS_MAX && !self.runs.contains_key(&run) {
            return None;
        }
        let knows_acknowledged = self.options.own_run.is_some();
        Some(self.runs.entry(run).or_insert_with(|| Account {
            window: MessageWindow::new(knows_acknowledged),
            next_of_group: Vec::new(),
        }))
    }
}

impl Account {
    /// Whether no later message of the group was received before.
    fn advance(&mut self, tag: &Tag) -> bool {
        let group = tag.group.min(GROUPS_MAX) as usize;
        if self.next_of_group.len() <= group {
            self.next_of_group.resize(group + 1, 0);
        }
        let next = &mut self.next_of_group[group];
        let is_in_order = tag.number >= *next;
        *next = (*next).max(tag.number.saturating_add(1));
        is_in_order
    }
}

#[cfg(test)]
#[path = "ledger_test.rs"]
mod tests;
