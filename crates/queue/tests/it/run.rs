//! Plays steps on three replicas at once and holds them against the reference, against each other
//! and against the properties of whole histories.
//!
//! The first replica applies and commits entry by entry. The second has caches in which nothing
//! fits and is never owed a body; the third has caches in which everything fits and is owed every
//! body. Both lag behind and take several entries in one transaction.

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_queue::{
    Applied, CommandOutcome, PartitionStatus, read_outbox, read_outbox_targets, read_status,
};
use squorum_types::{PartitionId, QueueId, ShardId, Timestamp};

use crate::generator::Step;
use crate::history::History;
use crate::model::{Expected, Model, PartitionKey, Rules};
use crate::peek::check_peek;
use crate::replica::{Caches, Replica, SHARD, limits};

const LAG_MAX: usize = 24;
const ENTRIES_BETWEEN_PEEKS: usize = 13;

/// What a run is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    pub(crate) reference: bool,
    pub(crate) history: bool,
    pub(crate) replicas: bool,
}

impl Checks {
    pub(crate) const ALL: Checks = Checks {
        reference: true,
        history: true,
        replicas: true,
    };

    /// These, or only the one that `SQUORUM_CHECKS` names.
    pub(crate) fn chosen(self) -> Checks {
        let Ok(chosen) = std::env::var("SQUORUM_CHECKS") else {
            return self;
        };
        Checks {
            reference: self.reference && chosen == "reference",
            history: self.history && chosen == "history",
            replicas: self.replicas && chosen == "replicas",
        }
    }
}

/// An entry that was applied, and what the first replica made of it.
struct Done {
    entry: proto::Entry,
    owed: bool,
    applied: Applied,
    digest: u64,
}

pub(crate) struct Run {
    checks: Checks,
    rules: Rules,
    model: Model,
    pub(crate) history: History,
    replicas: [Replica; 3],
    done: Vec<Done>,
    statuses: BTreeMap<PartitionKey, PartitionStatus>,
    /// Entries of `done` that each replica has applied.
    positions: [usize; 3],
}

impl Run {
    pub(crate) fn new(rules: Rules, checks: Checks, step_budget: usize) -> Run {
        let replica = |caches| Replica::new(limits(rules, caches, step_budget));
        Run {
            checks,
            rules,
            model: Model::new(rules),
            history: History::default(),
            replicas: [
                replica(Caches::SMALL),
                replica(Caches::TINY),
                replica(Caches::LARGE),
            ],
            done: Vec::new(),
            statuses: BTreeMap::new(),
            positions: [0; 3],
        }
    }

