//! What a run is made of: pure, from the seed.

use std::time::Duration;

use squorum_store::Random;
use squorum_types::{
    AccountId, DeduplicationScope, QueueArn, QueueAttributes, QueueName, RedrivePolicy, Region,
};

use crate::history::QueueNumber;
use crate::oracle::Rules;
use crate::world::{self, CLOCK_OFFSET_MS_MAX, NODE_NAMES, Planned};

/// A queue of the run.
#[derive(Clone, Debug)]
pub(super) struct QueuePlan {
    pub(super) name: QueueName,
    pub(super) attributes: QueueAttributes,
    /// Of a dead-letter queue: the queue whose messages come here, and nobody else's.
    pub(super) source: Option<QueueNumber>,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) queues: Vec<QueuePlan>,
    pub(super) producers: u64,
    pub(super) consumers: u64,
    /// The longest pause of a producer between two sends.
    pub(super) send_pause_ms_max: u64,
    pub(super) checkpoint_interval: Duration,
    /// Log of all groups that stays behind a checkpoint: mostly none, so that members that were away
    /// need snapshots.
    pub(super) log_bytes_kept: u64,
    /// How long things go wrong.
    pub(super) trouble_ms: u64,
    has_clock_steps: bool,
    /// How many times a disk may be lost.
    disk_losses: u64,
}

/// A disk that will be lost, as soon as no other is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DiskLoss {
    pub(super) at_ms: u64,
    pub(super) node: usize,
    pub(super) down_ms: u64,
}

/// Bounds of the visibility timeouts of a run, those that receives bring along too.
pub(super) const VISIBILITY_TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 1..=4;

impl Plan {
    pub(super) fn new(random: &mut Random) -> Plan {
        let mut queues = vec![queue(random, "standard", None)];
        queues.push(queue(
            random,
            "ordered.fifo",
            Some(DeduplicationScope::Queue),
        ));
        if random.once_in(2) {
            let scope = DeduplicationScope::MessageGroup;
            queues.push(queue(random, "grouped.fifo", Some(scope)));
        }
        for source in 0..queues.len() {
            if random.once_in(2) {
                let dead = dead_letters_of(random, source, &mut queues[source]);
                queues.push(dead);
            }
        }
        Plan {
            queues,
            producers: 2 + random.below(3),
            consumers: 3 + random.below(4),
            send_pause_ms_max: 80 << random.below(4),
            checkpoint_interval: Duration::from_millis(300 + random.below(3_000)),
            log_bytes_kept: match random.below(4) {
                0 => 128 << 10,
                _ => 0,
            },
            trouble_ms: world::trouble_ms(random),
            has_clock_steps: random.once_in(2),
            disk_losses: random.below(4).saturating_sub(1),
        }
    }

    pub(super) fn faults(&self, random: &mut Random, begin_ms: u64, end_ms: u64) -> Vec<Planned> {
        let mut faults = world::plan(random, NODE_NAMES.len(), begin_ms, end_ms);
        if !self.has_clock_steps {
            faults.retain(|planned| !matches!(planned.fault, world::Fault::ClockStep { .. }));
        }
        faults
    }

    pub(super) fn disk_losses(
        &self,
        random: &mut Random,
        begin_ms: u64,
        end_ms: u64,
    ) -> Vec<DiskLoss> {
        let mut losses: Vec<_> = (0..self.disk_losses)
            .map(|_| DiskLoss {
                at_ms: begin_ms + random.below(end_ms - begin_ms),
                node: random.below(NODE_NAMES.len() as u64) as usize,
                down_ms: random.below(1_000),
            })
            .collect();
        losses.sort_by_key(|loss| loss.at_ms);
        losses
    }

    pub(super) fn visibility_timeout_ms_max(&self) -> u64 {
        VISIBILITY_TIMEOUT_SECONDS.end() * 1_000
    }

    pub(super) fn rules(&self) -> Rules {
        let skew_ms = if self.has_clock_steps {
            2 * CLOCK_OFFSET_MS_MAX as u64
        } else {
            0
        };
        Rules {
            clock_skew_ms: skew_ms + 20,
            find_ms: 1_000,
            visibility_timeout_ms_max: self.visibility_timeout_ms_max(),
            is_drained: false,
        }
    }
}

fn queue(random: &mut Random, name: &str, scope: Option<DeduplicationScope>) -> QueuePlan {
    let mut attributes = match scope {
        Some(_) => QueueAttributes::fifo(),
        None => QueueAttributes::standard(),
    };
    if let (Some(fifo), Some(scope)) = (&mut attributes.fifo, scope) {
        fifo.deduplication_scope = scope;
    }
    attributes.visibility_timeout_seconds = visibility_timeout_seconds(random);
    QueuePlan {
        name: QueueName::parse(name).expect("a valid name"),
        attributes,
        source: None,
    }
}

/// A dead-letter queue, to which the source's messages go after few receives.
fn dead_letters_of(random: &mut Random, number: QueueNumber, source: &mut QueuePlan) -> QueuePlan {
    let scope = source.attributes.fifo.as_ref();
    let scope = scope.map(|fifo| fifo.deduplication_scope);
    let mut dead = queue(random, &format!("dead-{}", source.name), scope);
    dead.source = Some(number);
    source.attributes.redrive_policy = Some(RedrivePolicy {
        text: String::new(),
        target: arn_of(&dead.name),
        receives_max: 1 + random.below(2) as u32,
    });
    dead
}

/// In the account and region of all clients.
pub(super) fn arn_of(queue: &QueueName) -> QueueArn {
    QueueArn {
        region: Region::default(),
        account: AccountId::default(),
        name: queue.clone(),
    }
}

pub(super) fn visibility_timeout_seconds(random: &mut Random) -> u32 {
    let (min, max) = VISIBILITY_TIMEOUT_SECONDS.into_inner();
    (min + random.below(max - min + 1)) as u32
}
