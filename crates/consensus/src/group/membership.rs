//! Who takes part in a group, and how that changes.
//!
//! A change of voters goes through a joint configuration. If a leader ends between its two steps, the
//! next one finds the group in between and has to make the change once more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::{ChangeMembers, EmptyNode};
use squorum_types::{GroupMembership, NodeId};

use super::Group;
use crate::error::MembershipError;
use crate::raft_types::{Membership, TypeConfig};

/// For both steps; whoever has not answered by then may do it later.
const TIMEOUT: Duration = Duration::from_secs(5);

impl<O: Send + 'static> Group<O> {
    /// As of the last entry that this node has applied: committed, that is.
    pub fn applied_membership(&self) -> GroupMembership {
        group_membership(self.inner.publication.applied().membership.membership())
    }

    /// As of the last entry in this node's log, and whether that is committed, as far as this node knows.
    pub fn newest_membership(&self) -> (GroupMembership, bool) {
        let metrics = self.inner.metrics.borrow_watched();
        let newest = &metrics.membership_config;
        let is_committed = metrics.local_committed.as_ref() >= newest.log_id().as_ref();
        (group_membership(newest.membership()), is_committed)
    }

    /// Nodes that are sent the log from now on, and have no vote.
    pub async fn add_learners(&self, nodes: BTreeSet<NodeId>) -> Result<(), MembershipError> {
        let nodes = nodes.into_iter().map(|node| (node.0, EmptyNode {}));
        let nodes: BTreeMap<_, _> = nodes.collect();
        self.change(ChangeMembers::AddNodes(nodes)).await
    }

    pub async fn remove_learners(&self, nodes: BTreeSet<NodeId>) -> Result<(), MembershipError> {
        let nodes = nodes.into_iter().map(|node| node.0).collect();
        self.change(ChangeMembers::RemoveNodes(nodes)).await
    }

    /// Learners and voters that are to vote from now on. Voters that are not among them leave the
    /// group.
    pub async fn set_voters(&self, nodes: BTreeSet<NodeId>) -> Result<(), MembershipError> {
        let nodes = nodes.into_iter().map(|node| node.0).collect();
        self.change(ChangeMembers::ReplaceAllVoters(nodes)).await
    }

    /// Returns when the change is committed.
    async fn change(&self, change: ChangeMembers<u64, EmptyNode>) -> Result<(), MembershipError> {
        let changed = self.inner.raft.change_membership(change, false);
        match tokio::time::timeout(TIMEOUT, changed).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(MembershipError::TimedOut),
        }
    }
}

fn group_membership(membership: &Membership) -> GroupMembership {
    GroupMembership {
        voters: membership.voter_ids().map(NodeId).collect(),
        learners: membership.learner_ids().map(NodeId).collect(),
        is_joint: membership.get_joint_config().len() > 1,
    }
}

fn refused(error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> MembershipError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => {
            MembershipError::NotLeader {
                leader: forward.leader_id.map(NodeId),
            }
        }
        RaftError::APIError(error) => MembershipError::Refused {
            reason: error.to_string(),
        },
        RaftError::Fatal(_) => MembershipError::Stopped,
    }
}
