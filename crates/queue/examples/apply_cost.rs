//! What `apply` costs a message, on one core and the in-memory store: sends, then receives with
//! deletes, in batches of one and of ten, from a backlog: standard, standard with all messages of one
//! tenant, of a thousand and of as many as there are messages, and FIFO.
//!
//!     cargo run --release -p squorum-queue --example apply_cost [messages]
//!
//! `apply` is the state machine with its writes into the overlay; `commit` is handing the batch
//! to the store, which for the twin is a tree in memory and says little about the real one.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "measures time, replicates nothing"
)]

use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, Instant};

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::{CommandOutcome, Limits, Shard};
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store, StoreError, View};
use squorum_types::ShardId;

const BODY_BYTES: usize = 1024;
const GROUPS: u64 = 1_000;
/// As many as a leader gathers during one sync under load.
const COMMANDS_PER_ENTRY: usize = 32;
const PARTITION: Option<proto::Partition> = Some(proto::Partition { queue: 1, index: 0 });

/// Counts what reaches the store: a real one pays for each.
#[derive(Default)]
struct Counted {
    store: MemoryStore,
    gets: Cell<usize>,
    scans: Cell<usize>,
}

impl View for Counted {
    type Cursor<'a> = <MemoryStore as View>::Cursor<'a>;

    fn get(&self, key: &[u8]) -> Result<Option<bytes::Bytes>, StoreError> {
        self.gets.set(self.gets.get() + 1);
        self.store.get(key)
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<Self::Cursor<'_>, StoreError> {
        self.scans.set(self.scans.get() + 1);
        self.store.scan(range)
    }
}

struct Bench {
    store: Counted,
    writes: usize,
    shard: Shard,
    /// How many tenants the messages have; 0 for none.
    tenants: u64,
    number: u64,
    now_ms: u64,
    apply: Duration,
    commit: Duration,
}

fn main() {
    let messages = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let messages: usize = messages.unwrap_or(100_000);
    println!("us of one core per message of {BODY_BYTES} bytes, {messages} messages");
    println!("| queue | batch | phase | apply | commit | gets | scans | writes |");
    println!("|---|---|---|---|---|---|---|---|");
    let queues = [
        ("standard", false, 0),
        ("standard, one tenant", false, 1),
        ("standard, 1,000 tenants", false, 1_000),
        ("standard, a tenant each", false, messages as u64),
        ("FIFO", true, 0),
    ];
    for (queue, fifo, tenants) in queues {
        for batch in [1, 10] {
            let mut bench = Bench::new(fifo, tenants);
            let sent = bench.measure(messages, |bench| bench.send_all(messages, batch));
            let drained = bench.measure(messages, |bench| bench.drain(messages, batch));
            println!("| {queue} | {batch} | send | {sent} |");
            println!("| {queue} | {batch} | receive, delete | {drained} |");
        }
    }
}

impl Bench {
    fn new(fifo: bool, tenants: u64) -> Bench {
        let store = Counted::default();
        let shard = Shard::open(&store, ShardId(0), Limits::default()).unwrap();
        let (apply, commit) = (Duration::ZERO, Duration::ZERO);
        let mut bench = Bench {
            store,
            writes: 0,
            shard,
            tenants,
            number: 0,
            now_ms: 1_700_000_000_000,
            apply,
            commit,
        };
        let settings = proto::QueueSettings {
            fifo,
            delay_ms: 0,
            retention_ms: 345_600_000,
            dead_letters: None,
        };
        let configure = proto::Configure {
            queue: 1,
            version: 1,
            settings: Some(settings),
        };
        let open = Operation::OpenSession(proto::OpenSession {});
        bench.apply(vec![open, Operation::Configure(configure)]);
        bench
    }

