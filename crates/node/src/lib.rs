//! The runtime of a node.
//!
//! A [`Node`] hosts the groups, and is the gateway for clients that happen to talk to it:
//!
//! ```text
//!  QueueService ──► service: one file an operation
//!                     │ find the queue           │ operation                  ▲ claim
//!                     ▼                          ▼                            │
//!                   meta (directory)        shard::session               shard::board
//!                     │                          │ batches                    ▲
//!                     ▼ work                     ▼                            │
//!                   controller     gateway ◄─ shard::route                    │
//!                                     │          ▼ if this node leads         │ statuses
//!           other nodes' gateways ──► └──► shard::proposer ──► group ──► shard::state
//!                                                          entries  applied
//! ```
//!
//! Decisions are made in `queue` and `meta`, which are pure; here bytes and time are moved.

mod checkpointer;
mod cluster;
mod controller;
mod digests;
mod error;
mod gateway;
mod hand_over;
mod health;
mod leaderships;
mod membership;
mod meta;
mod mover;
mod node;
mod observe;
mod options;
mod past_checkpoints;
mod pump;
mod routing;
mod service;
mod shard;
mod shutdown;
mod stamper;
mod start;
mod started;
mod watchdog;

pub use cluster::{
    ClusterStatus, Disk, DiskSpace, FileSystemDisk, Finding, FoundingError, GroupStatus,
    MembershipStatus, NodeState, NodeStatus, ReplicaStatus, Severity, Verdict, WaitingNode,
};
pub use error::NodeError;
pub use health::Health;
pub use membership::AdministrationError;
pub use node::{Expulsion, Node, NodeParts};
pub use observe::{
    AdmissionObservation, CommandCounts, GroupObservation, LogObservation, Members, MessageTotals,
    Observation, ReplicaLag,
};
pub use options::{CheckpointOptions, NodeOptions};
pub use service::PartitionPlace;
pub use squorum_consensus::SnapshotCounts;
