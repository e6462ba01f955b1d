//! Random entries by seed: several gateways that use several queues, with retries, stale handles,
//! lost answers, jumps of time, and restarts and copies of replicas in between.
//!
//! The generator runs the reference beside it, so that handles, acknowledgements and times are
//! those that make things happen. What it makes is a plain list of [`Step`]s, which can be played
//! again, in part as well: that is how a failure is shrunk.

mod gateway;
mod plan;
mod profile;
mod transfers;

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_store::Random;

use self::gateway::Gateway;
use self::plan::QueuePlan;
pub(crate) use self::profile::Profile;
use crate::model::{Expected, Model};

const GATEWAYS: u64 = 3;
const HANDLES_MAX: usize = 200;
/// A day in 2023.
const FIRST_STAMP_MS: u64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Apply {
        entry: proto::Entry,
        owed: bool,
    },
    /// Opens a replica again from its store.
    Restart {
        replica: usize,
    },
    /// Copies a replica's rows to a fresh store, as a snapshot does, and goes on there.
    Copy {
        replica: usize,
    },
}

/// A delivery that some gateway heard of, current or not.
#[derive(Clone, Copy, Debug)]
struct Handle {
    partition: proto::Partition,
    reference: proto::DeliveryReference,
}

pub(crate) struct Generator {
    random: Random,
    profile: Profile,
    model: Model,
    gateways: Vec<Gateway>,
    next_session: u64,
    queues: Vec<QueuePlan>,
    next_queue: u64,
    handles: Vec<Handle>,
    last_attempt: Option<proto::Receive>,
    messages_made: u64,
    purges_made: u64,
    tasks_made: u64,
}

/// The steps of one run: about `commands` commands.
pub(crate) fn generate(seed: u64, profile: &Profile, commands: usize) -> Vec<Step> {
    let mut generator = Generator::new(seed, profile.clone());
    let mut steps = Vec::new();
    let mut made = 0;
    while made < commands {
        let step = generator.step();
        if let Step::Apply { entry, .. } = &step {
            made += entry
                .batches
                .iter()
                .map(|batch| batch.commands.len())
                .sum::<usize>();
        }
        steps.push(step);
    }
    steps
}

impl Generator {
    fn new(seed: u64, profile: Profile) -> Generator {
        let mut generator = Generator {
            random: Random::new(seed),
            model: Model::new(profile.rules),
            profile,
            gateways: Vec::new(),
            next_session: 1,
            queues: Vec::new(),
            next_queue: 1,
            handles: Vec::new(),
            last_attempt: None,
            messages_made: 0,
            purges_made: 0,
            tasks_made: 0,
        };
        for _ in 0..GATEWAYS {
            generator.add_gateway();
        }
        for _ in 0..generator.profile.queues {
            generator.add_queue();
        }
        generator
    }

    fn add_gateway(&mut self) {
        self.gateways.push(Gateway::new(self.next_session));
        self.next_session += 1;
    }

    fn add_queue(&mut self) {
        let queue = QueuePlan::random(self.next_queue, self.profile.transfers, &mut self.random);
        self.next_queue += 1;
        self.queues.push(queue);
    }

    fn step(&mut self) -> Step {
        if self.random.once_in(self.profile.steps_between_restarts) {
            let replica = self.random.below(3) as usize;
            return match self.random.once_in(3) {
                true => Step::Copy { replica },
                false => Step::Restart { replica },
            };
        }
        let entry = self.entry();
        let expected = self.model.apply(&entry);
        self.observe(&entry, &expected);
        Step::Apply {
            entry,
            owed: !self.random.once_in(4),
        }
    }

    fn entry(&mut self) -> proto::Entry {
        let (now_ms, first_stamp) = self.stamp();
        let mut entry = proto::Entry {
            now_ms,
            first_stamp,
            batches: Vec::new(),
        };
        for _ in 0..1 + self.random.below(3) {
            let batch = self.batch();
            entry.batches.push(batch);
        }
        entry
    }

