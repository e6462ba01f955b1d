//! The cluster as a node sees it: how it was founded, who is in it, who is there now.
//!
//! ```text
//!  founding ──► record (on disk) ──► groups start
//!     ▲ introductions     │ roster
//!     ▼                   ▼
//!   seeds              gossip ──► view: who is alive, how the replicas stand ──► status
//!                                   └──► balancer: who leads what
//! ```
//!
//! Nothing here is replicated: each node finds out by itself.

mod balancer;
mod candidates;
mod disk;
mod error;
mod founding;
mod gossip;
mod memory;
mod record;
mod report;
mod roster;
mod seeds;
mod status;
#[cfg(test)]
mod testing;
mod view;

pub(crate) use self::balancer::{Balancer, Leaderships, LedGroup};
pub(crate) use self::candidates::Candidate;
pub use self::disk::{Disk, DiskSpace, FileSystemDisk};
pub use self::error::FoundingError;
pub(crate) use self::founding::{Founding, Introducer, Introduction};
pub(crate) use self::gossip::Gossip;
pub(crate) use self::memory::remembered_record;
pub(crate) use self::record::{ClusterRecord, Stage, read_record, write_record};
pub(crate) use self::report::{DigestAt, GroupReport, NodeReport, ReportSource, Reporter};
pub(crate) use self::roster::{RosterKeeper, RosterSender, RosterWatch};
pub(crate) use self::seeds::Seeds;
pub use self::status::{
    ClusterStatus, Finding, GroupStatus, MembershipStatus, NodeState, NodeStatus, ReplicaStatus,
    Severity, Verdict, WaitingNode,
};
pub(crate) use self::status::{StatusInput, cluster_status};
pub(crate) use self::view::{ClusterView, ObservedMember, SILENCE_MAX};
