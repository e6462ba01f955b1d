//! The shard: applies entries.

use std::collections::{BTreeMap, BTreeSet};

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{
    Command, Entry, Outcome, PartitionRow, QueueSettings, Refusal, SessionBatch, ShardRow,
};
use squorum_store::{Cursor, Overlay, StoreError, Txn, View, chain_digest};
use squorum_types::{PartitionId, QueueId, ShardId, Timestamp};

use crate::commands::{self, Ran, refused};
use crate::garbage::Garbage;
use crate::keys::ShardKeys;
use crate::outbox::Outbox;
use crate::partition::{Partition, PartitionStatus, empty_row, generation_of};
use crate::queues::{LiveQueue, Queues};
use crate::rows::{self, corrupt};
use crate::session::{Known, Session};
use crate::step::Step;
use crate::stored_message::{StoredMessage, read_in};
use crate::{Limits, garbage};

const FORMAT: u32 = 1;
/// The shard's clock moves at most so far in one entry, unless it is a new leader's first: a wrong
/// stamp must not expire everything at once.
const CLOCK_STEP_MS_MAX: u64 = 60_000;

/// What an entry did.
#[derive(Debug, Default)]
pub struct Applied {
    /// In the order of the entry's commands.
    pub outcomes: Vec<CommandOutcome>,
    /// Of every partition that the entry touched; `None` for one that is gone.
    pub statuses: Vec<(PartitionId, Option<PartitionStatus>)>,
    /// Whether there are rows to sweep: a leader proposes ticks until there are none.
    pub background_work: bool,
    /// Messages in the outbox: a leader's pump brings them to their shards.
    pub transfers_waiting: u64,
}

#[derive(Debug)]
pub struct CommandOutcome {
    pub session: u64,
    pub number: u64,
    pub outcome: Outcome,
    /// The messages of a receive, if they were owed; one that is gone by now is missing. Or the one
    /// that a move task has no route for, but not when that outcome is asked for again.
    pub messages: Vec<StoredMessage>,
    /// The messages were owed, but those of the batch's commands before make enough of an answer. The
    /// same command brings them when it comes again.
    pub left_out: bool,
}

/// One shard's state machine. All state is in the store; what is here are caches.
#[derive(Debug)]
pub struct Shard {
    pub(crate) keys: ShardKeys,
    pub(crate) limits: Limits,
    row: ShardRow,
    sessions: BTreeMap<u64, Session>,
    pub(crate) queues: Queues,
    partitions: BTreeMap<PartitionId, Partition>,
    /// Index keys that the partitions hold in memory, as of the end of the last entry.
    window_len: usize,
    pub(crate) garbage: Garbage,
    pub(crate) outbox: Outbox,
    /// Partitions that the current entry touched.
    touched: BTreeSet<PartitionId>,
    /// Bytes of bodies that left partitions in the current entry.
    moved_bytes: usize,
    entries: u64,
}

impl Shard {
    /// Opens the shard's state as `view` has it; empty if there is none.
    pub fn open<V: View>(view: &V, id: ShardId, limits: Limits) -> Result<Shard, StoreError> {
        let keys = ShardKeys::new(id);
        let new = ShardRow {
            format: FORMAT,
            next_delivery_number: 1,
            ..ShardRow::default()
        };
        let row: ShardRow = rows::get(view, &keys.shard())?.unwrap_or(new);
        if row.format != FORMAT {
            return Err(corrupt(&format!(
                "shard format {} is not known",
                row.format
            )));
        }
        Ok(Shard {
            keys,
            limits,
            row,
            sessions: Session::load_all(view, keys)?,
            queues: Queues::default(),
            partitions: BTreeMap::new(),
            window_len: 0,
            garbage: garbage::Garbage::open(view, keys)?,
            outbox: Outbox::open(view, keys)?,
            touched: BTreeSet::new(),
            moved_bytes: 0,
            entries: 0,
        })
    }

    /// The shard's clock: it only moves with entries.
    pub fn clock(&self) -> Timestamp {
        Timestamp(self.row.clock_ms)
    }

    /// Equal on all replicas that applied the same entries.
    pub fn digest(&self) -> u64 {
        self.row.digest
    }

