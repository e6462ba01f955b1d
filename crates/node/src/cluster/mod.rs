//! The cluster as a node sees it: how it was founded, who is in it, who is there now.
//!
//! ```text
//!  founding ──► record (on disk) ──► groups start
//!     ▲ introductions     │ members
//!     ▼                   ▼
//!   seeds              gossip ──► view: who is alive, how the replicas stand ──► status
//!                                   └──► balancer: who leads what
//! ```
//!
//! Nothing here is replicated: each node finds out by itself.

mod balancer;
mod disk;
mod error;
mod founding;
mod gossip;
mod memory;
mod record;
mod report;
mod seeds;
mod status;
#[cfg(test)]
mod testing;
mod view;

pub(crate) use self::balancer::{Balancer, Leaderships, LedGroup};
pub use self::disk::{Disk, DiskSpace, FileSystemDisk};
pub use self::error::FoundingError;
pub(crate) use self::founding::{Founding, Introducer, Introduction};
pub(crate) use self::gossip::Gossip;
pub(crate) use self::memory::remembered_record;
pub(crate) use self::record::{ClusterRecord, Member, Stage, read_record, write_record};
pub(crate) use self::report::{DigestAt, GroupReport, ReportSource, Reporter};
pub(crate) use self::seeds::Seeds;
pub use self::status::{
    ClusterStatus, Finding, GroupStatus, NodeState, NodeStatus, ReplicaStatus, Severity, Verdict,
};
pub(crate) use self::status::{StatusInput, cluster_status};
pub(crate) use self::view::{ClusterView, ObservedMember};
