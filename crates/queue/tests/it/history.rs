//! Properties of whole histories, judged by commands, outcomes and the shard's clock alone. It
//! knows nothing of how a shard chooses; what it checks is what users were promised:
//!
//! - P1: nothing sent is lost, unless it was deleted, purged, dropped or may have expired.
//! - P2: nobody gets a message while another's visibility timeout runs, or before its delay ends.
//! - P3: a group's messages come in the order they were sent; nothing overtakes a living message.
//! - P4, P7: one deduplication id makes one message within its window, also after a delete,
//!   a restart or a copy; and a command sent again gets its first outcome.
//! - P6: what was deleted, purged or dropped never comes again.
//! - P9: a refusal, or a result other than OK, changes nothing.
//! - Delivery numbers never repeat in the shard, receive counts count.

mod message;
mod session;

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::CommandOutcome;
use squorum_types::limits::DEDUPLICATION_WINDOW_MS;

use self::message::MessageHistory;
use self::session::SessionHistory;
use crate::model::PartitionKey;

#[derive(Debug, Default)]
struct PartitionHistory {
    messages: BTreeMap<u64, MessageHistory>,
    last_seq: u64,
    /// The first send of each deduplication id: when, and what it made.
    first_sends: BTreeMap<Bytes, (u64, u64)>,
}

#[derive(Debug, Default)]
struct QueueHistory {
    version: u64,
    settings: proto::QueueSettings,
    purge_id: u64,
    dropped: bool,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    clock_ms: u64,
    queues: BTreeMap<u64, QueueHistory>,
    partitions: BTreeMap<PartitionKey, PartitionHistory>,
    sessions: BTreeMap<u64, SessionHistory>,
    last_delivery_number: u64,
}

impl History {
    /// The partitions that are there now, and the versions of their queues.
    pub(crate) fn partitions(&self) -> Vec<(PartitionKey, u64)> {
        self.partitions
            .keys()
            .map(|key| (*key, self.queues[&key.0].version))
            .collect()
    }

    /// Queues that the shard ever heard of.
    pub(crate) fn queues_count(&self) -> usize {
        self.queues.len()
    }

    /// P1, after everything was received and deleted.
    pub(crate) fn nothing_lost(&self) -> Result<(), String> {
        for (key, partition) in &self.partitions {
            if let Some(lost) = partition
                .messages
                .values()
                .find(|message| message.must_live())
            {
                return Err(format!("P1: partition {key:?} lost {lost:?}"));
            }
        }
        Ok(())
    }

    pub(crate) fn observe(
        &mut self,
        clock_ms: u64,
        entry: &proto::Entry,
        outcomes: &[CommandOutcome],
    ) -> Result<(), String> {
        if clock_ms < self.clock_ms {
            return Err(format!("the clock went back to {clock_ms}"));
        }
        self.clock_ms = clock_ms;
        self.expire();
        let mut outcomes = outcomes.iter();
        for batch in &entry.batches {
            let session = self.sessions.entry(batch.session).or_default();
            session.acknowledge(batch);
            for command in &batch.commands {
                let outcome = outcomes.next().ok_or("an outcome is missing")?;
                self.observe_command(batch.session, command, &outcome.outcome)
                    .map_err(|what| format!("{what}\n  at {command:?}\n  with {outcome:?}"))?;
            }
        }
        Ok(())
    }

    /// Messages older than the retention may go from now on, whatever happens to it later.
    fn expire(&mut self) {
        for (key, partition) in &mut self.partitions {
            let retention_ms = self.queues[&key.0].settings.retention_ms;
            for message in partition.messages.values_mut() {
                message.may_have_expired |= message.sent_at_ms + retention_ms <= self.clock_ms;
            }
        }
    }