    /// Whether a purge or a drop left rows to sweep.
    pub fn has_background_work(&self) -> bool {
        !self.garbage.is_empty()
    }

    /// Messages on their way to other shards.
    pub fn transfers_waiting(&self) -> u64 {
        self.outbox.len()
    }

    /// Applies an entry. `owed` asks for the messages of outcomes; nothing else depends on
    /// it. After an error the shard must not be used again.
    pub fn apply<V: View>(
        &mut self,
        txn: &mut Overlay<'_, V>,
        entry: &Entry,
        owed: bool,
    ) -> Result<Applied, StoreError> {
        txn.take_entry_digest();
        self.entries += 1;
        self.moved_bytes = 0;
        self.advance_clock(entry);
        let mut outcomes = Vec::new();
        let mut seen = BTreeSet::new();
        for batch in &entry.batches {
            self.apply_batch(txn, batch, owed, &mut outcomes)?;
            seen.insert(batch.session);
        }
        self.save_sessions(txn, &seen);
        let statuses = self.save_partitions(txn)?;
        self.outbox.save(txn);
        self.row.digest = chain_digest(self.row.digest, txn.take_entry_digest());
        rows::put(txn, self.keys.shard(), &self.row);
        self.evict();
        Ok(Applied {
            outcomes,
            statuses,
            background_work: self.has_background_work(),
            transfers_waiting: self.transfers_waiting(),
        })
    }

    fn advance_clock(&mut self, entry: &Entry) {
        let clock = &mut self.row.clock_ms;
        let free = entry.first_stamp || *clock == 0;
        let limit = if free {
            u64::MAX
        } else {
            clock.saturating_add(CLOCK_STEP_MS_MAX)
        };
        *clock = (*clock).max(entry.now_ms.min(limit));
    }

    fn apply_batch<T: Txn>(
        &mut self,
        txn: &mut T,
        batch: &SessionBatch,
        owed: bool,
        outcomes: &mut Vec<CommandOutcome>,
    ) -> Result<(), StoreError> {
        self.open_session(batch);
        let now = self.clock();
        if let Some(session) = self.sessions.get_mut(&batch.session) {
            session.touch(now);
            session.acknowledge(
                txn,
                self.keys,
                batch.acknowledged_below,
                &batch.acknowledged,
            );
        }
        let mut answer_bytes = 0;
        for command in &batch.commands {
            let has_room = answer_bytes < self.limits.answer_bytes;
            let owed_here = owed && has_room;
            let Ran { outcome, messages } = self.once(txn, batch.session, command, owed_here)?;
            let sizes = messages.iter().map(|message| message.envelope.len());
            answer_bytes += sizes.sum::<usize>();
            outcomes.push(CommandOutcome {
                session: batch.session,
                number: command.number,
                left_out: owed && !has_room && gives_messages(&outcome),
                outcome,
                messages,
            });
        }
        Ok(())
    }

    fn open_session(&mut self, batch: &SessionBatch) {
        let first = batch
            .commands
            .first()
            .and_then(|command| command.operation.as_ref());
        let opens = matches!(first, Some(Operation::OpenSession(_))) && batch.session != 0;
        let room = self.sessions.len() < self.limits.sessions_max;
        if opens && room && !self.sessions.contains_key(&batch.session) {
            let session = Session::new(batch.session, self.clock());
            self.sessions.insert(batch.session, session);
        }
    }

    /// Runs a command, or answers what it answered when it ran before.
    fn once<T: Txn>(
        &mut self,
        txn: &mut T,
        session_id: u64,
        command: &Command,
        owed: bool,
    ) -> Result<Ran, StoreError> {
        let Some(session) = self
            .sessions
            .get(&session_id)
            .filter(|_| command.number > 0)
        else {
            return Ok(refused(Refusal::Session).into());
        };
        match session.known(txn, self.keys, command.number)? {
            Known::Acknowledged => return Ok(refused(Refusal::Session).into()),
            Known::Outcome(outcome) => return self.answer_again(txn, outcome, owed),
            Known::New => {}
        }
        let exempt = matches!(
            command.operation,
            Some(Operation::OpenSession(_) | Operation::Tick(_) | Operation::Release(_))
        );
        if session.window_len() >= self.limits.session_window && !exempt {
            return Ok(refused(Refusal::WindowFull).into());
        }
        let ran = commands::run(self, txn, session_id, command, owed)?;
        self.session(session_id)?
            .remember(command.number, ran.outcome.clone());
        Ok(ran)
    }

