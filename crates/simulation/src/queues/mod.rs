//! The whole node: clients send to queues and receive from them through every node.

mod body;
mod call;
mod client;
mod members;
mod node;
mod plan;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use squorum_store::Random;
use squorum_types::GroupId;

use self::call::Call;
use self::plan::{DiskLoss, Plan};
use crate::Trace;
use crate::door::Door;
use crate::history::{History, Recorder};
use crate::oracle::{self, Rule, Rules, Violation};
use crate::replicas::Replicas;
use crate::report::Report;
use crate::trace::event;
use crate::world::World;

/// Shards of the cluster: few, so that each has much to do.
const SHARDS: u16 = 3;
/// How long a cluster may take to found itself and create the queues.
const FOUNDING_MS_MAX: u64 = 20_000;
/// After everything is well again, some message is deleted within this time until none is left, the
/// visibility timeouts of earlier deliveries aside.
const DELIVERY_MS_MAX: u64 = 10_000;
/// So many times as long may draining take as nothing may happen in it.
const DRAIN_LIMITS_MAX: u64 = 5;
/// The queues have to be silent for so long until they count as empty.
const SILENCE_MS: u64 = 2_000;
const DRAINED_INTERVAL_MS: u64 = 100;
/// Replicas that get no commands have to be at the same position within this time.
const LEVEL_MS_MAX: u64 = 10_000;

/// What the clients share with the run.
#[derive(Clone, Debug)]
struct Shared {
    plan: Arc<Plan>,
    doors: [Door<Call>; 3],
    recorder: Recorder,
    trace: Trace,
    /// The queues exist.
    is_ready: Arc<AtomicBool>,
    /// Nothing goes wrong any more: send a little, receive and delete everything.
    is_healed: Arc<AtomicBool>,
    /// All sends are done.
    is_sent: Arc<AtomicBool>,
    /// All is delivered and deleted: the end.
    is_drained: Arc<AtomicBool>,
}

/// Runs a seed.
pub fn run(seed: u64, trace: Trace) -> Report {
    let mut random = Random::new(seed);
    let plan = Arc::new(Plan::new(&mut Random::new(random.next_u64())));
    let shared = Shared {
        plan: Arc::clone(&plan),
        doors: Default::default(),
        recorder: Recorder::default(),
        trace: trace.clone(),
        is_ready: Arc::default(),
        is_healed: Arc::default(),
        is_sent: Arc::default(),
        is_drained: Arc::default(),
    };
    let software = {
        let shared = shared.clone();
        move |machine| node::run(machine, shared.clone())
    };
    let clients = client::run(shared.clone(), random.next_u64());
    let mut world = World::new(&mut random, trace.clone(), software, clients);
    let mut replicas = Replicas::new((0..=u32::from(SHARDS)).map(GroupId));
    let mut violations = Vec::new();
    if let Err(violation) = drive(&mut world, &mut replicas, &shared, &mut random) {
        violations.push(violation);
    }
    let history = shared.recorder.history();
    let rules = Rules {
        is_drained: shared.is_drained.load(Ordering::Relaxed),
        ..plan.rules()
    };
    violations.extend(oracle::judge(&history, &rules));
    replicas.absorb_into(&trace, world.machines());
    let mut facts = facts(&history);
    facts.extend(replicas.facts());
    facts.extend(world.facts());
    facts.push(("lost disks", world.lost_disks()));
    Report::new(seed, &trace, world.now_ms(), violations, facts)
}

fn facts(history: &History) -> Vec<(&'static str, u64)> {
    let messages = history.messages();
    let acknowledged = messages.values().filter(|m| m.acknowledged_ms().is_some());
    let deleted = messages.values().filter(|m| m.deleted_ms(0).is_some());
    vec![
        ("sends", history.sends.len() as u64),
        ("acknowledged", acknowledged.count() as u64),
        ("receives", history.receives.len() as u64),
        (
            "dead letters",
            messages.values().filter(|m| m.has_died()).count() as u64,
        ),
        ("deleted", deleted.count() as u64),
        ("unknown receives", history.unknown_receives.len() as u64),
        ("found nothing", history.found_nothing.len() as u64),
        ("counts", history.counts.len() as u64),
    ]
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Founding,
    Trouble { until_ms: u64 },
    Draining(Drain),
    Comparing { since_ms: u64 },
}

/// How far the queues are drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drain {
    since_ms: u64,
    /// The fewest messages that were left so far, and since when there are no fewer.
    left: usize,
    stuck_since_ms: u64,
    empty_since_ms: Option<u64>,
}

impl Drain {
    fn begin(now_ms: u64) -> Drain {
        Drain {
            since_ms: now_ms,
            left: usize::MAX,
            stuck_since_ms: now_ms,
            empty_since_ms: None,
        }
    }

