//! How the cluster is, as one node sees it: for people, scripts and the `status` command.
//!
//! Made by pure functions of what the members last said of themselves; [`findings`] judges.

mod build;
mod findings;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use self::build::{StatusInput, cluster_status};

/// Node ids and digests are 16 hexadecimal digits, cluster ids 32.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// `None`: the node that answers is in no cluster yet.
    pub cluster_id: Option<String>,
    /// The node that answers.
    pub this_node: Option<String>,
    /// Of its program.
    pub version: String,
    pub verdict: Verdict,
    /// The members, in the order of their ids.
    pub nodes: Vec<NodeStatus>,
    /// Nodes that would like to be members, in the order of their ids.
    #[serde(default)]
    pub waiting: Vec<WaitingNode>,
    /// Meta, then the shards.
    pub groups: Vec<GroupStatus>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Well,
    /// All is served, but there is something to do.
    Degraded,
    /// The node that answers reaches no majority, or no group has a leader: nothing is served.
    NoQuorum,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    pub id: String,
    pub address: String,
    pub state: NodeState,
    #[serde(default)]
    pub membership: MembershipStatus,
    /// The member whose place it takes.
    #[serde(default)]
    pub replaces: Option<String>,
    /// `None`: not since the node that answers started.
    pub last_heard_ms: Option<u64>,
    pub version: Option<String>,
    /// Number of groups.
    pub leads: u32,
    pub disk_free_bytes: Option<u64>,
    pub disk_total_bytes: Option<u64>,
    /// How far its wall clock is ahead of that of the node that answers.
    pub clock_offset_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    Alive,
    Unreachable,
}

/// How a node takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipStatus {
    /// A voter of every group.
    #[default]
    Active,
    Joining,
    Leaving,
}

/// A node that is in no cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingNode {
    pub id: String,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// `meta`, `shard-0`, ...
    pub name: String,
    pub leader: Option<String>,
    pub term: u64,
    pub replicas: Vec<ReplicaStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    pub node: String,
    /// As the group's leader has it.
    #[serde(default)]
    pub votes: bool,
    /// Index of the last entry that it has applied, when it was last heard.
    pub applied: Option<u64>,
    /// Entries between that and the end of the group's log.
    pub lag_entries: Option<u64>,
    /// Digest of the replica's state after the entry `digest_index`.
    pub digest: Option<String>,
    pub digest_index: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    pub what: String,
    pub why: String,
    pub next_step: String,
}

/// In rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl ClusterStatus {
    /// Of a node that is in no cluster yet. `reason`: what it waits for, if it has said so.
    pub fn waiting(reason: Option<String>) -> ClusterStatus {
        let finding = Finding {
            severity: Severity::Critical,
            what: "this node does not serve yet".to_owned(),
            why: reason.unwrap_or_else(|| "it is starting".to_owned()),
            next_step: "start the seeds that are missing: a cluster is founded once all of them \
                        answer and agree; into one that is founded, its members have to take this \
                        node in"
                .to_owned(),
        };
        ClusterStatus {
            cluster_id: None,
            this_node: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::NoQuorum,
            nodes: Vec::new(),
            waiting: Vec::new(),
            groups: Vec::new(),
            findings: vec![finding],
        }
    }
}
