//! A session of a gateway: which outcomes it acknowledged and which wait for that.

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;

use super::PartitionKey;
use crate::outcome::released;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) last_seen_ms: u64,
    acknowledged_below: u64,
    acknowledged: Vec<proto::NumberRange>,
    pub(super) outcomes: BTreeMap<u64, proto::Outcome>,
    /// Where the receives took their messages from.
    pub(super) receives: BTreeMap<u64, PartitionKey>,
}

impl Session {
    pub(super) fn new(clock_ms: u64) -> Session {
        Session {
            last_seen_ms: clock_ms,
            acknowledged_below: 0,
            acknowledged: Vec::new(),
            outcomes: BTreeMap::new(),
            receives: BTreeMap::new(),
        }
    }

    pub(super) fn acknowledge(&mut self, batch: &proto::SessionBatch) {
        self.acknowledged_below = self.acknowledged_below.max(batch.acknowledged_below);
        self.acknowledged.extend(&batch.acknowledged);
        let numbers: Vec<u64> = self.outcomes.keys().copied().collect();
        for number in numbers {
            if self.is_acknowledged(number) {
                self.outcomes.remove(&number);
            }
        }
    }

    pub(super) fn is_acknowledged(&self, number: u64) -> bool {
        number < self.acknowledged_below
            || self
                .acknowledged
                .iter()
                .any(|range| (range.first..=range.last).contains(&number))
    }

    /// Marks a receive as released, whether it ran or is still to come. Answers what it received.
    pub(super) fn release(&mut self, number: u64) -> Option<(PartitionKey, proto::Received)> {
        if self.is_acknowledged(number) {
            return None;
        }
        match self
            .outcomes
            .get(&number)
            .and_then(|outcome| outcome.kind.clone())
        {
            Some(Kind::Received(received)) => {
                self.outcomes.insert(number, released());
                Some((self.receives[&number], received))
            }
            Some(_) => None,
            None => {
                self.outcomes.insert(number, released());
                None
            }
        }
    }
}
