//! How a node is, in its own words.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use squorum_proto::cluster as proto;
use squorum_types::{Clock, GroupId, GroupMembership, NodeId, Timestamp};

use super::disk::DiskSpace;

/// Digests that a report carries of one group, at most.
const FIXED_DIGESTS_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeReport {
    pub(crate) node: NodeId,
    /// Where the node wants to be reached, if that is not wherever it was found.
    pub(crate) address: Option<String>,
    /// Of the program.
    pub(crate) version: String,
    pub(crate) wall_clock: Timestamp,
    /// In the order of their ids.
    pub(crate) groups: Vec<GroupReport>,
    pub(crate) disk: Option<DiskSpace>,
    /// Its log knows every group.
    pub(crate) has_started: bool,
}

/// A group as one replica sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupReport {
    pub(crate) group: GroupId,
    pub(crate) leader: Option<NodeId>,
    pub(crate) term: u64,
    /// 0: nothing is applied.
    pub(crate) applied_index: u64,
    /// 0: the log is empty.
    pub(crate) last_log_index: u64,
    pub(crate) latest_digest: Option<DigestAt>,
    /// At indexes that are the same at every replica.
    pub(crate) fixed_digests: Vec<DigestAt>,
    /// As of the last entry that is applied.
    pub(crate) membership: GroupMembership,
}

/// Digest of a group's state after the entry of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DigestAt {
    pub(crate) index: u64,
    pub(crate) digest: u64,
}

/// What a report is made of, where the node knows it. Asked several times a second; must not block.
pub(crate) trait ReportSource: Send + Sync + 'static {
    fn groups(&self) -> Vec<GroupReport>;

    /// `None` where it is not known.
    fn disk(&self) -> Option<DiskSpace>;

    /// The node's log knows every group.
    fn has_started(&self) -> bool;
}

/// Makes this node's report. A cheap handle.
#[derive(Clone)]
pub(crate) struct Reporter {
    pub(crate) node: NodeId,
    pub(crate) address: Option<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) source: Arc<dyn ReportSource>,
}

impl Reporter {
    pub(crate) fn report(&self) -> NodeReport {
        NodeReport {
            node: self.node,
            address: self.address.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            wall_clock: self.clock.now(),
            groups: self.source.groups(),
            disk: self.source.disk(),
            has_started: self.source.has_started(),
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl From<NodeReport> for proto::NodeReport {
    fn from(report: NodeReport) -> Self {
        proto::NodeReport {
            node: report.node.0,
            address: report.address.unwrap_or_default(),
            version: report.version,
            wall_clock_ms: report.wall_clock.0,
            groups: report.groups.into_iter().map(Into::into).collect(),
            disk_free_bytes: report.disk.map(|disk| disk.free_bytes),
            disk_total_bytes: report.disk.map(|disk| disk.total_bytes),
            has_started: report.has_started,
        }
    }
}

impl From<proto::NodeReport> for NodeReport {
    fn from(report: proto::NodeReport) -> Self {
        let disk = report.disk_free_bytes.zip(report.disk_total_bytes);
        NodeReport {
            node: NodeId(report.node),
            address: Some(report.address).filter(|address| !address.is_empty()),
            version: report.version,
            wall_clock: Timestamp(report.wall_clock_ms),
            groups: report.groups.into_iter().map(Into::into).collect(),
            disk: disk.map(|(free_bytes, total_bytes)| DiskSpace {
                free_bytes,
                total_bytes,
            }),
            has_started: report.has_started,
        }
    }
}

impl From<GroupReport> for proto::GroupReport {
    fn from(report: GroupReport) -> Self {
        let fixed = report.fixed_digests.into_iter();
        proto::GroupReport {
            group: report.group.0,
            leader: report.leader.map(|leader| leader.0),
            term: report.term,
            applied_index: report.applied_index,
            last_log_index: report.last_log_index,
            latest_digest: report.latest_digest.map(Into::into),
            fixed_digests: fixed.take(FIXED_DIGESTS_MAX).map(Into::into).collect(),
            membership: Some(encode_membership(&report.membership)),
        }
    }
}

impl From<proto::GroupReport> for GroupReport {
    fn from(report: proto::GroupReport) -> Self {
        let fixed = report.fixed_digests.into_iter();
        GroupReport {
            group: GroupId(report.group),
            leader: report.leader.map(NodeId),
            term: report.term,
            applied_index: report.applied_index,
            last_log_index: report.last_log_index,
            latest_digest: report.latest_digest.map(Into::into),
            fixed_digests: fixed.take(FIXED_DIGESTS_MAX).map(Into::into).collect(),
            membership: decode_membership(&report.membership.unwrap_or_default()),
        }
    }
}

fn encode_membership(membership: &GroupMembership) -> proto::Membership {
    let ids = |nodes: &BTreeSet<NodeId>| nodes.iter().map(|node| node.0).collect();
    proto::Membership {
        voters: ids(&membership.voters),
        learners: ids(&membership.learners),
        is_joint: membership.is_joint,
    }
}

fn decode_membership(membership: &proto::Membership) -> GroupMembership {
    let nodes = |ids: &[u64]| ids.iter().copied().map(NodeId).collect();
    GroupMembership {
        voters: nodes(&membership.voters),
        learners: nodes(&membership.learners),
        is_joint: membership.is_joint,
    }
}

impl From<DigestAt> for proto::DigestAt {
    fn from(DigestAt { index, digest }: DigestAt) -> Self {
        proto::DigestAt { index, digest }
    }
}

impl From<proto::DigestAt> for DigestAt {
    fn from(proto::DigestAt { index, digest }: proto::DigestAt) -> Self {
        DigestAt { index, digest }
    }
}
