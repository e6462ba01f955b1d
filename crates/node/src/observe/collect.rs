//! Makes an observation of what the node's parts know.

use std::time::Duration;

use squorum_consensus::Group;
use squorum_store::Store;

use super::observation::{
    GroupObservation, LogObservation, Members, MessageTotals, Observation, ReplicaLag,
};
use crate::Node;
use crate::node::Inner;

impl<S: Store> Node<S> {
    /// The node as it is now. Looks at every partition that holds messages and is led here.
    pub fn observe(&self) -> Observation {
        let inner = &self.inner;
        let meta = inner.group(&inner.meta.group);
        let shards = inner.shards.iter().map(|shard| inner.group(&shard.group));
        Observation {
            node: inner.meta.group.node(),
            feature_level: inner.cluster.feature_level.level,
            members: inner.members(),
            groups: [meta].into_iter().chain(shards).collect(),
            log: inner.log(),
            snapshots: inner.transport.snapshots(),
            checkpoints: inner.figures.checkpoints.read(),
            commands: inner.figures.commands(),
            admission: inner.figures.admission(),
            messages: inner.messages(),
        }
    }
}

impl<S: Store> Inner<S> {
    fn members(&self) -> Members {
        let alive = self.view.watch_alive();
        let active = self.roster.get().active_set();
        let alive = alive.borrow().intersection(&active).count();
        Members {
            all: active.len(),
            alive,
            cut_off: self.view.is_cut_off(),
        }
    }

    fn group<O: Send + 'static>(&self, group: &Group<O>) -> GroupObservation {
        let leadership = group.leadership();
        GroupObservation {
            name: group.id().to_string(),
            has_leader: leadership.leader.is_some(),
            leads: leadership.leader == Some(group.node()),
            term: leadership.term,
            applied_index: group.applied_index().unwrap_or(0),
            last_log_index: group.last_log_index().unwrap_or(0),
            leader_changes: self.figures.leader_changes(group.id()),
            replicas: replicas(group),
        }
    }

    fn log(&self) -> LogObservation {
        let health = self.log.health();
        LogObservation {
            disk_bytes: health.retained_bytes,
            segments: health.segments,
            written_bytes: health.written_bytes,
            records: health.records,
            syncs: health.flushes,
            queued_bytes: health.queued_bytes as u64,
            tail_bytes: health.tail_bytes as u64,
            sync_in_progress: health.sync_in_progress.unwrap_or_default(),
            sync_times: self.log.sync_times(),
        }
    }

    fn messages(&self) -> MessageTotals {
        let now = self.stamper.now();
        let led = self.shards.iter().filter(|shard| {
            let leader = shard.group.leadership().leader;
            leader == Some(shard.group.node())
        });
        let mut totals = MessageTotals::default();
        for shard in led {
            let board = shard.board.totals();
            totals.in_transfer += *shard.transfers.borrow();
            totals.visible += board.visible;
            totals.in_flight += board.in_flight;
            totals.delayed += board.delayed;
            totals.partitions += board.partitions;
            totals.noisy_tenants += board.noisy_tenants;
            let age_ms = board
                .oldest_sent_at
                .map_or(0, |sent_at| now.0.saturating_sub(sent_at.0));
            totals.oldest_age = totals.oldest_age.max(Duration::from_millis(age_ms));
        }
        totals
    }
}

/// Of a group that this node leads.
fn replicas<O: Send + 'static>(group: &Group<O>) -> Vec<ReplicaLag> {
    let last_log_index = group.last_log_index().unwrap_or(0);
    let others = group.replication().into_iter();
    let others = others.filter(|replica| replica.node != group.node());
    let lag = others.map(|replica| ReplicaLag {
        node: replica.node,
        entries: last_log_index.saturating_sub(replica.matched_index.unwrap_or(0)),
    });
    lag.collect()
}
