use std::path::PathBuf;
use std::time::Duration;

use squorum_consensus::{ApplyOn, Timings};
use squorum_queue::Limits;
use squorum_types::NodeId;

use crate::cluster::ClusterRecord;

/// Settings of a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    pub node: NodeId,
    /// Directory on the store's file system for files under construction.
    pub scratch: PathBuf,
    /// The nodes that found a cluster together, as they advertise themselves, this one among them.
    /// Without any, the node founds a cluster of one.
    pub seeds: Vec<String>,
    /// Where the other nodes reach this one: `host:port`.
    pub advertise: String,
    /// The member that this node was before it lost what it had promised to keep: its place is
    /// asked for.
    pub replaces: Option<NodeId>,
    /// Number of shards of a cluster that this node founds. A cluster keeps its number.
    pub shard_count: u16,
    /// All nodes of a cluster must have the same.
    pub timings: Timings,
    pub apply_on: ApplyOn,
    pub limits: Limits,
    pub checkpoint: CheckpointOptions,
    /// Of the snapshots that this node sends, all groups together.
    pub snapshot_bytes_per_second: u64,
    /// Bytes of messages on their way to the log, over all shards. Sends beyond are refused.
    pub send_bytes_max: usize,
    /// Receives on their way or waiting, over all shards. More are refused.
    pub receives_max: usize,
    /// Whether a deleted queue's name can be used again, and a queue be purged again, at once
    /// instead of after 60 s, as far as clients ask this node for it.
    pub immediate_recreate_and_purge: bool,
}

/// When the state is flushed and the log purged.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointOptions {
    /// After so many bytes of log ...
    pub log_bytes: u64,
    /// ... or so much time, if anything was written.
    pub interval: Duration,
    /// Log of all groups together that stays behind a checkpoint, for members that were away for a
    /// while. One that was away for longer is sent a snapshot.
    pub log_bytes_kept: u64,
}

impl CheckpointOptions {
    /// Each group's share of what is kept. How many there are was settled when the cluster was founded,
    /// whatever this node would found.
    pub(crate) fn log_bytes_kept_by_group(&self, record: &ClusterRecord) -> u64 {
        self.log_bytes_kept / record.groups().count() as u64
    }
}

impl NodeOptions {
    pub fn new(node: NodeId, scratch: PathBuf) -> NodeOptions {
        NodeOptions {
            node,
            scratch,
            seeds: Vec::new(),
            advertise: String::new(),
            replaces: None,
            shard_count: 8,
            timings: Timings::default(),
            apply_on: ApplyOn::OwnThread,
            limits: Limits::default(),
            checkpoint: CheckpointOptions {
                log_bytes: 128 << 20,
                interval: Duration::from_secs(60),
                log_bytes_kept: 256 << 20,
            },
            snapshot_bytes_per_second: 16 << 20,
            send_bytes_max: 64 << 20,
            receives_max: 16 * 1024,
            immediate_recreate_and_purge: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use squorum_meta::{ClusterId, Member};

    use super::*;
    use crate::cluster::Stage;

    #[test]
    fn what_is_kept_is_shared_by_the_groups_that_the_cluster_has() {
        let node = NodeId(1);
        let record = ClusterRecord {
            cluster_id: ClusterId([1; 16]),
            members: vec![Member::active(node, String::new())],
            shard_count: 64,
            founder: node,
            stage: Stage::Started,
            roster_version: 0,
        };
        let options = NodeOptions::new(node, PathBuf::new());
        assert_ne!(options.shard_count, record.shard_count);
        let by_group = options.checkpoint.log_bytes_kept_by_group(&record);
        assert_eq!(by_group, options.checkpoint.log_bytes_kept / 65);
    }
}
