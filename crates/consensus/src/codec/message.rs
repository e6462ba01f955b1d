//! The protobuf messages of this crate. Field numbers are never reused.

use std::collections::BTreeSet;

use crate::raft_types::{self, LogId, Membership, StoredMembership};

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct LogIdMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) index: u64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct VoterSetMessage {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) node_ids: Vec<u64>,
}

/// Two voter sets while a change is under way (joint consensus), else one. Field 3 is reserved for
/// what nodes may have to say about themselves one day.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MembershipMessage {
    #[prost(message, repeated, tag = "1")]
    pub(crate) voter_sets: Vec<VoterSetMessage>,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) learners: Vec<u64>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct StoredMembershipMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) log_id: Option<LogIdMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) membership: Option<MembershipMessage>,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct VoteMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) node_id: u64,
    #[prost(bool, tag = "3")]
    pub(crate) committed: bool,
}

/// How far a group's rows have come.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct AppliedMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) log_id: Option<LogIdMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) membership: Option<StoredMembershipMessage>,
}

/// The first chunk of a snapshot.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct SnapshotHeaderMessage {
    #[prost(uint32, tag = "1")]
    pub(crate) group: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) applied: Option<AppliedMessage>,
}

/// The last chunk of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct SnapshotEndMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) rows: u64,
    /// XXH3 over all rows, as `squorum_store::digest_range` makes it.
    #[prost(fixed64, tag = "2")]
    pub(crate) digest: u64,
}

impl From<&LogId> for LogIdMessage {
    fn from(id: &LogId) -> Self {
        let (term, index) = raft_types::term_index(id);
        Self { term, index }
    }
}

impl From<LogIdMessage> for LogId {
    fn from(message: LogIdMessage) -> Self {
        raft_types::log_id(message.term, message.index)
    }
}

impl From<&Membership> for MembershipMessage {
    fn from(membership: &Membership) -> Self {
        let voter_set = |set: &BTreeSet<u64>| VoterSetMessage {
            node_ids: set.iter().copied().collect(),
        };
        Self {
            voter_sets: membership
                .get_joint_config()
                .iter()
                .map(voter_set)
                .collect(),
            learners: membership.learner_ids().collect(),
        }
    }
}

impl From<MembershipMessage> for Membership {
    fn from(message: MembershipMessage) -> Self {
        let voters = message
            .voter_sets
            .into_iter()
            .map(|set| set.node_ids.into_iter().collect());
        Membership::new_with_defaults(voters.collect(), message.learners)
    }
}

impl From<&StoredMembership> for StoredMembershipMessage {
    fn from(stored: &StoredMembership) -> Self {
        Self {
            log_id: stored.log_id().as_ref().map(LogIdMessage::from),
            membership: Some(stored.membership().into()),
        }
    }
}

impl From<StoredMembershipMessage> for StoredMembership {
    fn from(message: StoredMembershipMessage) -> Self {
        let membership = message.membership.unwrap_or_default().into();
        StoredMembership::new(message.log_id.map(LogId::from), membership)
    }
}
