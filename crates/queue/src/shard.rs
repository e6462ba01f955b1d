//! The shard: applies entries.

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Command, Entry, Outcome, Refusal, SessionBatch, ShardRow};
use squorum_store::{Overlay, StoreError, Txn, View, chain_digest};
use squorum_types::{PartitionId, ShardId, Timestamp};

use crate::Limits;
use crate::commands::{self, Ran, refused};
use crate::garbage::Garbage;
use crate::keys::ShardKeys;
use crate::outbox::Outbox;
use crate::partition::{Partition, PartitionStatus};
use crate::partitions::Partitions;
use crate::queues::{LiveQueue, Queues};
use crate::rows::{self, corrupt};
use crate::session::{Known, Session};
use crate::sessions::Sessions;
use crate::step::Step;
use crate::stored_message::{StoredMessage, read_in};

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
    sessions: Sessions,
    pub(crate) queues: Queues,
    pub(crate) partitions: Partitions,
    pub(crate) garbage: Garbage,
    pub(crate) outbox: Outbox,
    /// Bytes of bodies that left partitions in the current entry.
    moved_bytes: usize,
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
            sessions: Sessions::load(view, keys)?,
            queues: Queues::default(),
            partitions: Partitions::new(keys),
            garbage: Garbage::open(view, keys)?,
            outbox: Outbox::open(view, keys)?,
            moved_bytes: 0,
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
        self.partitions.begin_entry();
        self.moved_bytes = 0;
        self.advance_clock(entry);
        let mut outcomes = Vec::new();
        for batch in &entry.batches {
            self.apply_batch(txn, batch, owed, &mut outcomes)?;
        }
        let now = self.clock();
        self.sessions.save(txn, now, &self.limits);
        let statuses = self
            .partitions
            .save(txn, &mut self.queues, now, &self.limits)?;
        self.outbox.save(txn);
        self.row.digest = chain_digest(self.row.digest, txn.take_entry_digest());
        rows::put(txn, self.keys.shard(), &self.row);
        self.partitions.evict(&self.limits);
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
        let now = self.clock();
        if opens_session(batch) {
            self.sessions.open(txn, batch.session, now, &self.limits);
        }
        self.sessions.hear(txn, batch, now);
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

    /// Runs a command, or answers what it answered when it ran before.
    fn once<T: Txn>(
        &mut self,
        txn: &mut T,
        session_id: u64,
        command: &Command,
        owed: bool,
    ) -> Result<Ran, StoreError> {
        let session = self.sessions.get(session_id);
        let Some(session) = session.filter(|_| command.number > 0) else {
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
            && let Some(generation) = self.partitions.generation(view, partition)?
        {
            let keys = self.keys.generation(partition, generation);
            for delivered in &received.messages {
                messages.extend(read_in(view, keys, delivered.lane, delivered.seq)?);
            }
        }
        Ok(Ran { outcome, messages })
    }

    pub(crate) fn session(&mut self, id: u64) -> Result<&mut Session, StoreError> {
        self.sessions.get_mut(id).ok_or_else(|| corrupt("session"))
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
        let now = self.clock();
        let partition = self.partitions.touch(txn, id, &self.limits)?;
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
}

fn opens_session(batch: &SessionBatch) -> bool {
    let first = batch.commands.first();
    let operation = first.and_then(|command| command.operation.as_ref());
    matches!(operation, Some(Operation::OpenSession(_))) && batch.session != 0
}

fn gives_messages(outcome: &Outcome) -> bool {
    matches!(&outcome.kind, Some(Kind::Received(received)) if !received.messages.is_empty())
}
