//! The naive reference: the semantics of a shard in plain vectors and maps, everything by walking
//! through everything. No indexes, windows, cursors, floors or rows: as obviously right as possible
//! and independent of how the state machine does it.
//!
//! It predicts every outcome, the bodies that a receive is owed, every status and the clock. What
//! it leaves out is bookkeeping that nobody sees: budgets (its loops always finish) and the sweep
//! of purged rows.

mod fifo;
mod moving;
mod partition;
mod session;
mod standard;
mod tenants;
mod transfers;

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_proto::queue::Refusal;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;

pub(crate) use self::partition::{Partition, State};
use self::session::Session;
use self::transfers::{Came, Outbox, envelope_of};
use crate::outcome::{done, refused, refused_version, results};

/// The furthest that one entry's stamp moves the clock.
const CLOCK_STEP_MS_MAX: u64 = 60_000;

/// The limits that are part of what commands do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) session_window: usize,
    pub(crate) sessions_max: usize,
    pub(crate) session_ttl_ms: u64,
    pub(crate) session_quiet_ms: u64,
    pub(crate) in_flight_max: u64,
    pub(crate) noisy_in_flight_min: u64,
    pub(crate) outbox_max: u64,
}

/// What the reference expects of one command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) session: u64,
    pub(crate) number: u64,
    pub(crate) outcome: proto::Outcome,
    /// Send time and envelope of each message that is owed: a receive's, or one that has no route.
    pub(crate) messages: Vec<(u64, bytes::Bytes)>,
}

/// A partition's queue and index.
pub(crate) type PartitionKey = (u64, u32);

#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) version: u64,
    pub(crate) settings: proto::QueueSettings,
    pub(crate) purge_id: u64,
    pub(crate) dropped: bool,
    pub(crate) dead_letters_gone: bool,
}

impl Queue {
    /// Known by no `Configure`.
    fn unknown() -> Queue {
        Queue {
            version: 0,
            settings: proto::QueueSettings::default(),
            purge_id: 0,
            dropped: false,
            dead_letters_gone: false,
        }
    }

    fn is_live(&self) -> bool {
        self.version > 0 && !self.dropped
    }
}

/// What a receive works with, apart from its partition.
struct Desk<'a> {
    clock_ms: u64,
    rules: Rules,
    next_number: &'a mut u64,
    key: PartitionKey,
    dead_letters: Option<&'a proto::DeadLetters>,
    outbox: &'a mut Outbox,
}

#[derive(Debug)]
pub(crate) struct Model {
    rules: Rules,
    clock_ms: Option<u64>,
    next_delivery_number: u64,
    sessions: BTreeMap<u64, Session>,
    pub(crate) queues: BTreeMap<u64, Queue>,
    pub(crate) partitions: BTreeMap<PartitionKey, Partition>,
    pub(crate) outbox: Outbox,
    /// By source shard.
    inbox: BTreeMap<u32, Came>,
    /// Send time and envelope of what the last command found no route for.
    unrouted: Option<(u64, bytes::Bytes)>,
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Model {
        Model {
            rules,
            clock_ms: None,
            next_delivery_number: 1,
            sessions: BTreeMap::new(),
            queues: BTreeMap::new(),
            partitions: BTreeMap::new(),
            outbox: Outbox::default(),
            inbox: BTreeMap::new(),
            unrouted: None,
        }
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        self.clock_ms.unwrap_or(0)
    }

    /// The number of the next transfer from a shard.
    pub(crate) fn next_from(&self, source_shard: u32) -> u64 {
        let came = self.inbox.get(&source_shard);
        came.map_or(1, |came| came.next_number)
    }

    pub(crate) fn is_fifo(&self, queue: u64) -> bool {
        let queue = self.queues.get(&queue);
        queue.is_some_and(|queue| queue.settings.fifo)
    }

    /// When a partition's counts change by themselves.
    pub(crate) fn next_due_ms(&self, key: PartitionKey) -> Option<u64> {
        self.partitions[&key].next_due_ms(&self.queues[&key.0].settings)
    }