    fn look(&mut self, left: usize, is_empty: bool, now_ms: u64) {
        if left < self.left {
            (self.left, self.stuck_since_ms) = (left, now_ms);
        }
        self.empty_since_ms = is_empty.then(|| self.empty_since_ms.unwrap_or(now_ms));
    }

    /// Slow clients need time for what has gathered, but something has to happen all the time.
    fn is_stuck(&self, now_ms: u64, limit_ms: u64) -> bool {
        let is_stuck = now_ms > self.stuck_since_ms + limit_ms;
        let is_endless = now_ms > self.since_ms + DRAIN_LIMITS_MAX * limit_ms;
        self.empty_since_ms.is_none() && (is_stuck || is_endless)
    }
}

fn drive(
    world: &mut World,
    replicas: &mut Replicas,
    shared: &Shared,
    random: &mut Random,
) -> Result<(), Violation> {
    let mut phase = Phase::Founding;
    let mut losses = VecDeque::new();
    loop {
        let done = world.step()?;
        let now_ms = world.now_ms();
        if let Phase::Trouble { .. } = phase {
            lose_disks(world, &mut losses);
        }
        let is_level = replicas.are_level(world.machines(), now_ms)?;
        match phase {
            Phase::Comparing { .. } if done && is_level => return Ok(()),
            Phase::Comparing { since_ms } if now_ms > since_ms + LEVEL_MS_MAX => {
                let text = format!("the replicas are not at the same position at {now_ms} ms");
                return Err(Violation::new(Rule::Liveness, text));
            }
            Phase::Founding => {
                phase = next_phase(phase, world, shared, random)?;
                if let Phase::Trouble { until_ms } = phase {
                    losses = shared.plan.disk_losses(random, now_ms, until_ms).into();
                }
            }
            _ => phase = next_phase(phase, world, shared, random)?,
        }
    }
}

/// Only while all members are whole: two of three disks are one too many.
fn lose_disks(world: &mut World, losses: &mut VecDeque<DiskLoss>) {
    let now_ms = world.now_ms();
    let Some(loss) = losses.front().filter(|loss| loss.at_ms <= now_ms) else {
        return;
    };
    if members::are_whole(world.machines()) {
        world.lose_disk(loss.node, loss.down_ms);
        losses.pop_front();
    }
}

fn next_phase(
    phase: Phase,
    world: &mut World,
    shared: &Shared,
    random: &mut Random,
) -> Result<Phase, Violation> {
    let now_ms = world.now_ms();
    let liveness = |text: String| Violation::new(Rule::Liveness, text);
    match phase {
        Phase::Founding if shared.is_ready.load(Ordering::Relaxed) => {
            let until_ms = now_ms + shared.plan.trouble_ms;
            world.plan(shared.plan.faults(random, now_ms, until_ms));
            Ok(Phase::Trouble { until_ms })
        }
        Phase::Founding if now_ms > FOUNDING_MS_MAX => {
            Err(liveness(format!("no cluster after {now_ms} ms")))
        }
        Phase::Trouble { until_ms } if now_ms >= until_ms => {
            world.heal();
            shared.is_healed.store(true, Ordering::Relaxed);
            Ok(Phase::Draining(Drain::begin(now_ms)))
        }
        Phase::Draining(mut drain) if now_ms.is_multiple_of(DRAINED_INTERVAL_MS) => {
            let left = undelivered(shared);
            let is_empty = left.is_empty() && shared.is_sent.load(Ordering::Relaxed);
            let limit_ms = DELIVERY_MS_MAX + shared.plan.visibility_timeout_ms_max();
            drain.look(left.len(), is_empty, now_ms);
            if drain.is_stuck(now_ms, limit_ms) {
                let text = format!(
                    "{} ms after all was well again, {}",
                    now_ms - drain.since_ms,
                    describe(&left)
                );
                return Err(liveness(text));
            }
            let empty_since_ms = drain.empty_since_ms;
            if empty_since_ms.is_some_and(|at_ms| now_ms > at_ms + SILENCE_MS) {
                event!(shared.trace, now_ms, "the queues are empty");
                shared.is_drained.store(true, Ordering::Relaxed);
                return Ok(Phase::Comparing { since_ms: now_ms });
            }
            Ok(Phase::Draining(drain))
        }
        same => Ok(same),
    }
}

/// Messages that exist for sure and that nobody has deleted, by queue and tag.
fn undelivered(shared: &Shared) -> Vec<(usize, u64)> {
    shared.recorder.read(|history| {
        let messages = history.messages();
        let left = messages.iter().filter(|(_, message)| {
            message.existed_ms().is_some() && message.may_be_deleted_ms().is_none()
        });
        left.map(|((queue, tag), _)| (*queue, tag.0)).collect()
    })
}

fn describe(left: &[(usize, u64)]) -> String {
    if left.is_empty() {
        return "not every node takes messages for every queue".to_owned();
    }
    let shown = &left[..left.len().min(8)];
    format!("{} messages are not delivered: {shown:?}", left.len())
}
