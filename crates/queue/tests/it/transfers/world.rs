//! The shards, their queues, and what became of every message.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::{StoredMessage, read_outbox, read_outbox_targets};
use squorum_store::Random;
use squorum_types::{PartitionId, QueueId, ShardId};

use crate::model::Rules;
use crate::replica::{Caches, Replica, limits};

const SHARDS: u16 = 3;
const PARTITIONS: u16 = 2;
const FIRST_STAMP_MS: u64 = 1_700_000_000_000;
const SESSION: u64 = 1;
/// The queues that are sent to, standard and FIFO.
const SOURCES: [u64; 2] = [1, 2];

/// A shard and the numbers of its one session.
struct Machine {
    replica: Replica,
    next_number: u64,
}

/// What a pump has sent, perhaps in vain, and the answer, perhaps lost.
#[derive(Clone)]
struct Sent {
    source: u16,
    target: u16,
    accept: proto::AcceptTransfers,
}

pub(super) struct World {
    machines: Vec<Machine>,
    now_ms: u64,
    receives_max: u64,
    /// Each source's dead-letter queue, and the version of its settings.
    targets: BTreeMap<u64, (u64, u64)>,
    next_queue: u64,
    dropped: BTreeSet<u64>,
    messages_sent: u64,
    /// How often each message was handed out and deleted, and where.
    ended: BTreeMap<u64, Vec<u64>>,
    late: Vec<Sent>,
    /// Answers on their way back, by source shard.
    answers: Vec<(u16, proto::TruncateOutbox)>,
    returned: usize,
}

impl World {
    pub(super) fn new(random: &mut Random) -> World {
        let rules = Rules {
            session_window: 100,
            sessions_max: 4,
            session_ttl_ms: u64::MAX / 2,
            session_quiet_ms: u64::MAX / 2,
            in_flight_max: 1000,
            noisy_in_flight_min: 3,
            outbox_max: 1 + random.below(30),
        };
        let caches = [Caches::TINY, Caches::SMALL, Caches::LARGE];
        let machines = (0..SHARDS).map(|shard| Machine {
            replica: Replica::of(
                ShardId(shard),
                limits(rules, caches[usize::from(shard)], 64),
            ),
            next_number: 1,
        });
        let mut world = World {
            machines: machines.collect(),
            now_ms: FIRST_STAMP_MS,
            receives_max: 1 + random.below(3),
            targets: BTreeMap::new(),
            next_queue: 10,
            dropped: BTreeSet::new(),
            messages_sent: 0,
            ended: BTreeMap::new(),
            late: Vec::new(),
            answers: Vec::new(),
            returned: 0,
        };
        for shard in 0..SHARDS {
            world.command(shard, Operation::OpenSession(proto::OpenSession {}));
        }
        for source in SOURCES {
            world.new_target(source);
        }
        world
    }

    fn run(&mut self, shard: u16, operation: Operation) -> (proto::Outcome, Vec<StoredMessage>) {
        let machine = &mut self.machines[usize::from(shard)];
        let number = machine.next_number;
        machine.next_number += 1;
        let command = proto::Command {
            number,
            operation: Some(operation),
        };
        let batch = proto::SessionBatch {
            session: SESSION,
            acknowledged_below: number,
            commands: vec![command],
            ..Default::default()
        };
        let entry = proto::Entry {
            now_ms: self.now_ms,
            first_stamp: true,
            batches: vec![batch],
        };
        let (mut applied, _) = machine.replica.apply([(&entry, true)]).pop().unwrap();
        let outcome = applied.outcomes.pop().unwrap();
        (outcome.outcome, outcome.messages)
    }

    fn command(&mut self, shard: u16, operation: Operation) -> proto::Outcome {
        self.run(shard, operation).0
    }

    fn is_fifo(&self, source: u64) -> bool {
        source == SOURCES[1]
    }

    /// Gives a source a dead-letter queue that never was before.
    fn new_target(&mut self, source: u64) {
        let target = self.next_queue;
        self.next_queue += 1;
        self.configure(target, 1, self.is_fifo(source), None);
        let version = self
            .targets
            .get(&source)
            .map_or(1, |(_, version)| version + 1);
        self.targets.insert(source, (target, version));
        let dead_letters = proto::DeadLetters {
            receives_max: self.receives_max,
            target: Some(proto::TransferTarget {
                queue: target,
                partition_count: PARTITIONS.into(),
                shard_count: SHARDS.into(),
            }),
            source_arn: format!("arn-of-{source}"),
        };
        self.configure(source, version, self.is_fifo(source), Some(dead_letters));
    }

    fn configure(
        &mut self,
        queue: u64,
        version: u64,
        fifo: bool,
        dead_letters: Option<proto::DeadLetters>,
    ) {
        for shard in 0..SHARDS {
            let settings = proto::QueueSettings {
                fifo,
                delay_ms: 0,
                retention_ms: u64::MAX / 4,
                dead_letters: dead_letters.clone(),
            };
            let configure = proto::Configure {
                queue,
                version,
                settings: Some(settings),
            };
            self.command(shard, Operation::Configure(configure));
        }
    }

