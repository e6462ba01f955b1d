//! A node at one moment, in plain values. How it is shown is for others to say.

use std::time::Duration;

use squorum_consensus::SnapshotCounts;
use squorum_types::NodeId;
use squorum_types::measure::DurationCounts;

/// All that a node tells of itself. Counters begin with the process.
#[derive(Clone, Debug)]
pub struct Observation {
    pub node: NodeId,
    /// Of the cluster.
    pub feature_level: u32,
    pub members: Members,
    /// Meta first, then the shards in order.
    pub groups: Vec<GroupObservation>,
    pub log: LogObservation,
    pub snapshots: SnapshotCounts,
    /// How long each took.
    pub checkpoints: DurationCounts,
    pub commands: CommandCounts,
    pub admission: AdmissionObservation,
    pub messages: MessageTotals,
}

/// How many nodes the cluster has and this one hears.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members {
    pub all: usize,
    pub alive: usize,
    /// This node has heard no majority for too long to serve.
    pub cut_off: bool,
}

/// A group as this node's replica sees it.
#[derive(Clone, Debug)]
pub struct GroupObservation {
    pub name: String,
    pub has_leader: bool,
    pub leads: bool,
    pub term: u64,
    pub applied_index: u64,
    pub last_log_index: u64,
    /// Times that this node heard of another leader than before.
    pub leader_changes: u64,
    /// Of the other replicas, if this node leads.
    pub replicas: Vec<ReplicaLag>,
}

/// What a replica has yet to be sent, or to acknowledge.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaLag {
    pub node: NodeId,
    pub entries: u64,
}

#[derive(Clone, Debug, Default)]
pub struct LogObservation {
    /// Held by segments that are not freed yet.
    pub disk_bytes: u64,
    pub segments: u64,
    pub written_bytes: u64,
    pub records: u64,
    pub syncs: u64,
    pub queued_bytes: u64,
    pub tail_bytes: u64,
    /// For how long the write and sync in progress have been running.
    pub sync_in_progress: Duration,
    /// How long each batch took to write and sync.
    pub sync_times: DurationCounts,
}

/// Operations on their way through the shards.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandCounts {
    /// By this node as a leader, for all gateways.
    pub entries_proposed: u64,
    pub commands_proposed: u64,
    /// By this node's replicas, whoever leads.
    pub commands_applied: u64,
    /// By this node's gateway, after an answer that says that nothing has happened ...
    pub batches_resubmitted_not_leader: u64,
    /// ... and after none, or one that leaves it open.
    pub batches_resubmitted_unknown: u64,
    /// Not brought through within the time that a request is held.
    pub batches_given_up: u64,
    /// Receives that were undone because their client had gone.
    pub releases: u64,
    /// Sessions that a shard had forgotten.
    pub sessions_reopened: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct AdmissionObservation {
    pub sends_refused: u64,
    pub receives_refused: u64,
    /// Receives that wait for messages.
    pub polls_waiting: u64,
}

/// Of the partitions that this node leads, so that the sum over all nodes is the cluster's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageTotals {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    /// On their way to other shards, and in no queue for so long.
    pub in_transfer: u64,
    /// Partitions with messages.
    pub partitions: u64,
    /// Of the oldest message that is not deleted, as far as it is known. A partition is known from
    /// the first entry on that touches it after a start.
    pub oldest_age: Duration,
    /// Tenants of standard queues that wait behind others for being noisy, once for each partition.
    pub noisy_tenants: u64,
}
