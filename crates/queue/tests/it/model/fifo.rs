//! Receiving from a FIFO queue.

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_types::limits::RECEIVE_ATTEMPT_WINDOW_MS;

use super::Desk;
use super::partition::{Attempt, Partition, State};
use crate::outcome::{received, received_of};

impl Partition {
    pub(super) fn receive_fifo(
        &mut self,
        desk: &mut Desk<'_>,
        receive: &proto::Receive,
    ) -> proto::Outcome {
        let clock_ms = desk.clock_ms;
        if let Some(replayed) = self.replay(clock_ms, receive) {
            return received_of(replayed);
        }
        let take_max = self.take_max(desk.rules.in_flight_max, receive);
        if receive.replay_only || take_max == 0 {
            return received(Vec::new(), receive);
        }
        let timeout_ms = receive.visibility_timeout_ms;
        let mut deliveries = Vec::new();
        let mut served = Vec::new();
        for seq in self.choose_or_bury(desk, take_max) {
            let at = self.position_of(seq).unwrap();
            deliveries.push(self.deliver(at, desk, timeout_ms));
            served.push(self.messages[at].group_id.clone());
        }
        served.dedup();
        for group_id in served {
            self.rotated.remove(&group_id);
            if timeout_ms == 0 {
                let place = self.last_place();
                self.rotated.insert(group_id, place);
            }
        }
        let outcome = received(deliveries.clone(), receive);
        self.attempts
            .retain(|attempt| attempt.hash != receive.attempt_hash);
        if !receive.attempt_hash.is_empty() && !deliveries.is_empty() {
            self.attempts.push(Attempt {
                hash: receive.attempt_hash.clone(),
                expires_at_ms: clock_ms + RECEIVE_ATTEMPT_WINDOW_MS,
                deadline_ms: clock_ms + timeout_ms,
                received: proto::Received {
                    messages: deliveries,
                    attempt_hash: receive.attempt_hash.clone(),
                    partition: receive.partition,
                },
                holders: 1,
            });
        }
        outcome
    }

    /// What is chosen once nothing of it was received too often.
    pub(super) fn choose_or_bury(&mut self, desk: &mut Desk<'_>, messages_max: usize) -> Vec<u64> {
        loop {
            let chosen = self.choose(messages_max);
            let buried: Vec<bool> = chosen.iter().map(|seq| self.bury(desk, *seq)).collect();
            if !buried.contains(&true) {
                return chosen;
            }
        }
    }

    /// The visible messages at the front of each group, group by group.
    fn choose(&self, messages_max: usize) -> Vec<u64> {
        let mut groups: BTreeMap<&str, Vec<(u64, State)>> = BTreeMap::new();
        for message in &self.messages {
            let group = groups.entry(&message.group_id).or_default();
            group.push((message.seq, message.state));
        }
        let mut order: Vec<(u64, u64, &str)> = groups
            .iter()
            .map(|(group_id, messages)| {
                let head_seq = messages[0].0;
                (
                    self.rotated.get(*group_id).copied().unwrap_or(head_seq),
                    head_seq,
                    *group_id,
                )
            })
            .collect();
        order.sort_unstable();
        let front = |group_id: &str| {
            let messages = groups[group_id].iter();
            messages
                .take_while(|(_, state)| *state == State::Visible)
                .map(|(seq, _)| *seq)
        };
        order
            .iter()
            .flat_map(|(_, _, group_id)| front(group_id))
            .take(messages_max)
            .collect()
    }

    /// What the attempt id received before, if all of it is as that receive left it.
    fn replay(&mut self, clock_ms: u64, receive: &proto::Receive) -> Option<proto::Received> {
        let found = self.attempts.iter().position(|attempt| {
            !receive.attempt_hash.is_empty() && attempt.hash == receive.attempt_hash
        })?;
        let attempt = self.attempts[found].clone();
        let unchanged = attempt.received.messages.iter().all(|delivered| {
            self.message(delivered.seq).is_some_and(|message| {
                message.delivery_number == delivered.delivery_number
                    && message.state == State::InFlight(attempt.deadline_ms)
            })
        });
        // A timeout of zero would end the deliveries, not repeat them.
        if !unchanged || receive.visibility_timeout_ms == 0 {
            return None;
        }
        let deadline_ms = clock_ms + receive.visibility_timeout_ms;
        self.attempts[found].deadline_ms = deadline_ms;
        self.attempts[found].holders += 1;
        for delivered in &attempt.received.messages {
            let at = self.position_of(delivered.seq).unwrap();
            self.messages[at].state = State::InFlight(deadline_ms);
        }
        Some(self.attempts[found].received.clone())
    }

    /// Groups whose head can be received now.
    pub(crate) fn available_groups(&self) -> u64 {
        let mut heads: BTreeMap<&str, State> = BTreeMap::new();
        for message in &self.messages {
            heads.entry(&message.group_id).or_insert(message.state);
        }
        heads
            .values()
            .filter(|state| **state == State::Visible)
            .count() as u64
    }
}
