//! A gateway's side of a session: numbers, what it heard, what it acknowledges and sends again.

use std::collections::{BTreeMap, BTreeSet};

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_store::Random;

#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) session: u64,
    opened: bool,
    refusals: u32,
    next_number: u64,
    /// Numbers passed over, to be used later.
    held: Vec<u64>,
    /// Everything sent whose outcome is not acknowledged.
    pending: BTreeMap<u64, proto::Command>,
    answered: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
}

impl Gateway {
    pub(super) fn new(session: u64) -> Gateway {
        Gateway {
            session,
            opened: false,
            refusals: 0,
            next_number: 1,
            held: Vec::new(),
            pending: BTreeMap::new(),
            answered: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// An empty batch with acknowledgements, or with the command that opens the session.
    pub(super) fn batch(&mut self, random: &mut Random, percent: u64) -> proto::SessionBatch {
        let mut batch = proto::SessionBatch {
            session: self.session,
            ..Default::default()
        };
        if !self.opened {
            let operation = Some(Operation::OpenSession(proto::OpenSession {}));
            let command = proto::Command {
                number: self.next_number,
                operation,
            };
            self.next_number += 1;
            self.sent(&command);
            batch.commands.push(command);
            return batch;
        }
        for number in self.answered.clone() {
            if random.below(100) < percent {
                self.answered.remove(&number);
                self.pending.remove(&number);
                self.acknowledged.insert(number);
            }
        }
        if !self.held.is_empty() && random.once_in(100) {
            // Gives a number up without having used it. A late command may still come with it.
            self.acknowledged.insert(self.held[0]);
        }
        if !self.pending.is_empty() && random.once_in(40) {
            // Gives a command up without having heard of it; perhaps it is in this very entry.
            let at = random.below(self.pending.len() as u64) as usize;
            let number = *self.pending.keys().nth(at).unwrap();
            self.pending.remove(&number);
            self.answered.remove(&number);
            self.acknowledged.insert(number);
        }
        let mut line = 1;
        while self.acknowledged.contains(&line) {
            line += 1;
        }
        batch.acknowledged_below = if random.once_in(10) { line / 2 } else { line };
        if !random.once_in(4) {
            batch.acknowledged = ranges(self.acknowledged.range(line..).copied());
        }
        batch
    }

    /// A number never used before.
    pub(super) fn number(&mut self, random: &mut Random) -> u64 {
        if !self.held.is_empty() && random.once_in(4) {
            let at = random.below(self.held.len() as u64) as usize;
            return self.held.swap_remove(at);
        }
        while random.once_in(12) {
            self.held.push(self.next_number);
            self.next_number += 1;
        }
        self.next_number += 1;
        self.next_number - 1
    }

    /// Now and then a command that was sent before, whether it was answered or not.
    pub(super) fn retry(&mut self, random: &mut Random) -> Option<proto::Command> {
        if self.pending.is_empty() || !random.once_in(12) {
            return None;
        }
        let at = random.below(self.pending.len() as u64) as usize;
        self.pending.values().nth(at).cloned()
    }

    /// The number of a receive to release: one sent, one to come, or none at all.
    pub(super) fn receive_to_release(&self, random: &mut Random) -> u64 {
        let receives: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, command)| matches!(command.operation, Some(Operation::Receive(_))))
            .map(|(number, _)| *number)
            .collect();
        let numbers = match random.below(10) {
            0..7 => &receives,
            _ => &self.held,
        };
        if numbers.is_empty() {
            return 1 + random.below(self.next_number + 3);
        }
        // Mostly a late one: what it took is still in flight.
        let late = numbers.len() - numbers.len().min(4);
        let from = if random.once_in(3) { 0 } else { late };
        numbers[from + random.below((numbers.len() - from) as u64) as usize]
    }

    pub(super) fn sent(&mut self, command: &proto::Command) {
        self.pending.insert(command.number, command.clone());
    }

    pub(super) fn answered(&mut self, command: &proto::Command, outcome: &proto::Outcome) {
        match &outcome.kind {
            Some(Kind::Refused(refused)) => match refused.refusal() {
                proto::Refusal::Session => {
                    self.pending.remove(&command.number);
                    self.refusals += 1;
                }
                // Nothing happened: to be sent again under the same number.
                proto::Refusal::WindowFull => {}
                _ => _ = self.answered.insert(command.number),
            },
            _ => {
                self.refusals = 0;
                self.opened = true;
                self.answered.insert(command.number);
            }
        }
    }

    /// Whether the shard seems to have forgotten the session.
    pub(super) fn is_lost(&self) -> bool {
        self.refusals > 4
    }
}

fn ranges(numbers: impl Iterator<Item = u64>) -> Vec<proto::NumberRange> {
    let mut ranges: Vec<proto::NumberRange> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if range.last + 1 == number => range.last = number,
            _ => ranges.push(proto::NumberRange {
                first: number,
                last: number,
            }),
        }
    }
    ranges
}
