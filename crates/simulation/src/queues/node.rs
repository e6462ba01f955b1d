//! A node on a simulated machine.

use std::sync::Arc;

use futures::StreamExt;
use squorum_consensus::ApplyOn;
use squorum_node::{CheckpointOptions, Disk, DiskSpace, Node, NodeOptions, NodeParts};
use squorum_store::Random;
use tokio::sync::watch;

use super::{SHARDS, Shared, call};
use crate::machine::{Machine, write_log};
use crate::world::{NODE_NAMES, SimDialer, address_of, listen};

const CHECKPOINT_LOG_BYTES: u64 = 64 << 10;

/// The disk never fills here.
struct Unknown;

impl Disk for Unknown {
    fn space(&self) -> Option<DiskSpace> {
        None
    }
}

/// Runs until the process is ended.
pub(super) async fn run(machine: Machine, shared: Shared) -> turmoil::Result {
    let mut process = machine.boot()?;
    let writer_random = Random::new(process.random.next_u64());
    tokio::spawn(write_log(process.stepper, writer_random));
    let options = NodeOptions {
        seeds: NODE_NAMES.map(address_of).into(),
        advertise: address_of(machine.name),
        replaces: machine.replaces(),
        shard_count: SHARDS,
        apply_on: ApplyOn::Caller,
        checkpoint: CheckpointOptions {
            log_bytes: CHECKPOINT_LOG_BYTES,
            interval: shared.plan.checkpoint_interval,
            log_bytes_kept: shared.plan.log_bytes_kept,
        },
        ..NodeOptions::new(machine.node_id(), machine.scratch())
    };
    let on_fatal = {
        let machine = machine.clone();
        Arc::new(move |reason| machine.fail(reason))
    };
    let parts = NodeParts {
        store: process.store,
        log: process.log,
        clock: Arc::new(machine.clock.clone()),
        entropy: process.entropy,
        dialer: Arc::new(SimDialer),
        incoming: listen().await?.boxed(),
        disk: Arc::new(Unknown),
        on_fatal,
    };
    let (progress, _progress) = watch::channel(None);
    let node = Node::start(options, parts, progress).await?;
    let mut calls = shared.doors[machine.number()].open();
    while let Some(call) = calls.recv().await {
        tokio::spawn(call::serve(node.clone(), call));
    }
    Ok(())
}
