//! A partition: its messages in the order they were sent, and what standard and FIFO queues share.

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_proto::queue as proto;
use squorum_types::limits::{DEDUPLICATION_WINDOW_MS, VISIBILITY_TIMEOUT_MS_MAX};

use super::Desk;
use super::tenants::Tenants;
use crate::outcome::sent;

/// Messages received so often go to the back of a standard queue when they return.
const RECEIVES_BEFORE_BACK_OF_QUEUE: u64 = 3;
/// The lane of messages that a standard queue got with a delay.
const DELAYED_LANE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Of a standard queue, until this time.
    Delayed(u64),
    /// Of a FIFO queue, until the queue's delay is over.
    Immature,
    Visible,
    /// Until this deadline.
    InFlight(u64),
    /// Taken by the receive that is at work.
    Chosen,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) group_id: String,
    pub(crate) lane: u32,
    /// Of a standard queue; 0 if it has none.
    pub(crate) tenant: u32,
    pub(crate) sent_at_ms: u64,
    pub(crate) envelope: Bytes,
    pub(crate) state: State,
    /// Standard: the place among visible messages.
    pub(crate) order: u64,
    /// 0 if there is no delivery whose handle counts.
    pub(crate) delivery_number: u64,
    pub(crate) receive_count: u64,
    pub(crate) first_received_at_ms: u64,
    pub(crate) received_at_ms: u64,
    /// The partition that it was transferred from.
    pub(crate) source: Option<proto::Partition>,
}

#[derive(Clone, Debug)]
struct Deduplication {
    hash: Bytes,
    expires_at_ms: u64,
    seq: u64,
    id: Bytes,
}

/// What an attempt id received.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) hash: Bytes,
    pub(super) expires_at_ms: u64,
    pub(super) deadline_ms: u64,
    pub(super) received: proto::Received,
    /// Receives that gave them and were not undone.
    pub(super) holders: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) visible: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    /// Of the last message; they start from 1.
    pub(super) last_seq: u64,
    pub(super) messages: Vec<Message>,
    deduplication: Vec<Deduplication>,
    pub(super) attempts: Vec<Attempt>,
    /// FIFO groups that stand behind their head's place, because it was received and is back.
    pub(super) rotated: BTreeMap<String, u64>,
    /// The last place behind all others.
    last_place: u64,
    /// That have emptied it.
    pub(crate) purges: u32,
    /// Of the last move task.
    pub(super) progress: Option<proto::MoveProgress>,
    pub(super) tenants: Tenants,
}

impl Partition {
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub(super) fn message(&self, seq: u64) -> Option<&Message> {
        self.messages.iter().find(|message| message.seq == seq)
    }

    pub(super) fn position_of(&self, seq: u64) -> Option<usize> {
        self.messages.iter().position(|message| message.seq == seq)
    }

    pub(super) fn next_seq(&self) -> u64 {
        self.last_seq + 1
    }

    /// Does what time brought.
    pub(super) fn advance(&mut self, clock_ms: u64, settings: &proto::QueueSettings) {
        self.pass_time(clock_ms);
        // Who comes back first stands first.
        let ends = self.messages.iter().map(|message| match message.state {
            State::InFlight(deadline) => deadline,
            _ => u64::MAX,
        });
        let mut ends: Vec<(u64, usize)> = ends.zip(0..).collect();
        ends.sort_unstable();
        for (_, at) in ends {
            match self.messages[at].state {
                State::InFlight(deadline) if deadline <= clock_ms => {
                    self.give_back(at, settings.fifo);
                }
                State::Delayed(until) if until <= clock_ms => self.show(at),
                _ => {}
            }
        }
        for message in &mut self.messages {
            if message.state == State::Immature {
                if message.sent_at_ms + settings.delay_ms > clock_ms {
                    break;
                }
                message.state = State::Visible;
            }
        }
        let expired = |message: &Message| message.sent_at_ms + settings.retention_ms <= clock_ms;
        while let Some(at) = self.messages.iter().position(expired) {
            self.remove(at);
        }
        self.deduplication
            .retain(|record| record.expires_at_ms > clock_ms);
        self.attempts
            .retain(|attempt| attempt.expires_at_ms > clock_ms);
    }

    /// Makes a message that was received visible again.
    pub(super) fn give_back(&mut self, at: usize, fifo: bool) {
        self.show(at);
        if fifo {
            self.group_goes_back(at);
        } else {
            let back = self.messages[at].receive_count >= RECEIVES_BEFORE_BACK_OF_QUEUE;
            let seq = self.messages[at].seq;
            self.messages[at].order = if back { self.last_place() } else { seq };
        }
    }