    /// When something happens by itself from now on, soonest first.
    pub(crate) fn dues_ms(&self) -> Vec<u64> {
        let partitions = self.partitions.iter();
        let mut dues_ms: Vec<u64> = partitions
            .flat_map(|(key, partition)| partition.dues_ms(&self.queues[&key.0].settings))
            .collect();
        let sessions = self.sessions.values();
        dues_ms.extend(sessions.map(|session| session.last_seen_ms + self.rules.session_ttl_ms));
        dues_ms.retain(|due_ms| *due_ms > self.clock_ms());
        dues_ms.sort_unstable();
        dues_ms.dedup();
        dues_ms
    }

    pub(crate) fn apply(&mut self, entry: &proto::Entry) -> Vec<Expected> {
        self.move_clock(entry);
        let mut expected = Vec::new();
        for batch in &entry.batches {
            self.apply_batch(batch, &mut expected);
        }
        let (clock_ms, ttl_ms) = (self.clock_ms(), self.rules.session_ttl_ms);
        self.sessions
            .retain(|_, session| clock_ms - session.last_seen_ms < ttl_ms);
        expected
    }

    fn move_clock(&mut self, entry: &proto::Entry) {
        self.clock_ms = Some(match self.clock_ms {
            None => entry.now_ms,
            Some(clock_ms) if entry.first_stamp => clock_ms.max(entry.now_ms),
            Some(clock_ms) => clock_ms.max(entry.now_ms.min(clock_ms + CLOCK_STEP_MS_MAX)),
        });
    }

    fn apply_batch(&mut self, batch: &proto::SessionBatch, expected: &mut Vec<Expected>) {
        let clock_ms = self.clock_ms();
        let first = batch
            .commands
            .first()
            .and_then(|command| command.operation.as_ref());
        let opens = matches!(first, Some(Operation::OpenSession(_))) && batch.session != 0;
        if opens && !self.sessions.contains_key(&batch.session) {
            self.open_session(batch.session, clock_ms);
        }
        if let Some(session) = self.sessions.get_mut(&batch.session) {
            session.last_seen_ms = clock_ms;
            session.acknowledge(batch);
        }
        for command in &batch.commands {
            let outcome = self.outcome_of(batch.session, command);
            let mut messages = self.bodies(command, &outcome);
            messages.extend(self.unrouted.take());
            let (session, number) = (batch.session, command.number);
            expected.push(Expected {
                session,
                number,
                outcome,
                messages,
            });
        }
    }

    /// In a full house the session that was silent for longest makes room, if that is long.
    fn open_session(&mut self, id: u64, clock_ms: u64) {
        let Rules {
            sessions_max,
            session_quiet_ms,
            ..
        } = self.rules;
        if self.sessions.len() == sessions_max {
            let mut by_age: Vec<_> = self.sessions.iter().collect();
            by_age.sort_by_key(|(id, session)| (session.last_seen_ms, **id));
            let (oldest, last_seen_ms) = (*by_age[0].0, by_age[0].1.last_seen_ms);
            if clock_ms - last_seen_ms < session_quiet_ms {
                return;
            }
            self.sessions.remove(&oldest);
        }
        self.sessions.insert(id, Session::new(clock_ms));
    }

    /// Exactly-once: what a command of a session answers, whether it runs now, ran before or is
    /// refused.
    fn outcome_of(&mut self, session_id: u64, command: &proto::Command) -> proto::Outcome {
        let Some(session) = self.sessions.get(&session_id) else {
            return refused(Refusal::Session);
        };
        if command.number == 0 || session.is_acknowledged(command.number) {
            return refused(Refusal::Session);
        }
        if let Some(outcome) = session.outcomes.get(&command.number) {
            return outcome.clone();
        }
        let exempt = matches!(
            command.operation,
            Some(Operation::OpenSession(_) | Operation::Release(_) | Operation::Tick(_))
        );
        if !exempt && session.outcomes.len() >= self.rules.session_window {
            return refused(Refusal::WindowFull);
        }
        let outcome = match &command.operation {
            Some(operation) => self.run(session_id, command.number, operation),
            None => refused(Refusal::Malformed),
        };
        let session = self.sessions.get_mut(&session_id).unwrap();
        session.outcomes.insert(command.number, outcome.clone());
        outcome
    }