    fn answer_again<V: View>(
        &self,
        view: &V,
        outcome: Outcome,
        owed: bool,
    ) -> Result<Ran, StoreError> {
        let mut messages = Vec::new();
        if let Some(Kind::Received(received)) = &outcome.kind
            && let Some(Ok(partition)) = received.partition.as_ref().map(PartitionId::try_from)
            && owed
        {
            // What this entry made or emptied is in memory, and stored only at its end.
            let generation = match self.partitions.get(&partition) {
                Some(partition) => Some(partition.row.generation),
                None => generation_of(view, self.keys, partition)?,
            };
            if let Some(generation) = generation {
                let keys = self.keys.generation(partition, generation);
                for delivered in &received.messages {
                    messages.extend(read_in(view, keys, delivered.lane, delivered.seq)?);
                }
            }
        }
        Ok(Ran { outcome, messages })
    }

    pub(crate) fn session(&mut self, id: u64) -> Result<&mut Session, StoreError> {
        self.sessions.get_mut(&id).ok_or_else(|| corrupt("session"))
    }

    /// Runs `operation` on a partition, which is made if it is not there.
    pub(crate) fn in_partition<T: Txn>(
        &mut self,
        txn: &mut T,
        id: PartitionId,
        queue: &LiveQueue,
        owed: bool,
        operation: impl FnOnce(&mut Partition, &mut Step<'_, T>) -> Result<Outcome, StoreError>,
    ) -> Result<Ran, StoreError> {
        self.touch(txn, id)?;
        let now = self.clock();
        let partition = self
            .partitions
            .get_mut(&id)
            .ok_or_else(|| corrupt("partition"))?;
        let mut step = Step {
            txn,
            now,
            settings: queue.settings(),
            dead_letters: queue.dead_letters(),
            limits: &self.limits,
            next_delivery_number: &mut self.row.next_delivery_number,
            outbox: &mut self.outbox,
            moved_bytes: &mut self.moved_bytes,
            may_be_expired: false,
            owed,
            messages: Vec::new(),
        };
        let outcome = operation(partition, &mut step)?;
        Ok(Ran {
            outcome,
            messages: step.messages,
        })
    }

    /// Brings a partition into memory for this entry.
    fn touch<V: View>(&mut self, view: &V, id: PartitionId) -> Result<(), StoreError> {
        self.touched.insert(id);
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.used_at = self.entries;
            return Ok(());
        }
        let mut partition = Partition::load(view, self.keys, id, &self.limits)?;
        partition.used_at = self.entries;
        self.partitions.insert(id, partition);
        Ok(())
    }

    /// Lets the runtime hear of every partition that the queue has here.
    pub(crate) fn touch_queue<T: Txn>(
        &mut self,
        txn: &mut T,
        queue: QueueId,
    ) -> Result<(), StoreError> {
        for id in self.partitions_of(txn, queue)? {
            self.touch(txn, id)?;
        }
        Ok(())
    }

    /// Begins a new, empty generation of every partition of a queue.
    pub(crate) fn empty_partitions<T: Txn>(
        &mut self,
        txn: &mut T,
        queue: QueueId,
    ) -> Result<(), StoreError> {
        for id in self.partitions_of(txn, queue)? {
            let old = self.partition_row(txn, id)?;
            self.garbage.add(txn, self.keys, id, old.generation);
            let new = PartitionRow {
                last_sent_at_ms: old.last_sent_at_ms,
                move_progress: old.move_progress,
                ..empty_row(old.generation + 1, old.next_seq)
            };
            rows::put(txn, self.keys.partition(id), &new);
            self.forget(id);
            self.touch(txn, id)?;
        }
        Ok(())
    }

