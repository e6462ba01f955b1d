//! The leader of a group changes who takes part in it.

use std::collections::BTreeSet;

use squorum_consensus::Group;
use squorum_meta::Roster;
use squorum_meta::plan::{self, MembershipChange, ObservedGroup};
use squorum_types::NodeId;

/// Makes the next change, if this node leads and there is one.
pub(super) async fn change<O: Send + 'static>(
    group: &Group<O>,
    roster: &Roster,
    ready: &BTreeSet<NodeId>,
) {
    if !group.can_serve_locally() {
        return;
    }
    let Some(change) = plan::membership_change(roster, &observed(group), ready) else {
        return;
    };
    let id = group.id();
    tracing::info!(group = %id, "{change}");
    let changed = match change {
        MembershipChange::AddLearners(nodes) => group.add_learners(nodes).await,
        MembershipChange::RemoveLearners(nodes) => group.remove_learners(nodes).await,
        MembershipChange::SetVoters(nodes) => group.set_voters(nodes).await,
    };
    if let Err(error) = changed {
        tracing::info!(group = %id, %error, "members of the group are not changed yet");
    }
}

fn observed<O: Send + 'static>(group: &Group<O>) -> ObservedGroup {
    let (membership, is_committed) = group.newest_membership();
    let replicas = group.replication().into_iter();
    let matched = replicas.filter_map(|replica| Some((replica.node, replica.matched_index?)));
    ObservedGroup {
        leader: group.node(),
        membership,
        is_committed,
        last_log_index: group.last_log_index().unwrap_or(0),
        matched_indexes: matched.collect(),
    }
}