    fn run(&mut self, session: u64, number: u64, operation: &Operation) -> proto::Outcome {
        match operation {
            Operation::OpenSession(_) => done(),
            Operation::Tick(tick) => self.tick(tick),
            Operation::Configure(configure) => self.configure(configure),
            Operation::Drop(drop) => self.drop_queue(drop),
            Operation::Purge(purge) => self.purge(purge),
            Operation::Send(send) => self.send(send),
            Operation::Receive(receive) => {
                let outcome = self.receive(receive);
                let session = self.sessions.get_mut(&session).unwrap();
                session.receives.insert(number, key_of(&receive.partition));
                outcome
            }
            Operation::Delete(delete) => self.delete(delete),
            Operation::ChangeVisibility(change) => self.change_visibility(change),
            Operation::Release(release) => self.release(session, number, release.receive_number),
            Operation::AcceptTransfers(accept) => self.accept_transfers(accept),
            Operation::TruncateOutbox(truncate) => self.truncate_outbox(truncate),
            Operation::MoveMessages(command) => self.move_messages(command),
        }
    }

    fn tick(&mut self, tick: &proto::Tick) -> proto::Outcome {
        let clock_ms = self.clock_ms();
        for partition in &tick.partitions {
            let key = (partition.queue, partition.index);
            let queue = self.queues.get(&key.0);
            if let Some(queue) = queue.filter(|queue| queue.is_live()) {
                self.partitions
                    .entry(key)
                    .or_default()
                    .advance(clock_ms, &queue.settings);
            }
        }
        done()
    }

    fn configure(&mut self, configure: &proto::Configure) -> proto::Outcome {
        let Some(settings) = configure.settings.clone() else {
            return refused(Refusal::Malformed);
        };
        let version = configure.version;
        match self.queues.get_mut(&configure.queue) {
            Some(queue) if queue.dropped => return refused(Refusal::QueueDropped),
            Some(queue) if queue.version >= version => {}
            Some(queue) => {
                (queue.version, queue.settings) = (version, settings);
                queue.dead_letters_gone = false;
            }
            None => {
                let queue = Queue {
                    version,
                    settings,
                    ..Queue::unknown()
                };
                self.queues.insert(configure.queue, queue);
            }
        }
        done()
    }

    fn drop_queue(&mut self, drop: &proto::Drop) -> proto::Outcome {
        let queue = self.queues.entry(drop.queue);
        queue.or_insert_with(Queue::unknown).dropped = true;
        self.partitions.retain(|key, _| key.0 != drop.queue);
        done()
    }

    fn purge(&mut self, purge: &proto::Purge) -> proto::Outcome {
        let queue = self.queues.entry(purge.queue);
        let queue = queue.or_insert_with(Queue::unknown);
        if queue.dropped {
            return refused(Refusal::QueueDropped);
        }
        if purge.purge_id > queue.purge_id {
            queue.purge_id = purge.purge_id;
            let partitions = self.partitions.iter_mut();
            for (_, partition) in partitions.filter(|(key, _)| key.0 == purge.queue) {
                partition.purge();
            }
        }
        done()
    }

    /// The partition of a command at the present, or why the command is refused.
    fn partition(
        &mut self,
        partition: &Option<proto::Partition>,
        version: u64,
    ) -> Result<(&mut Partition, &Queue, &mut Outbox), proto::Outcome> {
        let clock_ms = self.clock_ms();
        let key = key_of(partition);
        let queue = match self.queues.get(&key.0) {
            Some(queue) if queue.dropped => return Err(refused(Refusal::QueueDropped)),
            Some(queue) if queue.version > 0 => queue,
            _ => return Err(refused_version(Refusal::VersionUnknown, 0)),
        };
        if queue.version != version {
            let behind = queue.version < version;
            let refusal = if behind {
                Refusal::VersionUnknown
            } else {
                Refusal::VersionOld
            };
            return Err(refused_version(refusal, queue.version));
        }
        let partition = self.partitions.entry(key).or_default();
        partition.advance(clock_ms, &queue.settings);
        Ok((partition, queue, &mut self.outbox))
    }