    /// Puts a group behind the others whose head is visible again.
    fn group_goes_back(&mut self, at: usize) {
        let group_id = self.messages[at].group_id.clone();
        let mut before = self.messages[..at].iter();
        if before.all(|other| other.group_id != group_id) {
            let place = self.last_place();
            self.rotated.insert(group_id, place);
        }
    }

    /// The place behind all that are there, and behind all that were put there before.
    pub(super) fn last_place(&mut self) -> u64 {
        self.last_place = self.next_seq().max(self.last_place + 1);
        self.last_place
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.leave_flight(at);
        let message = self.messages.remove(at);
        let mut before = self.messages[..at].iter();
        if before.all(|other| other.group_id != message.group_id) {
            // The group has another head, which stands at its own place.
            self.rotated.remove(&message.group_id);
        }
    }

    pub(super) fn purge(&mut self) {
        let (last_seq, progress) = (self.last_seq, self.progress);
        *self = Partition {
            last_seq,
            progress,
            purges: self.purges + 1,
            ..Partition::default()
        };
    }

    pub(super) fn send(
        &mut self,
        clock_ms: u64,
        settings: &proto::QueueSettings,
        messages: &[proto::NewMessage],
    ) -> proto::Outcome {
        sent(messages.iter().map(|new| {
            if settings.fifo {
                self.send_fifo(clock_ms, settings, new)
            } else {
                let until = match new.deliver_at_ms {
                    0 => clock_ms + new.delay_ms,
                    deliver_at_ms => deliver_at_ms,
                };
                let state = if until > clock_ms {
                    State::Delayed(until)
                } else {
                    State::Visible
                };
                self.push(clock_ms, state, new, new.tenant)
            }
        }))
    }

    fn send_fifo(
        &mut self,
        clock_ms: u64,
        settings: &proto::QueueSettings,
        new: &proto::NewMessage,
    ) -> proto::SentMessage {
        let hash = &new.deduplication_hash;
        if let Some(first) = self.deduplication.iter().find(|record| record.hash == hash) {
            return proto::SentMessage {
                seq: first.seq,
                duplicate_of: first.id.clone(),
            };
        }
        let sent = self.push(clock_ms, self.state_of_new(settings), new, 0);
        self.deduplication.push(Deduplication {
            hash: hash.clone(),
            expires_at_ms: clock_ms + DEDUPLICATION_WINDOW_MS,
            seq: sent.seq,
            id: new.id.clone(),
        });
        sent
    }

    /// Of a message that comes into a FIFO queue now.
    fn state_of_new(&self, settings: &proto::QueueSettings) -> State {
        let immature = |message: &Message| message.state == State::Immature;
        if settings.delay_ms == 0 && !self.messages.iter().any(immature) {
            State::Visible
        } else {
            State::Immature
        }
    }

    fn push(
        &mut self,
        clock_ms: u64,
        state: State,
        new: &proto::NewMessage,
        tenant: u32,
    ) -> proto::SentMessage {
        let seq = self.next_seq();
        self.last_seq = seq;
        if state == State::Visible {
            self.backlog_begins(tenant);
        }
        self.messages.push(Message {
            seq,
            group_id: new.group_id.clone(),
            lane: if tenant > 0 || matches!(state, State::Delayed(_)) {
                DELAYED_LANE
            } else {
                0
            },
            tenant,
            sent_at_ms: clock_ms,
            envelope: new.envelope.clone(),
            state,
            order: seq,
            delivery_number: 0,
            receive_count: 0,
            first_received_at_ms: 0,
            received_at_ms: 0,
            source: None,
        });
        proto::SentMessage {
            seq,
            duplicate_of: Bytes::new(),
        }
    }

