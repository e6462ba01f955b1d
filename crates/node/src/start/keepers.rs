use std::sync::Arc;

use squorum_log::Log;
use squorum_store::Store;
use squorum_types::ShardId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::groups::Groups;
use crate::checkpointer::Checkpointer;
use crate::cluster::{Balancer, ClusterRecord, Introducer, Reporter};
use crate::controller::Controller;
use crate::leaderships::NodeLeaderships;
use crate::membership::Membership;
use crate::mover::Mover;
use crate::options::CheckpointOptions;
use crate::pump::Pump;
use crate::shard::GroupParts;
use crate::watchdog::Watchdog;

/// What looks after the groups once they run.
pub(super) struct Keepers<'a, S> {
    pub(super) parts: &'a GroupParts<S>,
    pub(super) log: &'a Log,
    pub(super) groups: &'a Groups<S>,
    pub(super) introducer: &'a Introducer,
    pub(super) reporter: &'a Reporter,
    pub(super) on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

impl<S: Store> Keepers<'_, S> {
    /// Answers the controller, and what tells all that the node is about to end.
    pub(super) fn spawn(
        self,
        checkpoint: CheckpointOptions,
        record: &ClusterRecord,
        shutdown: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> (Controller<S>, watch::Sender<bool>) {
        let (meta, shards) = (&self.groups.meta, &self.groups.shards);
        let draining = watch::Sender::new(false);
        let balancer = Balancer {
            roster: self.parts.roster.watch(),
            view: self.parts.view.clone(),
            leaderships: NodeLeaderships {
                meta: meta.group.clone(),
                shards: Arc::clone(shards),
                draining: draining.subscribe(),
            },
        };
        tasks.spawn(balancer.run(shutdown.clone()));
        let membership = Membership {
            meta: meta.clone(),
            shards: Arc::clone(shards),
            roster: self.parts.roster.watch(),
            view: self.parts.view.clone(),
            introducer: self.introducer.clone(),
            reporter: self.reporter.clone(),
        };
        tasks.spawn(membership.run(shutdown.clone()));
        let controller = Controller::new(meta.clone(), Arc::clone(shards));
        tasks.spawn(controller.clone().run(shutdown.clone()));
        let mover = Mover::new(meta.clone(), Arc::clone(shards));
        tasks.spawn(mover.run(shutdown.clone()));
        for shard in (0..record.shard_count).map(ShardId) {
            let pump = Pump {
                shard,
                store: self.parts.store.clone(),
                shards: Arc::clone(shards),
                meta: meta.clone(),
            };
            tasks.spawn(pump.run(shutdown.clone()));
        }
        let checkpointer = Checkpointer {
            options: checkpoint,
            apply_on: self.parts.apply_on,
            store: self.parts.store.clone(),
            log: self.log.clone(),
            meta: meta.clone(),
            shards: shards.to_vec(),
            figures: Arc::clone(&self.parts.figures),
        };
        tasks.spawn(checkpointer.run(shutdown.clone()));
        let watchdog = Watchdog {
            log: self.log.clone(),
            meta: meta.clone(),
            shards: Arc::clone(shards),
            view: self.parts.view.clone(),
            on_fatal: self.on_fatal,
        };
        tasks.spawn(watchdog.run(shutdown.clone()));
        (controller, draining)
    }
}