    fn send(&mut self, send: &proto::Send) -> proto::Outcome {
        let clock_ms = self.clock_ms();
        match self.partition(&send.partition, send.version) {
            Ok((partition, queue, _)) => partition.send(clock_ms, &queue.settings, &send.messages),
            Err(outcome) => outcome,
        }
    }

    fn receive(&mut self, receive: &proto::Receive) -> proto::Outcome {
        let (clock_ms, rules) = (self.clock_ms(), self.rules);
        let mut next_number = self.next_delivery_number;
        let outcome = match self.partition(&receive.partition, receive.version) {
            Ok((partition, queue, outbox)) => {
                let dead_letters = queue.settings.dead_letters.as_ref();
                let mut desk = Desk {
                    clock_ms,
                    rules,
                    next_number: &mut next_number,
                    key: key_of(&receive.partition),
                    dead_letters: dead_letters.filter(|_| !queue.dead_letters_gone),
                    outbox,
                };
                if queue.settings.fifo {
                    partition.receive_fifo(&mut desk, receive)
                } else {
                    partition.receive_standard(&mut desk, receive)
                }
            }
            Err(outcome) => outcome,
        };
        self.next_delivery_number = next_number;
        outcome
    }

    fn delete(&mut self, delete: &proto::Delete) -> proto::Outcome {
        let clock_ms = self.clock_ms();
        match self.partition(&delete.partition, delete.version) {
            Ok((partition, queue, _)) => results(
                delete
                    .deliveries
                    .iter()
                    .map(|one| partition.delete(clock_ms, queue.settings.fifo, one)),
            ),
            Err(outcome) => outcome,
        }
    }

    fn change_visibility(&mut self, change: &proto::ChangeVisibility) -> proto::Outcome {
        let clock_ms = self.clock_ms();
        match self.partition(&change.partition, change.version) {
            Ok((partition, queue, _)) => results(
                change
                    .changes
                    .iter()
                    .map(|one| partition.change_visibility(clock_ms, queue.settings.fifo, one)),
            ),
            Err(outcome) => outcome,
        }
    }

    fn release(&mut self, session: u64, own_number: u64, number: u64) -> proto::Outcome {
        if number == 0 || number == own_number {
            return refused(Refusal::Malformed);
        }
        let session = self.sessions.get_mut(&session).unwrap();
        if let Some((key, received)) = session.release(number) {
            let clock_ms = self.clock_ms();
            if let Some(partition) = self.partitions.get_mut(&key) {
                let settings = &self.queues[&key.0].settings;
                partition.advance(clock_ms, settings);
                partition.release(settings.fifo, &received);
            }
        }
        done()
    }

    fn accept_transfers(&mut self, accept: &proto::AcceptTransfers) -> proto::Outcome {
        let mut came = self.inbox.remove(&accept.source_shard).unwrap_or(Came {
            next_number: 1,
            gone: Vec::new(),
        });
        let outcome = self.accept_from(&mut came, accept);
        if came.next_number > 1 || matches!(outcome.kind, Some(Kind::Transferred(_))) {
            self.inbox.insert(accept.source_shard, came);
        }
        outcome
    }

    fn accept_from(&mut self, came: &mut Came, accept: &proto::AcceptTransfers) -> proto::Outcome {
        let numbers = accept.transfers.iter().map(|transfer| transfer.number);
        let first = numbers.clone().next().unwrap_or(came.next_number);
        if first > came.next_number || !numbers.eq((first..).take(accept.transfers.len())) {
            return refused(Refusal::Malformed);
        }
        let new = accept.transfers.iter();
        let new: Vec<_> = new.filter(|one| one.number >= came.next_number).collect();
        let is_decided = |transfer: &&proto::Transfer| {
            let queue = self.queues.get(&key_of(&transfer.target).0);
            queue.is_some_and(|queue| queue.dropped || queue.version > 0)
        };
        if !new.iter().all(is_decided) {
            return refused(Refusal::VersionUnknown);
        }
        came.gone.retain(|number| *number >= accept.settled_below);
        let clock_ms = self.clock_ms();
        for transfer in new {
            let (key, message) = (key_of(&transfer.target), transfer.message.as_ref().unwrap());
            let queue = &self.queues[&key.0];
            if queue.is_live() && queue.settings.fifo != message.group_id.is_empty() {
                let partition = self.partitions.entry(key).or_default();
                partition.advance(clock_ms, &queue.settings);
                partition.arrive(clock_ms, &queue.settings, message, envelope_of(message));
            } else {
                came.gone.push(transfer.number);
            }
            came.next_number += 1;
        }
        proto::Outcome {
            kind: Some(Kind::Transferred(proto::Transferred {
                below: came.next_number,
                gone: came.gone.clone(),
            })),
        }
    }