    /// Stores a message that left another queue, or this one.
    pub(super) fn arrive(
        &mut self,
        clock_ms: u64,
        settings: &proto::QueueSettings,
        message: &proto::TransferredMessage,
        envelope: Bytes,
    ) {
        let new = proto::NewMessage {
            envelope,
            group_id: message.group_id.clone(),
            ..Default::default()
        };
        let state = if settings.fifo {
            self.state_of_new(settings)
        } else {
            State::Visible
        };
        let tenant = if settings.fifo { 0 } else { message.tenant };
        self.push(clock_ms, state, &new, tenant);
        if message.r#move.is_some() {
            return;
        }
        self.keeps_its_past(clock_ms, settings, message, message.source);
    }

    /// The message that was stored last has been received before, elsewhere or here.
    fn keeps_its_past(
        &mut self,
        clock_ms: u64,
        settings: &proto::QueueSettings,
        message: &proto::TransferredMessage,
        source: Option<proto::Partition>,
    ) {
        let arrived = self.messages.last_mut().unwrap();
        arrived.source = source;
        arrived.receive_count = message.receive_count;
        arrived.first_received_at_ms = message.first_received_at_ms;
        if !settings.fifo {
            arrived.lane = DELAYED_LANE;
            arrived.sent_at_ms = message.sent_at_ms.min(clock_ms);
            self.give_back(self.messages.len() - 1, false);
        }
    }

    /// Takes back what had left for a queue that is gone.
    pub(super) fn come_back(
        &mut self,
        clock_ms: u64,
        settings: &proto::QueueSettings,
        message: &proto::TransferredMessage,
    ) {
        let sent_on = message.r#move;
        let new = proto::TransferredMessage {
            r#move: Some(sent_on.unwrap_or_default()),
            ..message.clone()
        };
        self.arrive(clock_ms, settings, &new, message.envelope.clone());
        if message.receive_count > 0 {
            let source = sent_on.and_then(|sent_on| sent_on.origin);
            self.keeps_its_past(clock_ms, settings, message, source);
        }
    }

    pub(super) fn leaving(
        &self,
        desk: &Desk<'_>,
        at: usize,
        dead_letter_source: String,
    ) -> proto::TransferredMessage {
        let message = &self.messages[at];
        proto::TransferredMessage {
            envelope: message.envelope.clone(),
            sent_at_ms: message.sent_at_ms,
            group_id: message.group_id.clone(),
            receive_count: message.receive_count,
            first_received_at_ms: message.first_received_at_ms,
            source: Some(proto::Partition {
                queue: desk.key.0,
                index: desk.key.1,
            }),
            dead_letter_source,
            r#move: None,
            tenant: message.tenant,
        }
    }

    /// Lets a message leave that was received too often; false if it was not, or cannot leave.
    pub(super) fn bury(&mut self, desk: &mut Desk<'_>, seq: u64) -> bool {
        let at = self.position_of(seq).unwrap();
        let message = &self.messages[at];
        let Some(dead_letters) = desk.dead_letters else {
            return false;
        };
        let too_often = message.receive_count >= dead_letters.receives_max;
        if !too_often || desk.outbox.len() >= desk.rules.outbox_max {
            return false;
        }
        let leaving = self.leaving(desk, at, dead_letters.source_arn.clone());
        desk.outbox
            .push(&dead_letters.target.unwrap(), seq, leaving);
        self.remove(at);
        true
    }

    /// One delivery of the message. With a visibility timeout of zero it does not go into flight.
    pub(super) fn deliver(
        &mut self,
        at: usize,
        desk: &mut Desk<'_>,
        visibility_timeout_ms: u64,
    ) -> proto::DeliveredMessage {
        let clock_ms = desk.clock_ms;
        let message = &mut self.messages[at];
        if message.receive_count == 0 {
            message.first_received_at_ms = clock_ms;
        }
        message.receive_count += 1;
        message.received_at_ms = clock_ms;
        message.delivery_number = *desk.next_number;
        *desk.next_number += 1;
        let delivered = proto::DeliveredMessage {
            seq: message.seq,
            delivery_number: message.delivery_number,
            receive_count: message.receive_count,
            first_received_at_ms: message.first_received_at_ms,
            lane: message.lane,
        };
        if visibility_timeout_ms > 0 {
            self.fly(at, clock_ms + visibility_timeout_ms);
        }
        delivered
    }

    /// How many messages a receive may take at most. With a full flight that is none.
    pub(super) fn take_max(&self, in_flight_max: u64, receive: &proto::Receive) -> usize {
        let room = in_flight_max.saturating_sub(self.status().in_flight);
        room.min(receive.messages_max.into()) as usize
    }

    pub(super) fn delete(
        &mut self,
        clock_ms: u64,
        fifo: bool,
        delivery: &proto::DeliveryReference,
    ) -> proto::EntryResult {
        let Some(at) = self.position_of(delivery.seq) else {
            return proto::EntryResult::Ok;
        };
        let message = &self.messages[at];
        if !fifo && message.receive_count == 0 {
            // No handle of a message that nobody received can be right.
            return proto::EntryResult::Ok;
        }
        let current = message.delivery_number == delivery.delivery_number
            && matches!(message.state, State::InFlight(deadline) if deadline > clock_ms);
        if fifo && !current {
            return proto::EntryResult::Expired;
        }
        self.remove(at);
        proto::EntryResult::Ok
    }

    pub(super) fn change_visibility(
        &mut self,
        clock_ms: u64,
        fifo: bool,
        change: &proto::VisibilityChange,
    ) -> proto::EntryResult {
        let delivery = change.delivery.as_ref().unwrap();
        let Some(at) = self.position_of(delivery.seq) else {
            return proto::EntryResult::NotAvailable;
        };
        let message = &mut self.messages[at];
        let in_flight = matches!(message.state, State::InFlight(deadline) if deadline > clock_ms);
        let current = in_flight && message.delivery_number == delivery.delivery_number;
        if message.receive_count == 0 || (fifo && !current) {
            return proto::EntryResult::NotAvailable;
        }
        let deadline_ms = clock_ms + change.visibility_timeout_ms;
        if deadline_ms > message.received_at_ms + VISIBILITY_TIMEOUT_MS_MAX {
            return proto::EntryResult::BeyondLimit;
        }
        if change.visibility_timeout_ms > 0 {
            self.fly(at, deadline_ms);
        } else if in_flight {
            self.give_back(at, fifo);
        }
        proto::EntryResult::Ok
    }

    /// Undoes the deliveries of a receive that nothing followed.
    pub(super) fn release(&mut self, fifo: bool, received: &proto::Received) {
        if !received.attempt_hash.is_empty() {
            let same = |attempt: &&mut Attempt| {
                attempt.hash == received.attempt_hash
                    && attempt.received.messages == received.messages
            };
            // Without a record nobody knows who else has them.
            let Some(attempt) = self.attempts.iter_mut().find(same) else {
                return;
            };
            attempt.holders -= 1;
            if attempt.holders > 0 {
                return;
            }
            self.attempts.retain(|attempt| attempt.holders > 0);
        }
        for delivered in &received.messages {
            let number = delivered.delivery_number;
            let Some(at) = self.position_of(delivered.seq) else {
                continue;
            };
            let message = &mut self.messages[at];
            if message.delivery_number != number || !matches!(message.state, State::InFlight(_)) {
                continue;
            }
            message.delivery_number = 0;
            message.receive_count -= 1;
            if message.receive_count == 0 {
                message.first_received_at_ms = 0;
            }
            if fifo {
                // As if it had not been received.
                self.show(at);
            } else {
                self.give_back(at, false);
            }
        }
    }

    pub(crate) fn status(&self) -> Status {
        let mut status = Status::default();
        for message in &self.messages {
            match message.state {
                State::Visible => status.visible += 1,
                State::InFlight(_) => status.in_flight += 1,
                State::Delayed(_) | State::Immature => status.delayed += 1,
                State::Chosen => {}
            }
        }
        status
    }

    /// When the counts change by themselves.
    pub(super) fn next_due_ms(&self, settings: &proto::QueueSettings) -> Option<u64> {
        let mut dues_ms: Vec<u64> = Vec::new();
        let oldest = self.oldest_sent_at_ms();
        dues_ms.extend(oldest.map(|sent_at_ms| sent_at_ms + settings.retention_ms));
        for message in &self.messages {
            match message.state {
                State::InFlight(at_ms) | State::Delayed(at_ms) => dues_ms.push(at_ms),
                State::Immature => {
                    dues_ms.push(message.sent_at_ms + settings.delay_ms);
                    break;
                }
                State::Visible | State::Chosen => {}
            }
        }
        dues_ms.into_iter().min()
    }

    pub(crate) fn oldest_sent_at_ms(&self) -> Option<u64> {
        let times = self.messages.iter().map(|message| message.sent_at_ms);
        times.min()
    }

    /// The times at which something happens by itself.
    pub(super) fn dues_ms(&self, settings: &proto::QueueSettings) -> Vec<u64> {
        let mut dues_ms = Vec::new();
        for message in &self.messages {
            dues_ms.push(message.sent_at_ms + settings.retention_ms);
            match message.state {
                State::InFlight(at_ms) | State::Delayed(at_ms) => dues_ms.push(at_ms),
                State::Immature => dues_ms.push(message.sent_at_ms + settings.delay_ms),
                State::Visible | State::Chosen => {}
            }
        }
        dues_ms.extend(self.deduplication.iter().map(|record| record.expires_at_ms));
        dues_ms.extend(self.attempts.iter().map(|attempt| attempt.expires_at_ms));
        dues_ms
    }
}