    /// Removes every partition of a queue.
    pub(crate) fn drop_partitions<T: Txn>(
        &mut self,
        txn: &mut T,
        queue: QueueId,
    ) -> Result<(), StoreError> {
        for id in self.partitions_of(txn, queue)? {
            let old = self.partition_row(txn, id)?;
            self.garbage.add(txn, self.keys, id, old.generation);
            txn.delete_bytes(self.keys.partition(id));
            self.forget(id);
            self.touched.insert(id);
        }
        Ok(())
    }

    /// The row as the entry has it so far, saved or not.
    fn partition_row<V: View>(
        &self,
        view: &V,
        id: PartitionId,
    ) -> Result<PartitionRow, StoreError> {
        match self.partitions.get(&id) {
            Some(partition) => Ok(partition.row),
            None => rows::get(view, &self.keys.partition(id))?.ok_or_else(|| corrupt("partition")),
        }
    }

    /// The partitions that a queue has here: those stored and those that this entry made.
    fn partitions_of<V: View>(
        &self,
        view: &V,
        queue: QueueId,
    ) -> Result<BTreeSet<PartitionId>, StoreError> {
        let (first, last) = (
            PartitionId { queue, index: 0 },
            PartitionId {
                queue,
                index: u16::MAX,
            },
        );
        let mut ids: BTreeSet<_> = self
            .partitions
            .range(first..=last)
            .map(|(id, _)| *id)
            .collect();
        let range = self.keys.partitions(queue);
        let mut cursor = view.scan(&range.start..&range.end)?;
        while let Some((key, _)) = cursor.next()? {
            let index = key
                .last_chunk::<2>()
                .ok_or_else(|| corrupt("partition key"))?;
            ids.insert(PartitionId {
                queue,
                index: u16::from_be_bytes(*index),
            });
        }
        Ok(ids)
    }

    /// Saves the sessions of this entry and forgets those that were silent for too long.
    fn save_sessions<T: Txn>(&mut self, txn: &mut T, seen: &BTreeSet<u64>) {
        for id in seen {
            if let Some(session) = self.sessions.get_mut(id) {
                session.save(txn, self.keys);
            }
        }
        let now = self.clock();
        let ttl_ms = self.limits.session_ttl_ms;
        let silent = self.sessions.extract_if(.., |id, session| {
            !seen.contains(id) && session.last_seen().plus_ms(ttl_ms) <= now
        });
        for (_, session) in silent {
            session.forget(txn, self.keys);
        }
    }

    fn save_partitions<T: Txn>(
        &mut self,
        txn: &mut T,
    ) -> Result<Vec<(PartitionId, Option<PartitionStatus>)>, StoreError> {
        let mut statuses = Vec::with_capacity(self.touched.len());
        for id in std::mem::take(&mut self.touched) {
            let queue = self.queues.get(txn, self.keys, id.queue)?;
            let settings = queue.as_ref().and_then(|row| row.settings.as_ref());
            let Some(partition) = self.partitions.get_mut(&id) else {
                statuses.push((id, None));
                continue;
            };
            let unknown = QueueSettings::default();
            let settings = settings.unwrap_or(&unknown);
            let now = Timestamp(self.row.clock_ms);
            let status = partition.status(txn, settings, now, &self.limits)?;
            partition.save(txn, self.keys);
            let window_len = partition.window_len();
            self.window_len += window_len;
            self.window_len -= std::mem::replace(&mut partition.counted_len, window_len);
            statuses.push((id, Some(status)));
        }
        Ok(statuses)
    }

    /// Takes a partition out of memory.
    fn forget(&mut self, id: PartitionId) {
        if let Some(partition) = self.partitions.remove(&id) {
            self.window_len -= partition.counted_len;
        }
    }

    /// Forgets the partitions not used for longest while there is too much in memory.
    fn evict(&mut self) {
        while self.partitions.len() > self.limits.cached_partitions
            || self.window_len > self.limits.window_entries_total
        {
            let oldest = self
                .partitions
                .iter()
                .min_by_key(|(_, partition)| partition.used_at);
            let Some((&id, _)) = oldest else {
                return;
            };
            self.forget(id);
        }
    }
}

fn gives_messages(outcome: &Outcome) -> bool {
    matches!(&outcome.kind, Some(Kind::Received(received)) if !received.messages.is_empty())
}