    pub(super) fn retarget(&mut self, random: &mut Random) {
        let source = SOURCES[random.below(2) as usize];
        let (target, _) = self.targets[&source];
        if self.dropped.contains(&target) || random.once_in(5) {
            self.new_target(source);
        }
    }

    /// Deletes a dead-letter queue with what it holds; shard by shard, so that some know before
    /// others.
    pub(super) fn drop_target(&mut self, random: &mut Random) {
        let (target, _) = self.targets[&SOURCES[random.below(2) as usize]];
        if self.dropped.insert(target) {
            self.receive_all(target);
            for shard in 0..SHARDS {
                self.command(shard, Operation::Drop(proto::Drop { queue: target }));
            }
        }
    }

    pub(super) fn send(&mut self, random: &mut Random) {
        let source = SOURCES[random.below(2) as usize];
        let fifo = self.is_fifo(source);
        let group = format!("group-{}", random.below(3));
        let (queue, index) = (QueueId(source), random.below(PARTITIONS.into()) as u16);
        let partition = match fifo {
            true => PartitionId::of_group(queue, PARTITIONS, &group),
            false => PartitionId { queue, index },
        };
        self.messages_sent += 1;
        let envelope = proto::MessageEnvelope {
            body: self.messages_sent.to_string().into(),
            ..Default::default()
        };
        let id = u128::from(self.messages_sent).to_be_bytes();
        let message = proto::NewMessage {
            envelope: envelope.encode_to_vec().into(),
            id: id.to_vec().into(),
            delay_ms: 0,
            deliver_at_ms: 0,
            group_id: if fifo { group } else { String::new() },
            deduplication_hash: if fifo {
                id.to_vec().into()
            } else {
                Default::default()
            },
            tenant: self.messages_sent as u32 % 3,
        };
        let send = proto::Send {
            partition: Some(partition.into()),
            version: self.targets[&source].1,
            messages: vec![message],
        };
        let outcome = self.command(partition.shard(SHARDS).0, Operation::Send(send));
        assert!(matches!(outcome.kind, Some(Kind::Sent(_))), "{outcome:?}");
    }

    /// Receives from a source, mostly in vain: what is not deleted comes back.
    pub(super) fn receive(&mut self, random: &mut Random) {
        let source = SOURCES[random.below(2) as usize];
        let index = random.below(PARTITIONS.into()) as u16;
        let version = self.targets[&source].1;
        let partition = PartitionId {
            queue: QueueId(source),
            index,
        };
        let timeout_ms = random.below(3) * 10;
        let (received, messages) = self.receive_from(partition, version, timeout_ms);
        for (delivered, message) in received.iter().zip(&messages) {
            if random.once_in(6) && timeout_ms > 0 {
                self.delete(partition, version, delivered);
                self.end(message, source);
            }
        }
    }

    fn receive_from(
        &mut self,
        partition: PartitionId,
        version: u64,
        visibility_timeout_ms: u64,
    ) -> (Vec<proto::DeliveredMessage>, Vec<StoredMessage>) {
        let receive = proto::Receive {
            partition: Some(partition.into()),
            version,
            messages_max: 10,
            visibility_timeout_ms,
            ..Default::default()
        };
        let shard = partition.shard(SHARDS).0;
        let (outcome, messages) = self.run(shard, Operation::Receive(receive));
        let Some(Kind::Received(received)) = outcome.kind else {
            panic!("{outcome:?}");
        };
        assert_eq!(received.messages.len(), messages.len());
        (received.messages, messages)
    }

    fn delete(
        &mut self,
        partition: PartitionId,
        version: u64,
        delivered: &proto::DeliveredMessage,
    ) {
        let delete = proto::Delete {
            partition: Some(partition.into()),
            version,
            deliveries: vec![proto::DeliveryReference {
                seq: delivered.seq,
                delivery_number: delivered.delivery_number,
            }],
        };
        self.command(partition.shard(SHARDS).0, Operation::Delete(delete));
    }

    fn end(&mut self, message: &StoredMessage, queue: u64) {
        let envelope = proto::MessageEnvelope::decode(message.envelope.clone()).unwrap();
        let number = String::from_utf8(envelope.body.to_vec()).unwrap();
        self.ended
            .entry(number.parse().unwrap())
            .or_default()
            .push(queue);
        let source = &envelope.dead_letter_source;
        let is_source = SOURCES.contains(&queue);
        assert_eq!(
            source.is_empty(),
            is_source,
            "{queue} has one from {source:?}"
        );
    }

    pub(super) fn pass_time(&mut self, random: &mut Random) {
        self.now_ms += random.below(40);
    }

