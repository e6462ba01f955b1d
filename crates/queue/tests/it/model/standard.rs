//! Receiving from a standard queue.

use squorum_proto::queue as proto;
use squorum_proto::queue::Refusal;

use super::partition::{Partition, State};
use crate::outcome::{received, refused};

impl Partition {
    pub(super) fn receive_standard(
        &mut self,
        clock_ms: u64,
        in_flight_max: u64,
        next_number: &mut u64,
        receive: &proto::Receive,
    ) -> proto::Outcome {
        let take_max = self.take_max(in_flight_max, receive);
        if take_max == 0 && !receive.replay_only {
            return refused(Refusal::OverLimit);
        }
        if receive.replay_only {
            return received(Vec::new(), receive);
        }
        let mut chosen: Vec<(u64, u64)> = self
            .messages
            .iter()
            .filter(|message| message.state == State::Visible)
            .map(|message| (message.order, message.seq))
            .collect();
        chosen.sort_unstable();
        chosen.truncate(take_max);
        let mut deliveries = Vec::new();
        for (_, seq) in chosen {
            let at = self.position_of(seq).unwrap();
            let timeout_ms = receive.visibility_timeout_ms;
            deliveries.push(self.deliver(at, clock_ms, timeout_ms, next_number));
            if timeout_ms == 0 {
                self.give_back(at, false);
            }
        }
        received(deliveries, receive)
    }
}