    fn observe_command(
        &mut self,
        session: u64,
        command: &proto::Command,
        outcome: &proto::Outcome,
    ) -> Result<(), String> {
        let kind = outcome.kind.as_ref().ok_or("an outcome without kind")?;
        let operation = command
            .operation
            .as_ref()
            .ok_or("a command without operation")?;
        if let Kind::Refused(refused) = kind {
            let kept = [proto::Refusal::Session, proto::Refusal::WindowFull];
            if kept.contains(&refused.refusal()) {
                return Ok(());
            }
        }
        let sessions = self.sessions.entry(session).or_default();
        if !sessions.is_first_answer(command.number, outcome)? {
            return Ok(());
        }
        if matches!(kind, Kind::Refused(_)) {
            return Ok(());
        }
        match (operation, kind) {
            (Operation::Configure(configure), Kind::Done(_)) => self.configure(configure),
            (Operation::Purge(purge), Kind::Done(_)) => self.purge(purge),
            (Operation::Drop(drop), Kind::Done(_)) => {
                self.queues.entry(drop.queue).or_default().dropped = true;
                self.partitions.retain(|key, _| key.0 != drop.queue);
                Ok(())
            }
            (Operation::Send(send), Kind::Sent(sent)) => self.sent(send, sent),
            (Operation::Receive(receive), Kind::Received(received)) => {
                self.received((session, command.number), receive, received)?;
                let key = key_of(&receive.partition)?;
                let session = self.sessions.entry(session).or_default();
                session
                    .receives
                    .insert(command.number, (key, received.clone()));
                Ok(())
            }
            (Operation::Receive(_), Kind::Released(_)) => Ok(()),
            (Operation::Delete(delete), Kind::Results(results)) => self.deleted(delete, results),
            (Operation::ChangeVisibility(change), Kind::Results(results)) => {
                self.changed(change, results)
            }
            (Operation::Release(release), Kind::Done(_)) => {
                self.released(session, release.receive_number);
                Ok(())
            }
            (Operation::OpenSession(_), Kind::Done(_)) => Ok(()),
            (Operation::Tick(tick), Kind::Done(_)) => {
                for partition in &tick.partitions {
                    let key = (partition.queue, partition.index);
                    if self.settings(key).is_ok() {
                        self.partitions.entry(key).or_default();
                    }
                }
                Ok(())
            }
            _ => Err("an outcome of another kind of command".to_owned()),
        }
    }

    fn configure(&mut self, configure: &proto::Configure) -> Result<(), String> {
        let queue = self.queues.entry(configure.queue).or_default();
        if queue.dropped {
            return Err("P6: a dropped queue comes back".to_owned());
        }
        if configure.version > queue.version {
            queue.version = configure.version;
            queue.settings = configure.settings.clone().unwrap_or_default();
            self.expire();
        }
        Ok(())
    }

    fn purge(&mut self, purge: &proto::Purge) -> Result<(), String> {
        let queue = self.queues.entry(purge.queue).or_default();
        if purge.purge_id > queue.purge_id {
            queue.purge_id = purge.purge_id;
            let partitions = self.partitions.iter_mut();
            for (_, partition) in partitions.filter(|(key, _)| key.0 == purge.queue) {
                partition
                    .messages
                    .values_mut()
                    .for_each(|message| message.removed = true);
                partition.first_sends.clear();
            }
        }
        Ok(())
    }

    fn settings(&self, key: PartitionKey) -> Result<proto::QueueSettings, String> {
        match self.queues.get(&key.0) {
            Some(queue) if queue.version > 0 && !queue.dropped => Ok(queue.settings.clone()),
            _ => Err("a command ran on a queue that is not there".to_owned()),
        }
    }

    fn sent(&mut self, send: &proto::Send, sent: &proto::Sent) -> Result<(), String> {
        let key = key_of(&send.partition)?;
        let settings = self.settings(key)?;
        let partition = self.partitions.entry(key).or_default();
        if send.messages.len() != sent.messages.len() {
            return Err("not one answer per message sent".to_owned());
        }
        for (new, sent) in send.messages.iter().zip(&sent.messages) {
            let first = partition.first_sends.get(&new.deduplication_hash).copied();
            let first = first.filter(|(at_ms, _)| at_ms + DEDUPLICATION_WINDOW_MS > self.clock_ms);
            if let (true, Some((_, seq))) = (settings.fifo, first) {
                if sent.seq != seq || sent.duplicate_of != partition.messages[&seq].id {
                    return Err(format!("P4: not the message {seq} that was sent first"));
                }
                continue;
            }
            if !sent.duplicate_of.is_empty() {
                return Err("P4: a duplicate of nothing, so P1: lost".to_owned());
            }
            if sent.seq != partition.last_seq + 1 {
                return Err(format!(
                    "message {} follows {}",
                    sent.seq, partition.last_seq
                ));
            }
            partition.last_seq = sent.seq;
            let sent_at = (self.clock_ms, sent.seq);
            partition
                .first_sends
                .insert(new.deduplication_hash.clone(), sent_at);
            let message = MessageHistory::new(new, self.clock_ms, settings.fifo);
            partition.messages.insert(sent.seq, message);
        }
        Ok(())
    }