    pub(super) fn restart(&mut self, random: &mut Random) {
        let machine = &mut self.machines[random.below(SHARDS.into()) as usize];
        if random.once_in(2) {
            machine.replica.restart();
        } else {
            machine.replica.copy();
        }
    }

    /// One round of a pump; what it read or heard may be lost or come again later.
    pub(super) fn pump(&mut self, random: &mut Random) {
        let source = random.below(SHARDS.into()) as u16;
        let store = &self.machines[usize::from(source)].replica.store;
        let count = 1 + random.below(8) as usize;
        let targets = read_outbox_targets(store, ShardId(source))
            .unwrap()
            .into_iter();
        let waiting: Vec<_> = targets
            .map(|target| {
                let transfers = read_outbox(store, ShardId(source), target, count, 10_000);
                (target, transfers.unwrap())
            })
            .collect();
        for (target, transfers) in waiting {
            let settled_below = transfers[0].number;
            let accept = proto::AcceptTransfers {
                source_shard: source.into(),
                settled_below,
                transfers,
            };
            let target = target.0;
            let sent = Sent {
                source,
                target,
                accept,
            };
            self.late.push(sent.clone());
            if !random.once_in(4) {
                self.deliver(&sent, random);
            }
        }
    }

    /// What an earlier pump sent arrives (again), though others went on meanwhile.
    pub(super) fn pump_late(&mut self, random: &mut Random) {
        if !self.late.is_empty() {
            let at = random.below(self.late.len() as u64) as usize;
            let sent = match random.once_in(3) {
                true => self.late.swap_remove(at),
                false => self.late[at].clone(),
            };
            self.deliver(&sent, random);
        }
        if !self.answers.is_empty() && random.once_in(2) {
            let at = random.below(self.answers.len() as u64) as usize;
            let (source, truncate) = self.answers.swap_remove(at);
            self.command(source, Operation::TruncateOutbox(truncate));
        }
    }

    fn deliver(&mut self, sent: &Sent, random: &mut Random) {
        let accept = Operation::AcceptTransfers(sent.accept.clone());
        let outcome = self.command(sent.target, accept);
        let Some(Kind::Transferred(transferred)) = outcome.kind else {
            panic!("{outcome:?}");
        };
        self.returned += transferred.gone.len();
        let truncate = proto::TruncateOutbox {
            target_shard: sent.target.into(),
            below: transferred.below,
            gone: transferred.gone,
        };
        match random.below(4) {
            // The answer is lost.
            0 => {}
            1 => self.answers.push((sent.source, truncate)),
            _ => {
                self.command(sent.source, Operation::TruncateOutbox(truncate));
            }
        }
    }

    /// Pumps until nothing waits, then receives and deletes everything everywhere.
    pub(super) fn drain(&mut self) {
        let mut random = Random::new(1);
        for _ in 0..1_000 {
            if !self.waits() {
                break;
            }
            self.pump(&mut random);
        }
        for queue in SOURCES.into_iter().chain(10..self.next_queue) {
            if !self.dropped.contains(&queue) {
                self.receive_all(queue);
            }
        }
        assert!(!self.waits(), "something waits for ever");
    }

    fn waits(&self) -> bool {
        let mut machines = self.machines.iter();
        machines.any(|machine| machine.replica.shard.transfers_waiting() > 0)
    }

    /// Receives and deletes what a queue holds; nothing leaves meanwhile.
    fn receive_all(&mut self, queue: u64) {
        let mut version = 1;
        if let Some((_, of_source)) = self.targets.get(&queue).copied() {
            version = of_source + 1;
            let (target, _) = self.targets[&queue];
            self.targets.insert(queue, (target, version));
            self.configure(queue, version, self.is_fifo(queue), None);
        }
        // Every visibility timeout is over.
        self.now_ms += 1_000;
        for index in 0..PARTITIONS {
            let partition = PartitionId {
                queue: QueueId(queue),
                index,
            };
            loop {
                let (received, messages) = self.receive_from(partition, version, 1_000);
                if received.is_empty() {
                    break;
                }
                for (delivered, message) in received.iter().zip(&messages) {
                    let expected = if version == 1 { self.receives_max } else { 0 };
                    assert!(delivered.receive_count > expected, "counts do not go on");
                    self.delete(partition, version, delivered);
                    self.end(message, queue);
                }
            }
        }
    }

    pub(super) fn check(&self, seed: u64) {
        for number in 1..=self.messages_sent {
            let ends = self.ended.get(&number).cloned().unwrap_or_default();
            assert_eq!(
                ends.len(),
                1,
                "SQUORUM_SEED={seed}: message {number} ended in {ends:?}"
            );
        }
    }

    /// Messages that ended in a dead-letter queue.
    pub(super) fn moved(&self) -> usize {
        let ends = self.ended.values().flatten();
        ends.filter(|queue| !SOURCES.contains(queue)).count()
    }

    pub(super) fn returned(&self) -> usize {
        self.returned
    }
}
