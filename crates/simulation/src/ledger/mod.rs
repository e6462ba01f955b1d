//! Consensus alone: groups of three replicate ledgers, over the real log, transport and snapshots.
//!
//! A ledger shows every mistake: each entry is a row of its own, and all are chained into one digest.

mod client;
mod judge;
mod node;

use std::sync::Arc;

use parking_lot::Mutex;
use squorum_consensus::testing::Outcome;
use squorum_store::Random;
use squorum_types::GroupId;
use tokio::sync::oneshot;

use crate::Trace;
use crate::door::Door;
use crate::oracle::{Rule, Violation};
use crate::replicas::Replicas;
use crate::report::Report;
use crate::trace::event;
use crate::world::{self, World};

const GROUPS: [GroupId; 2] = [GroupId(1), GroupId(2)];
/// Until the first fault, so that the groups have leaders.
const QUIET_MS: u64 = 500;
/// How long the groups may take to agree again.
const HEALING_MS_MAX: u64 = 10_000;

/// What a client asks of a node.
#[derive(Debug)]
enum Call {
    Propose {
        group: usize,
        number: u64,
        answer: oneshot::Sender<Result<Outcome, Refusal>>,
    },
    /// The applied index, if the node may answer from its own state.
    ReadLocally {
        group: usize,
        answer: oneshot::Sender<Option<u64>>,
    },
    /// The index that a quorum confirms.
    ReadByQuorum {
        group: usize,
        answer: oneshot::Sender<Option<u64>>,
    },
    Transfer {
        group: usize,
        to: usize,
        answer: oneshot::Sender<()>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The entry is nowhere, and will be nowhere.
    Nowhere,
    Unknown,
}

/// What clients did and saw.
#[derive(Clone, Debug, Default)]
struct Ledgers {
    proposals: Vec<Proposed>,
    reads: Vec<Read>,
}

#[derive(Clone, Copy, Debug)]
struct Proposed {
    group: usize,
    number: u64,
    began_ms: u64,
    ended_ms: u64,
    result: Result<Outcome, Refusal>,
}

#[derive(Clone, Copy, Debug)]
struct Read {
    group: usize,
    began_ms: u64,
    ended_ms: u64,
    index: u64,
    is_local: bool,
}

/// What the clients share with the run.
#[derive(Clone, Debug, Default)]
struct Shared {
    doors: [Door<Call>; 3],
    ledgers: Arc<Mutex<Ledgers>>,
    /// The troubles are over: one more entry of each group through each node, then the end.
    is_healed: Arc<std::sync::atomic::AtomicBool>,
}

/// Runs a seed.
pub fn run(seed: u64, trace: Trace) -> Report {
    let mut random = Random::new(seed);
    let shared = Shared::default();
    let mut planning = Random::new(random.next_u64());
    let trouble_until_ms = QUIET_MS + world::trouble_ms(&mut planning);
    let nodes = world::NODE_NAMES.len();
    let faults = world::plan(&mut planning, nodes, QUIET_MS, trouble_until_ms);
    let software = {
        let shared = shared.clone();
        move |machine| node::run(machine, shared.clone())
    };
    let clients = client::run(shared.clone(), random.next_u64(), trace.clone());
    let mut world = World::new(&mut random, trace.clone(), software, clients);
    world.plan(faults);
    let mut replicas = Replicas::new(GROUPS);
    let mut violations = Vec::new();
    if let Err(violation) = drive(&mut world, &mut replicas, &shared, trouble_until_ms) {
        violations.push(violation);
    }
    let ledgers = shared.ledgers.lock().clone();
    if violations.is_empty() {
        violations = judge::judge(&ledgers, world.machines());
    }
    let acknowledged = ledgers.proposals.iter().filter(|p| p.result.is_ok());
    let mut facts = vec![
        ("proposals", ledgers.proposals.len() as u64),
        ("acknowledged", acknowledged.count() as u64),
        ("reads", ledgers.reads.len() as u64),
    ];
    facts.extend(replicas.facts());
    facts.extend(world.facts());
    replicas.absorb_into(&trace, world.machines());
    Report::new(seed, &trace, world.now_ms(), violations, facts)
}

fn drive(
    world: &mut World,
    replicas: &mut Replicas,
    shared: &Shared,
    trouble_until_ms: u64,
) -> Result<(), Violation> {
    let mut healed_ms = None;
    loop {
        let done = world.step()?;
        let now_ms = world.now_ms();
        if now_ms >= trouble_until_ms && healed_ms.is_none() {
            world.heal();
            shared
                .is_healed
                .store(true, std::sync::atomic::Ordering::Relaxed);
            healed_ms = Some(now_ms);
        }
        // Level now, not before the last entry.
        let is_level = replicas.are_level(world.machines(), now_ms)?;
        if done && is_level {
            return Ok(());
        }
        if healed_ms.is_some_and(|at_ms| now_ms > at_ms + HEALING_MS_MAX) {
            let what = if done {
                "the replicas are not at the same position"
            } else {
                "not every group takes entries through every node"
            };
            let text = format!("{HEALING_MS_MAX} ms after everything was well again, {what}");
            return Err(Violation::new(Rule::Liveness, text));
        }
    }
}

/// The entry that a number stands for: of any length, and never twice the same.
fn entry(number: u64) -> bytes::Bytes {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(8 + (number % 4_001) as usize, number as u8);
    body.into()
}

/// A line of the trace for what a client saw.
fn note(trace: &Trace, at_ms: u64, what: std::fmt::Arguments<'_>) {
    event!(trace, at_ms, "client: {what}");
}