    pub(crate) fn play(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Apply { entry, owed } => self.apply(entry, *owed).map(|_| ()),
            Step::Restart { replica } => {
                self.catch_up(*replica)?;
                self.replicas[*replica].restart();
                Ok(())
            }
            Step::Copy { replica } => {
                self.catch_up(*replica)?;
                self.replicas[*replica].copy();
                Ok(())
            }
        }
    }

    /// Applies an entry to the first replica and checks it; the others follow now and then.
    pub(crate) fn apply(
        &mut self,
        entry: &proto::Entry,
        owed: bool,
    ) -> Result<Vec<proto::Outcome>, String> {
        let expected = self.model.apply(entry);
        let mut applied = self.replicas[0].apply([(entry, owed)]);
        let (applied, digest) = applied.pop().unwrap();
        let clock_ms = self.replicas[0].shard.clock().0;
        for (id, status) in &applied.statuses {
            let key = (id.queue.0, u32::from(id.index));
            self.statuses.insert(key, status.unwrap_or_default());
        }
        if self.checks.reference {
            same_outcomes(&expected, &applied.outcomes, owed)?;
            same("clock", &self.model.clock_ms(), &clock_ms)?;
            for (partition, status) in &applied.statuses {
                self.check_status(*partition, status)?;
            }
        }
        if self.done.len().is_multiple_of(ENTRIES_BETWEEN_PEEKS) {
            for (partition, status) in &applied.statuses {
                self.check_peek(*partition, &status.unwrap_or_default())?;
            }
        }
        if self.checks.reference {
            let waiting = self.model.outbox.len();
            same("transfers", &waiting, &applied.transfers_waiting)?;
        }
        if self.checks.history {
            self.history.observe(clock_ms, entry, &applied.outcomes)?;
        }
        let outcomes = applied
            .outcomes
            .iter()
            .map(|one| one.outcome.clone())
            .collect();
        self.done.push(Done {
            entry: entry.clone(),
            owed,
            applied,
            digest,
        });
        self.positions[0] += 1;
        for replica in 1..3 {
            let lag = self.done.len() - self.positions[replica];
            // Not always after the same number of entries.
            if lag >= LAG_MAX || (self.done.len() * 7 + replica * 3).is_multiple_of(11) {
                self.catch_up(replica)?;
            }
        }
        Ok(outcomes)
    }

    fn check_status(
        &self,
        id: PartitionId,
        status: &Option<PartitionStatus>,
    ) -> Result<(), String> {
        let key = (id.queue.0, u32::from(id.index));
        let Some(partition) = self.model.partitions.get(&key) else {
            return same(&format!("status of {id}, which is gone"), &None, status);
        };
        let expected = partition.status();
        // Not every entry that touches a partition lets its time pass.
        let mut now = partition.clone();
        now.pass_time(self.model.clock_ms());
        let deliverable = match self.model.queues[&key.0].settings.fifo {
            true => partition.available_groups(),
            false => expected.visible,
        };
        let expected = PartitionStatus {
            visible: expected.visible,
            in_flight: expected.in_flight,
            delayed: expected.delayed,
            deliverable,
            next_due: self.model.next_due_ms(key).map(Timestamp),
            oldest_sent_at: partition.oldest_sent_at_ms().map(Timestamp),
            noisy_tenants: now.noisy_tenants(self.rules),
            noisy_only: now.noisy_only(self.rules),
        };
        same(&format!("status of {id}"), &Some(expected), status)
    }

    fn check_peek(&self, id: PartitionId, status: &PartitionStatus) -> Result<(), String> {
        let key = (id.queue.0, u32::from(id.index));
        let partition = self.model.partitions.get(&key);
        let reference = partition.filter(|_| self.checks.reference);
        let reference =
            reference.map(|partition| (partition, self.model.queues[&key.0].settings.delay_ms));
        check_peek(
            &self.replicas[0].store,
            id,
            status,
            reference,
            self.done.len(),
        )
    }

    /// Lets a replica apply what it lags behind, in one transaction.
    fn catch_up(&mut self, at: usize) -> Result<(), String> {
        let behind = &self.done[self.positions[at]..];
        let owed = |done: &Done| if at == 0 { done.owed } else { at == 2 };
        let applied = self.replicas[at].apply(behind.iter().map(|done| (&done.entry, owed(done))));
        for (done, (applied, digest)) in behind.iter().zip(&applied) {
            if !self.checks.replicas {
                break;
            }
            let what = |what: &str| format!("{what} of replica {at} against those of the first");
            let kinds = |applied: &Applied| -> Vec<(u64, u64, proto::Outcome)> {
                let outcomes = applied.outcomes.iter();
                outcomes
                    .map(|one| (one.session, one.number, one.outcome.clone()))
                    .collect()
            };
            same(&what("outcomes"), &kinds(&done.applied), &kinds(applied))?;
            same(&what("statuses"), &done.applied.statuses, &applied.statuses)?;
            same(&what("digest"), &done.digest, digest)?;
            for (ours, theirs) in done.applied.outcomes.iter().zip(&applied.outcomes) {
                if done.owed && owed(done) {
                    same(&what("messages"), &ours.messages, &theirs.messages)?;
                }
                if !owed(done) && !theirs.messages.is_empty() {
                    return Err(what("bodies that nobody asked for"));
                }
            }
        }
        self.positions[at] = self.done.len();
        let first = self.positions.iter().min().copied().unwrap_or(0);
        self.done.drain(..first);
        self.positions
            .iter_mut()
            .for_each(|position| *position -= first);
        Ok(())
    }

    /// Brings the replicas together and compares every row.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        for at in 1..3 {
            self.catch_up(at)?;
        }
        if self.checks.replicas {
            for at in 1..3 {
                let [first, other] = [0, at].map(|at| self.replicas[at].rows_digest());
                same(&format!("rows of replica {at}"), &first, &other)?;
            }
        }
        if self.checks.reference {
            let keys: Vec<PartitionKey> = self.model.partitions.keys().copied().collect();
            for key in keys {
                self.check_stored_status(key)?;
            }
            self.check_stored_outbox()?;
        }
        Ok(())
    }

    fn check_stored_status(&self, key: PartitionKey) -> Result<(), String> {
        let id = PartitionId {
            queue: QueueId(key.0),
            index: key.1 as u16,
        };
        let stored = read_status(&self.replicas[1].store, SHARD, id).unwrap();
        let stored = stored.ok_or_else(|| format!("partition {id} is not stored"))?;
        let expected = self.model.partitions[&key].status();
        let counts = (stored.visible, stored.in_flight, stored.delayed);
        let expected = (expected.visible, expected.in_flight, expected.delayed);
        same(&format!("stored counts of {id}"), &expected, &counts)
    }

    fn check_stored_outbox(&self) -> Result<(), String> {
        let store = &self.replicas[1].store;
        let targets = read_outbox_targets(store, SHARD).unwrap().into_iter();
        let stored = targets.map(|target| {
            let transfers = read_outbox(store, SHARD, target, usize::MAX, usize::MAX);
            (target, transfers.unwrap())
        });
        let waiting = self.model.outbox.waiting.iter();
        let waiting = waiting.filter(|(_, waiting)| !waiting.transfers.is_empty());
        let expected = waiting.map(|(shard, waiting)| (ShardId(*shard), waiting.transfers.clone()));
        same(
            "outbox",
            &expected.collect::<BTreeMap<_, _>>(),
            &stored.collect(),
        )
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        self.replicas[0].shard.clock().0
    }

    pub(crate) fn replica(&self) -> &Replica {
        &self.replicas[0]
    }

    /// Whether an entry left work in the partition for its budget.
    pub(crate) fn is_behind(&self, key: PartitionKey) -> bool {
        let status = self.statuses.get(&key);
        let next_due = status.and_then(|status| status.next_due);
        next_due.is_some_and(|due| due.0 <= self.clock_ms())
    }

    /// The last status of a partition that an entry gave.
    pub(crate) fn status(&self, key: PartitionKey) -> PartitionStatus {
        self.statuses.get(&key).copied().unwrap_or_default()
    }

    /// Whether the last entry left background work.
    pub(crate) fn background_work(&self) -> bool {
        self.done
            .last()
            .is_some_and(|done| done.applied.background_work)
    }
}

fn same_outcomes(
    expected: &[Expected],
    outcomes: &[CommandOutcome],
    owed: bool,
) -> Result<(), String> {
    same("number of outcomes", &expected.len(), &outcomes.len())?;
    for (expected, outcome) in expected.iter().zip(outcomes) {
        let (session, number) = (outcome.session, outcome.number);
        same(
            "session and number",
            &(expected.session, expected.number),
            &(session, number),
        )?;
        let what = format!("outcome of {number} of session {session}");
        same(&what, &expected.outcome, &outcome.outcome)?;
        let messages = outcome.messages.iter();
        let messages: Vec<_> = messages
            .map(|one| (one.sent_at.0, one.envelope.clone()))
            .collect();
        let wanted = if owed { &expected.messages[..] } else { &[] };
        same(
            &format!("messages of {number} of session {session}"),
            wanted,
            &messages[..],
        )?;
    }
    Ok(())
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    expected: &T,
    found: &T,
) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "{what}:\n  expected {expected:?}\n  found    {found:?}"
    ))
}