    fn truncate_outbox(&mut self, truncate: &proto::TruncateOutbox) -> proto::Outcome {
        let clock_ms = self.clock_ms();
        let target_shard = truncate.target_shard as u16;
        for transfer in self.outbox.truncate(target_shard, truncate.below) {
            let message = transfer.message.unwrap();
            let arrived = !truncate.gone.contains(&transfer.number);
            let key = key_of(&message.source);
            let Some(queue) = self.queues.get_mut(&key.0).filter(|queue| queue.is_live()) else {
                continue;
            };
            if arrived && message.r#move.is_none() {
                continue;
            }
            let aim = queue.settings.dead_letters.as_ref();
            let aim = aim.map(|dead_letters| dead_letters.target.unwrap().queue);
            if !arrived && aim == transfer.target.map(|target| target.queue) {
                queue.dead_letters_gone = true;
            }
            let partition = self.partitions.entry(key).or_default();
            partition.advance(clock_ms, &queue.settings);
            if !arrived {
                partition.come_back(clock_ms, &queue.settings, &message);
            }
            if let Some(sent_on) = message.r#move
                && let Some(progress) = &mut partition.progress
                && progress.task == sent_on.task
            {
                progress.in_transfer -= 1;
                progress.moved += u64::from(arrived);
            }
        }
        done()
    }

    fn move_messages(&mut self, command: &proto::MoveMessages) -> proto::Outcome {
        let (clock_ms, rules) = (self.clock_ms(), self.rules);
        let key = key_of(&command.partition);
        let queue = match self.queues.get(&key.0) {
            Some(queue) if queue.dropped => return refused(Refusal::QueueDropped),
            Some(queue) if queue.version > 0 => queue,
            _ => return refused(Refusal::VersionUnknown),
        };
        let partition = self.partitions.entry(key).or_default();
        partition.advance(clock_ms, &queue.settings);
        let dead_letters = queue.settings.dead_letters.as_ref();
        let mut desk = Desk {
            clock_ms,
            rules,
            next_number: &mut 0,
            key,
            dead_letters: dead_letters.filter(|_| !queue.dead_letters_gone),
            outbox: &mut self.outbox,
        };
        let unrouted = partition.send_on(&mut desk, queue.settings.fifo, command);
        let unrouted = unrouted.and_then(|seq| partition.message(seq));
        self.unrouted = unrouted.map(|message| (message.sent_at_ms, message.envelope.clone()));
        proto::Outcome {
            kind: Some(Kind::Progress(partition.progress.unwrap_or_default())),
        }
    }

    /// What a receive's answer carries: the messages of its outcome that are still there.
    fn bodies(
        &self,
        command: &proto::Command,
        outcome: &proto::Outcome,
    ) -> Vec<(u64, bytes::Bytes)> {
        let Some(Operation::Receive(receive)) = &command.operation else {
            return Vec::new();
        };
        let Some(Kind::Received(received)) = &outcome.kind else {
            return Vec::new();
        };
        let Some(partition) = self.partitions.get(&key_of(&receive.partition)) else {
            return Vec::new();
        };
        received
            .messages
            .iter()
            .filter_map(|delivered| partition.message(delivered.seq))
            .map(|message| (message.sent_at_ms, message.envelope.clone()))
            .collect()
    }
}

/// The generator always names a partition.
fn key_of(partition: &Option<proto::Partition>) -> PartitionKey {
    let partition = partition.as_ref().unwrap();
    (partition.queue, partition.index)
}