    fn measure(&mut self, messages: usize, run: impl FnOnce(&mut Bench)) -> String {
        (self.apply, self.commit, self.writes) = (Duration::ZERO, Duration::ZERO, 0);
        self.store.gets.set(0);
        self.store.scans.set(0);
        run(self);
        let per_message = |count: f64| count / messages as f64;
        let [apply, commit] =
            [self.apply, self.commit].map(|time| per_message(time.as_secs_f64() * 1e6));
        let [gets, scans, writes] = [self.store.gets.get(), self.store.scans.get(), self.writes]
            .map(|count| per_message(count as f64));
        format!("{apply:.2} | {commit:.2} | {gets:.2} | {scans:.2} | {writes:.2}")
    }

    fn apply(&mut self, operations: Vec<Operation>) -> Vec<CommandOutcome> {
        let below = self.number + 1;
        let commands = operations.into_iter().map(|operation| {
            self.number += 1;
            proto::Command {
                number: self.number,
                operation: Some(operation),
            }
        });
        let batch = proto::SessionBatch {
            session: 1,
            commands: commands.collect(),
            acknowledged_below: below,
            acknowledged: Vec::new(),
        };
        self.now_ms += 1;
        let entry = proto::Entry {
            now_ms: self.now_ms,
            first_stamp: false,
            batches: vec![batch],
        };
        let start = Instant::now();
        let mut overlay = Overlay::new(&self.store);
        let applied = self.shard.apply(&mut overlay, &entry, true).unwrap();
        self.apply += start.elapsed();
        let start = Instant::now();
        let batch = overlay.into_batch();
        self.writes += batch.len();
        self.store.store.commit(batch).unwrap();
        self.commit += start.elapsed();
        applied.outcomes
    }

    fn send_all(&mut self, messages: usize, batch: usize) {
        let mut made = 0_u64;
        let tenants = self.tenants;
        while (made as usize) < messages {
            let send = |made: &mut u64| {
                let messages = (0..batch).map(|_| {
                    *made += 1;
                    proto::NewMessage {
                        envelope: vec![7; BODY_BYTES].into(),
                        id: u128::from(*made).to_be_bytes().to_vec().into(),
                        delay_ms: 0,
                        deliver_at_ms: 0,
                        group_id: format!("group-{}", *made % GROUPS),
                        deduplication_hash: u128::from(*made).to_be_bytes().to_vec().into(),
                        tenant: made.checked_rem(tenants).map_or(0, |it| it as u32 + 1),
                    }
                });
                let messages = messages.collect();
                Operation::Send(proto::Send {
                    partition: PARTITION,
                    version: 1,
                    messages,
                })
            };
            let operations = (0..COMMANDS_PER_ENTRY).map(|_| send(&mut made)).collect();
            self.apply(operations);
        }
    }

    /// Each entry deletes what the one before received, and receives anew.
    fn drain(&mut self, messages: usize, batch: usize) {
        let mut left = messages;
        let mut deletes: Vec<Operation> = Vec::new();
        while left > 0 || !deletes.is_empty() {
            let receive = Operation::Receive(proto::Receive {
                partition: PARTITION,
                version: 1,
                messages_max: batch as u32,
                visibility_timeout_ms: 30_000,
                attempt_hash: bytes::Bytes::new(),
                replay_only: false,
            });
            let mut operations = std::mem::take(&mut deletes);
            operations.extend(std::iter::repeat_n(receive, COMMANDS_PER_ENTRY));
            for outcome in self.apply(operations) {
                let Some(Kind::Received(received)) = outcome.outcome.kind else {
                    continue;
                };
                left = left.saturating_sub(received.messages.len());
                let references = received
                    .messages
                    .iter()
                    .map(|one| proto::DeliveryReference {
                        seq: one.seq,
                        delivery_number: one.delivery_number,
                    });
                let deliveries: Vec<_> = references.collect();
                if !deliveries.is_empty() {
                    let delete = proto::Delete {
                        partition: PARTITION,
                        version: 1,
                        deliveries,
                    };
                    deletes.push(Operation::Delete(delete));
                }
            }
        }
    }
}
