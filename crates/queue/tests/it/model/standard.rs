//! Receiving from a standard queue.

use squorum_proto::queue as proto;
use squorum_proto::queue::Refusal;

use super::Desk;
use super::partition::{Partition, State};
use crate::outcome::{received, refused};

impl Partition {
    pub(super) fn receive_standard(
        &mut self,
        desk: &mut Desk<'_>,
        receive: &proto::Receive,
    ) -> proto::Outcome {
        let take_max = self.take_max(desk.rules.in_flight_max, receive);
        if take_max == 0 && !receive.replay_only {
            return refused(Refusal::OverLimit);
        }
        if receive.replay_only {
            return received(Vec::new(), receive);
        }
        let mut chosen = Vec::new();
        while chosen.len() < take_max
            && let Some(seq) = self.next_in_fairness(desk.rules)
        {
            if !self.bury(desk, seq) {
                let at = self.position_of(seq).unwrap();
                self.messages[at].state = State::Chosen;
                chosen.push(seq);
            }
        }
        let mut deliveries = Vec::new();
        for seq in chosen {
            let at = self.position_of(seq).unwrap();
            let timeout_ms = receive.visibility_timeout_ms;
            deliveries.push(self.deliver(at, desk, timeout_ms));
            if timeout_ms == 0 {
                self.give_back(at, false);
            }
        }
        received(deliveries, receive)
    }
}
