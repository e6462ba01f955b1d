//! After a run: everything that is left is received and deleted, then nothing may be left.

use squorum_proto::queue as proto;
use squorum_proto::queue::Refusal;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::PartitionStatus;

use crate::model::PartitionKey;
use crate::run::{Run, same};

/// Longer than any visibility timeout, delay and session lives.
const SILENCE_MS: u64 = 13 * 3_600_000;
const DRAINING_SESSION: u64 = 1 << 50;

struct Drainer<'a> {
    run: &'a mut Run,
    session: u64,
    number: u64,
    ticks_to_sweep: usize,
}

/// Receives and deletes everything, and checks that it is everything, and that the store is as
/// empty as that makes it.
pub(crate) fn drain(run: &mut Run, ticks_to_sweep: usize) -> Result<(), String> {
    // Older sessions end with this entry, so that there is room for the drainer's.
    let now_ms = run.clock_ms() + SILENCE_MS;
    run.apply(
        &proto::Entry {
            now_ms,
            first_stamp: true,
            batches: Vec::new(),
        },
        false,
    )?;
    let mut drainer = Drainer {
        run,
        session: DRAINING_SESSION,
        number: 0,
        ticks_to_sweep,
    };
    drainer.command(Operation::OpenSession(proto::OpenSession {}))?;
    for (key, version) in drainer.run.history.partitions() {
        drainer.drain_partition(key, version)?;
    }
    drainer.run.history.nothing_lost()?;
    drainer.sweep()?;
    drainer.run.settle()
}

impl Drainer<'_> {
    /// Runs one command, all before it being acknowledged.
    fn command(&mut self, operation: Operation) -> Result<proto::Outcome, String> {
        self.number += 1;
        let command = proto::Command {
            number: self.number,
            operation: Some(operation),
        };
        let batch = proto::SessionBatch {
            session: self.session,
            acknowledged_below: self.number,
            commands: vec![command],
            ..Default::default()
        };
        let now_ms = self.run.clock_ms() + 1;
        let entry = proto::Entry {
            now_ms,
            first_stamp: false,
            batches: vec![batch],
        };
        let mut outcomes = self.run.apply(&entry, true)?;
        outcomes.pop().ok_or_else(|| "no outcome".to_owned())
    }

    fn drain_partition(&mut self, key: PartitionKey, version: u64) -> Result<(), String> {
        let partition = Some(proto::Partition {
            queue: key.0,
            index: key.1,
        });
        // Bounded by far: each round takes a message, or does some of the work that was left over.
        for _ in 0..100_000 {
            let receive = proto::Receive {
                partition,
                version,
                messages_max: 10,
                visibility_timeout_ms: 30_000,
                ..Default::default()
            };
            let outcome = self.command(Operation::Receive(receive))?;
            let received = match outcome.kind {
                Some(Kind::Received(received)) => received,
                Some(Kind::Refused(refused)) if refused.refusal() == Refusal::OverLimit => {
                    proto::Received::default()
                }
                _ => return Err(format!("receive while draining {key:?}: {outcome:?}")),
            };
            if received.messages.is_empty() {
                if self.run.is_behind(key) {
                    let partitions = partition.into_iter().collect();
                    self.command(Operation::Tick(proto::Tick { partitions }))?;
                    continue;
                }
                let status = self.run.status(key);
                if status.deliverable > 0 {
                    // The budget went into moving the head: the next receive will have some.
                    continue;
                }
                let empty = PartitionStatus::default();
                return same(&format!("status of {key:?}, drained"), &empty, &status);
            }
            let deliveries = received
                .messages
                .iter()
                .map(|delivered| proto::DeliveryReference {
                    seq: delivered.seq,
                    delivery_number: delivered.delivery_number,
                });
            let deliveries = deliveries.collect();
            self.command(Operation::Delete(proto::Delete {
                partition,
                version,
                deliveries,
            }))?;
        }
        Err(format!("{key:?} does not become empty"))
    }

    /// Lets records expire and garbage go, and counts the rows that stay.
    fn sweep(&mut self) -> Result<(), String> {
        let now_ms = self.run.clock_ms() + SILENCE_MS;
        self.run.apply(
            &proto::Entry {
                now_ms,
                first_stamp: true,
                batches: Vec::new(),
            },
            false,
        )?;
        (self.session, self.number) = (DRAINING_SESSION + 1, 0);
        self.command(Operation::OpenSession(proto::OpenSession {}))?;
        let partitions = self.run.history.partitions();
        let named = partitions.iter().map(|(key, _)| proto::Partition {
            queue: key.0,
            index: key.1,
        });
        let tick = proto::Tick {
            partitions: named.collect(),
        };
        // The shard, the session, the outcome of the last tick, and what is kept for ever.
        let kept = 3 + partitions.len() + self.run.history.queues_count();
        for _ in 0..self.ticks_to_sweep {
            self.command(Operation::Tick(tick.clone()))?;
            if self.run.replica().rows_count() == kept {
                break;
            }
        }
        same(
            "rows after draining",
            &kept,
            &self.run.replica().rows_count(),
        )?;
        same(
            "background work after draining",
            &false,
            &self.run.background_work(),
        )
    }
}
