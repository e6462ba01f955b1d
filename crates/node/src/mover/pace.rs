//! How fast a task goes, and what its driver remembers from step to step.

use std::collections::BTreeMap;
use std::time::Duration;

use squorum_meta::QueueKey;
use squorum_types::QueueId;
use squorum_types::limits::MOVES_PER_SECOND;
use squorum_types::service::{MoveFailure, MoveTask};
use tokio::time::Instant;

/// Time that a task may make up for, after its driver was held up.
const CREDIT_MAX: Duration = Duration::from_secs(1);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pace {
    /// Thousandths of messages that may be moved.
    credit: u64,
    counted_at: Instant,
    reported: u64,
    reported_at: Instant,
    /// The partition that gets the first of what cannot be shared out evenly.
    turn: usize,
    /// What every partition has still to move; empty until they have said so.
    left: Vec<u64>,
    /// Names of the queues that messages came from and that do not name this one any more.
    pub(super) origins: BTreeMap<QueueId, QueueKey>,
    pub(super) failure: Option<MoveFailure>,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            credit: 0,
            counted_at: Instant::now(),
            reported: 0,
            reported_at: Instant::now(),
            turn: 0,
            left: Vec::new(),
            origins: BTreeMap::new(),
            failure: None,
        }
    }
}

impl Pace {
    /// What every partition has still to move, in their order.
    pub(super) fn set_left(&mut self, left: impl Iterator<Item = u64>) {
        self.left = left.collect();
    }

    /// Messages to move now.
    pub(super) fn count(&mut self, task: &MoveTask) -> u32 {
        let rate = task.messages_per_second_max;
        let rate = u64::from(rate.unwrap_or(*MOVES_PER_SECOND.end() as u32));
        let passed = self.counted_at.elapsed().min(CREDIT_MAX);
        self.counted_at = Instant::now();
        self.credit = (self.credit + rate * passed.as_millis() as u64).min(rate * 1_000);
        // What is there to move is not known before partitions were asked.
        let count = match self.left.is_empty() {
            true => 0,
            false => self.credit / 1_000,
        };
        self.credit -= count * 1_000;
        count as u32
    }

    /// Shares `count` out over the partitions, as far as each has something left.
    pub(super) fn shares(&mut self, count: u32, partitions: usize) -> Vec<u32> {
        let mut shares = vec![0; partitions];
        let mut left = self.left.clone();
        left.resize(partitions, 0);
        for _ in 0..count {
            let mut in_turn = (0..partitions).map(|step| (self.turn + step) % partitions);
            let Some(at) = in_turn.find(|at| left[*at] > 0) else {
                break;
            };
            left[at] -= 1;
            shares[at] += 1;
            self.turn = (at + 1) % partitions;
        }
        shares
    }

    pub(super) fn report_is_due(&mut self, moved: u64) -> bool {
        let due = moved != self.reported && self.reported_at.elapsed() >= REPORT_INTERVAL;
        if due {
            (self.reported, self.reported_at) = (moved, Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_take_turns() {
        let mut pace = Pace::default();
        pace.set_left([9, 9, 9].into_iter());
        assert_eq!(pace.shares(7, 3), [3, 2, 2]);
        assert_eq!(pace.shares(4, 3), [1, 2, 1]);
        assert_eq!(pace.shares(2, 3), [1, 0, 1]);
        assert_eq!(pace.shares(0, 3), [0, 0, 0]);
        assert_eq!(pace.shares(5, 1), [5]);
    }

    #[test]
    fn who_has_nothing_left_gets_no_share() {
        let mut pace = Pace::default();
        assert_eq!(pace.shares(5, 3), [0, 0, 0]);
        pace.set_left([0, 14, 0].into_iter());
        assert_eq!(pace.shares(3, 3), [0, 3, 0]);
        pace.set_left([1, 14, 0].into_iter());
        assert_eq!(pace.shares(4, 3), [1, 3, 0]);
        pace.set_left([1, 1, 0].into_iter());
        assert_eq!(pace.shares(4, 3), [1, 1, 0]);
    }
}