    fn batch(&mut self) -> proto::SessionBatch {
        if self.random.once_in(60) {
            return self.strangers_batch();
        }
        let at = self.random.below(self.gateways.len() as u64) as usize;
        // The gateway is taken out while it makes commands of the rest of the generator's state.
        let mut gateway = std::mem::replace(&mut self.gateways[at], Gateway::new(0));
        let mut batch = gateway.batch(&mut self.random, self.profile.acknowledge_percent);
        let commands = self.random.below(5);
        for _ in 0..commands {
            let command = match gateway.retry(&mut self.random) {
                Some(command) => command,
                None => {
                    let number = gateway.number(&mut self.random);
                    let operation = self.operation(&gateway);
                    proto::Command {
                        number,
                        operation: Some(operation),
                    }
                }
            };
            let opens = matches!(command.operation, Some(Operation::OpenSession(_)));
            if opens && batch.commands.is_empty() {
                // As the first command it would bring a session back that has expired, and then
                // its numbers would count from new. Gateways never use an id again.
                continue;
            }
            gateway.sent(&command);
            batch.commands.push(command);
        }
        self.gateways[at] = gateway;
        batch
    }

    /// Of a session that never was, or of none.
    fn strangers_batch(&mut self) -> proto::SessionBatch {
        let session = if self.random.once_in(2) { 0 } else { 1 << 40 };
        let operation = self.operation(&Gateway::new(session));
        let command = proto::Command {
            number: 1,
            operation: Some(operation),
        };
        proto::SessionBatch {
            session,
            commands: vec![command],
            ..Default::default()
        }
    }

    /// The time of the next entry.
    fn stamp(&mut self) -> (u64, bool) {
        let random = &mut self.random;
        let clock_ms = match self.model.clock_ms() {
            0 => return (FIRST_STAMP_MS, random.once_in(2)),
            clock_ms => clock_ms,
        };
        let due_ms = self.model.dues_ms();
        let exactly =
            |due_ms: u64, random: &mut Random| (due_ms + random.below(3)).saturating_sub(1);
        match random.below(1000) {
            0..400 => (clock_ms, false),
            400..700 => (clock_ms + random.below(self.profile.step_ms), false),
            700..720 => (clock_ms - random.below(100_000), random.once_in(2)),
            720..960 if !due_ms.is_empty() => {
                // Mostly what is due soon: later ones are reached over and over by the jumps.
                let soon = due_ms
                    .len()
                    .min(1 + random.below(due_ms.len() as u64) as usize)
                    as u64;
                let due_ms = due_ms[random.below(soon) as usize];
                let far = due_ms > clock_ms + self.profile.jump_ms_max;
                if far {
                    (clock_ms + 1, false)
                } else {
                    (exactly(due_ms, random), true)
                }
            }
            960..998 => (
                clock_ms + random.below(self.profile.jump_ms_max),
                random.once_in(2),
            ),
            998 => (clock_ms + random.below(3) * 3_600_000, true),
            _ => (clock_ms, true),
        }
    }

    /// Learns from the outcomes what a gateway would.
    fn observe(&mut self, entry: &proto::Entry, expected: &[Expected]) {
        let commands = entry.batches.iter().flat_map(|batch| {
            batch
                .commands
                .iter()
                .map(|command| (batch.session, command))
        });
        for ((session, command), expected) in commands.zip(expected) {
            let gateway = self
                .gateways
                .iter_mut()
                .find(|gateway| gateway.session == session);
            if let Some(gateway) = gateway {
                gateway.answered(command, &expected.outcome);
            }
            let Some(Operation::Receive(receive)) = &command.operation else {
                continue;
            };
            let Some(Kind::Received(received)) = &expected.outcome.kind else {
                continue;
            };
            let Some(partition) = receive.partition else {
                continue;
            };
            self.handles
                .extend(received.messages.iter().map(|delivered| Handle {
                    partition,
                    reference: proto::DeliveryReference {
                        seq: delivered.seq,
                        delivery_number: delivered.delivery_number,
                    },
                }));
        }
        let surplus = self.handles.len().saturating_sub(HANDLES_MAX);
        self.handles.drain(..surplus);
        for at in 0..self.gateways.len() {
            if self.gateways[at].is_lost() {
                self.gateways[at] = Gateway::new(self.next_session);
                self.next_session += 1;
            }
        }
    }
}