    fn received(
        &mut self,
        id: (u64, u64),
        receive: &proto::Receive,
        received: &proto::Received,
    ) -> Result<(), String> {
        let key = key_of(&receive.partition)?;
        let settings = self.settings(key)?;
        if received.messages.len() > receive.messages_max as usize {
            // An attempt that is repeated gives what it gave, whatever is asked now.
            if receive.attempt_hash.is_empty() {
                return Err("more messages than were asked for".to_owned());
            }
        }
        let deadline_ms = self.clock_ms + receive.visibility_timeout_ms;
        let messages = &mut self.partitions.entry(key).or_default().messages;
        let mut before: Vec<u64> = Vec::new();
        for delivered in &received.messages {
            let seq = delivered.seq;
            if before.contains(&seq) {
                return Err(format!("P2: {seq} twice in one receive"));
            }
            if settings.fifo {
                let group_id = &messages.get(&seq).ok_or("P6: never sent")?.group_id;
                let overtaken = messages.range(..seq).find(|(other, message)| {
                    message.group_id == *group_id && message.must_live() && !before.contains(*other)
                });
                if let Some((overtaken, _)) = overtaken {
                    return Err(format!("P3: {seq} overtakes {overtaken} of its group"));
                }
            }
            let message = messages.get_mut(&seq).ok_or("P6: never sent")?;
            if delivered.delivery_number <= self.last_delivery_number {
                if receive.attempt_hash.is_empty() {
                    return Err(format!("P2: an old delivery again: {message:?}"));
                }
                message.replayed(delivered, id, deadline_ms)?;
            } else {
                self.last_delivery_number = delivered.delivery_number;
                if message.sent_at_ms + settings.retention_ms <= self.clock_ms {
                    return Err(format!("delivered after its retention: {message:?}"));
                }
                message.delivered(delivered, id, self.clock_ms, deadline_ms)?;
            }
            before.push(seq);
        }
        Ok(())
    }

    fn deleted(
        &mut self,
        delete: &proto::Delete,
        results: &proto::EntryResults,
    ) -> Result<(), String> {
        let key = key_of(&delete.partition)?;
        let settings = self.settings(key)?;
        let messages = &mut self.partitions.entry(key).or_default().messages;
        if delete.deliveries.len() != results.results.len() {
            return Err("not one result per delete".to_owned());
        }
        for (reference, result) in delete.deliveries.iter().zip(results.results()) {
            let Some(message) = messages.get_mut(&reference.seq) else {
                continue;
            };
            let current = message.is_current(reference.delivery_number, self.clock_ms);
            match result {
                proto::EntryResult::Ok => {
                    if settings.fifo && message.must_live() && !current {
                        return Err(format!("P1: deleted by an old handle: {message:?}"));
                    }
                    // Of a message that nobody holds or held, any handle is made up.
                    message.removed |= message.was_received();
                }
                proto::EntryResult::Expired
                    if settings.fifo && (!current || message.is_in_doubt()) => {}
                _ => return Err(format!("not deleted: {message:?}")),
            }
        }
        Ok(())
    }

    fn changed(
        &mut self,
        change: &proto::ChangeVisibility,
        results: &proto::EntryResults,
    ) -> Result<(), String> {
        let key = key_of(&change.partition)?;
        let fifo = self.settings(key)?.fifo;
        let messages = &mut self.partitions.entry(key).or_default().messages;
        if change.changes.len() != results.results.len() {
            return Err("not one result per change".to_owned());
        }
        for (change, result) in change.changes.iter().zip(results.results()) {
            let reference = change
                .delivery
                .as_ref()
                .ok_or("a change without delivery")?;
            let message = messages.get_mut(&reference.seq);
            if result != proto::EntryResult::Ok {
                continue;
            }
            let message = message.ok_or("changed what was never sent")?;
            if fifo && !message.is_current(reference.delivery_number, self.clock_ms) {
                return Err(format!("P1: changed by an old handle: {message:?}"));
            }
            message.changed(self.clock_ms + change.visibility_timeout_ms)?;
        }
        Ok(())
    }

    fn released(&mut self, session: u64, number: u64) {
        let id = (session, number);
        let session = self.sessions.entry(session).or_default();
        let Some((key, received)) = session.release(number) else {
            return;
        };
        let Some(partition) = self.partitions.get_mut(&key) else {
            return;
        };
        let is_attempt = !received.attempt_hash.is_empty();
        for delivered in &received.messages {
            if let Some(message) = partition.messages.get_mut(&delivered.seq) {
                message.released(delivered.delivery_number, id, self.clock_ms, is_attempt);
            }
        }
    }
}

fn key_of(partition: &Option<proto::Partition>) -> Result<PartitionKey, String> {
    let partition = partition.as_ref().ok_or("a command without partition")?;
    Ok((partition.queue, partition.index))
}
