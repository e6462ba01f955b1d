//! A node that hosts ledgers.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::testing::{Ledger, Outcome};
use squorum_consensus::{
    ApplyOn, EntryLog, FatalHook, Group, GroupOptions, InitializeError, ProposeError, RaftTransport,
};
use squorum_peer::{Peers, Services, serve};
use squorum_store::{Random, Store};
use squorum_types::NodeId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{Call, GROUPS, Refusal, Shared, entry};
use crate::door::answer;
use crate::machine::{Machine, write_log};
use crate::world::{NODE_NAMES, SimDialer, address_of, listen};

const READ_PATIENCE: Duration = Duration::from_secs(2);
/// Between two checkpoints: often, so that logs are purged and followers need snapshots.
const CHECKPOINT_PAUSE_MS_MIN: u64 = 200;
const CHECKPOINT_PAUSE_MS_MAX: u64 = 2_000;

/// Runs until the process is ended.
pub(super) async fn run(machine: Machine, shared: Shared) -> turmoil::Result {
    let number = machine.number();
    let mut process = machine.boot()?;
    let writer_random = Random::new(process.random.next_u64());
    tokio::spawn(write_log(process.stepper, writer_random));
    let peers = Peers::new(node_id(number), 1, Arc::new(SimDialer));
    peers.set_cluster(*b"simulated groups");
    for (other, name) in NODE_NAMES.iter().enumerate() {
        peers.set_address(node_id(other), address_of(name));
    }
    let transport = RaftTransport::new(peers.clone(), 64 << 20);
    let services = Services::new().for_members(transport.service());
    tokio::spawn(serve(peers, listen().await?, services, pending()));

    let log: Arc<dyn EntryLog> = Arc::new(process.log.clone());
    let mut groups = Vec::new();
    for group in GROUPS {
        let options = GroupOptions {
            apply_on: ApplyOn::Caller,
            ..GroupOptions::new(group, node_id(number), machine.scratch())
        };
        let ledger = Ledger::open(&process.store, group)?;
        let on_fatal = {
            let machine = machine.clone();
            FatalHook::new(move |error| machine.fail(error.to_string()))
        };
        let (log, store) = (Arc::clone(&log), process.store.clone());
        let transport = Arc::clone(&transport);
        let group = Group::start(options, log, store, ledger, transport, on_fatal).await?;
        let members = (0..NODE_NAMES.len()).map(node_id);
        match group.initialize(members).await {
            Ok(()) | Err(InitializeError::AlreadyInitialized) => {}
            Err(error) => return Err(error.into()),
        }
        groups.push(group);
    }
    let calls = shared.doors[number].open();
    tokio::spawn(checkpoint(groups.clone(), process.store, process.random));
    take(calls, groups).await;
    Ok(())
}

pub(super) fn node_id(number: usize) -> NodeId {
    NodeId(number as u64 + 1)
}

async fn take(mut calls: mpsc::Receiver<Call>, groups: Vec<Group<Outcome>>) {
    while let Some(call) = calls.recv().await {
        match call {
            Call::Propose {
                group,
                number,
                answer: to,
            } => {
                let proposal = groups[group].propose(entry(number));
                tokio::spawn(answer(to, async move { proposal.await.map_err(refusal) }));
            }
            Call::ReadLocally { group, answer: to } => {
                let group = groups[group].clone();
                let index = group.can_serve_locally().then(|| group.applied_index());
                let _ = to.send(index.flatten());
            }
            Call::ReadByQuorum { group, answer: to } => {
                let group = groups[group].clone();
                tokio::spawn(answer(to, async move {
                    let deadline = Instant::now() + READ_PATIENCE;
                    group.confirm_leadership(deadline).await.ok()
                }));
            }
            Call::Transfer {
                group,
                to,
                answer: done,
            } => {
                let group = groups[group].clone();
                tokio::spawn(answer(done, async move {
                    // Fails where this node does not lead, which is all the same here.
                    let _ = group.transfer_leadership(node_id(to)).await;
                }));
            }
        }
    }
}

fn refusal(error: ProposeError) -> Refusal {
    match error {
        ProposeError::OutcomeUnknown { .. } => Refusal::Unknown,
        _ => Refusal::Nowhere,
    }
}

/// What a node's checkpointer does, without its schedule.
async fn checkpoint<S: Store>(groups: Vec<Group<Outcome>>, store: S, mut random: Random) {
    loop {
        let spread_ms = CHECKPOINT_PAUSE_MS_MAX - CHECKPOINT_PAUSE_MS_MIN;
        let pause_ms = CHECKPOINT_PAUSE_MS_MIN + random.below(spread_ms);
        sleep(Duration::from_millis(pause_ms)).await;
        let marks: Vec<_> = groups.iter().map(Group::begin_checkpoint).collect();
        if store.flush().is_err() {
            return;
        }
        for (group, mark) in groups.iter().zip(marks) {
            if group.finish_checkpoint(mark).await.is_err() {
                return;
            }
        }
    }
}
