//! What is known of one session: the first answer to each number.

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;

use crate::model::PartitionKey;

#[derive(Debug, Default)]
pub(super) struct SessionHistory {
    answers: BTreeMap<u64, proto::Outcome>,
    /// Receives that were answered and not released.
    pub(super) receives: BTreeMap<u64, (PartitionKey, proto::Received)>,
    acknowledged_below: u64,
    acknowledged: Vec<proto::NumberRange>,
}

impl SessionHistory {
    pub(super) fn acknowledge(&mut self, batch: &proto::SessionBatch) {
        self.acknowledged_below = self.acknowledged_below.max(batch.acknowledged_below);
        self.acknowledged.extend(&batch.acknowledged);
    }

    fn is_acknowledged(&self, number: u64) -> bool {
        number < self.acknowledged_below
            || self
                .acknowledged
                .iter()
                .any(|range| (range.first..=range.last).contains(&number))
    }

    /// Whether a command ran now and not before. If it ran before, it must have the answer it had.
    pub(super) fn is_first_answer(
        &mut self,
        number: u64,
        outcome: &proto::Outcome,
    ) -> Result<bool, String> {
        if self.is_acknowledged(number) {
            return Err("P4: ran although it was acknowledged".to_owned());
        }
        match self.answers.get(&number) {
            Some(first) if first == outcome => Ok(false),
            Some(first) => Err(format!("P4: another answer than the first, {first:?}")),
            None => {
                self.answers.insert(number, outcome.clone());
                Ok(true)
            }
        }
    }

    /// A receive is undone; one still to come will find that it was.
    pub(super) fn release(&mut self, number: u64) -> Option<(PartitionKey, proto::Received)> {
        if self.is_acknowledged(number) {
            return None;
        }
        let released = proto::Outcome {
            kind: Some(Kind::Released(proto::Done {})),
        };
        let received = self.receives.remove(&number);
        if received.is_some() || !self.answers.contains_key(&number) {
            self.answers.insert(number, released);
        }
        received
    }
}
