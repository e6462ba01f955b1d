//! Who takes part in a group, and how far members are on their way in or out.
//!
//! 1. A node votes only once it has nearly all of the log, so that a change never keeps a group
//!    waiting.
//! 2. A change is made only if a majority of its voters is alive and has what counts: no change takes
//!    a group below its quorum.
//! 3. A replacement and the member that it replaces change places in one step.
//! 4. A leader is not taken out: its leadership goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use squorum_types::{GroupId, GroupMembership, NodeId};

use crate::command::AdvanceMember;
use crate::roster::{Member, MemberState, Roster};

/// Entries that a node may lack when it is made a voter: they are on their way all the time.
const LAG_ENTRIES_MAX: u64 = 1_000;

/// A group as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedGroup {
    pub leader: NodeId,
    /// The last one in the log.
    pub membership: GroupMembership,
    /// The last one in the log is committed.
    pub is_committed: bool,
    pub last_log_index: u64,
    /// Index of the last entry that each other member surely has.
    pub matched_indexes: BTreeMap<NodeId, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipChange {
    AddLearners(BTreeSet<NodeId>),
    RemoveLearners(BTreeSet<NodeId>),
    /// Through a joint configuration. Voters that are not among them leave the group.
    SetVoters(BTreeSet<NodeId>),
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, nodes) = match self {
            MembershipChange::AddLearners(nodes) => ("learners come:", nodes),
            MembershipChange::RemoveLearners(nodes) => ("learners go:", nodes),
            MembershipChange::SetVoters(nodes) => ("voters are:", nodes),
        };
        f.write_str(what)?;
        nodes.iter().try_for_each(|node| write!(f, " {node}"))
    }
}

/// What the leader of a group should change next, if anything. `ready`: nodes that are alive and
/// would survive a crash as members, the leader too.
pub fn membership_change(
    roster: &Roster,
    group: &ObservedGroup,
    ready: &BTreeSet<NodeId>,
) -> Option<MembershipChange> {
    if !group.is_committed {
        return None;
    }
    let GroupMembership {
        voters, learners, ..
    } = &group.membership;
    let candidates = roster.members.iter().map(|member| member.node);
    let target: BTreeSet<NodeId> = candidates
        .filter(|node| should_vote(roster, group, ready, *node))
        .collect();
    let up = |nodes: &BTreeSet<NodeId>| nodes.intersection(ready).count();
    let has_quorum = |nodes: &BTreeSet<NodeId>| up(nodes) > nodes.len() / 2;
    if (target != *voters || group.membership.is_joint) && has_quorum(&target) {
        return Some(MembershipChange::SetVoters(target));
    }
    // Any other change would finish the one that is half done, whoever is up.
    if group.membership.is_joint {
        return None;
    }
    let wanted = roster.members.iter().filter(|member| {
        let replacement = replacement(roster, member.node);
        takes_part(member) && replacement.is_none_or(|node| !voters.contains(&node))
    });
    let wanted: BTreeSet<NodeId> = wanted.map(|member| member.node).collect();
    let missing: BTreeSet<NodeId> = wanted
        .iter()
        .filter(|node| !voters.contains(node) && !learners.contains(node))
        .copied()
        .collect();
    if !missing.is_empty() {
        return Some(MembershipChange::AddLearners(missing));
    }
    let surplus: BTreeSet<NodeId> = learners.difference(&wanted).copied().collect();
    (!surplus.is_empty()).then_some(MembershipChange::RemoveLearners(surplus))
}

fn takes_part(member: &Member) -> bool {
    matches!(member.state, MemberState::Joining | MemberState::Active)
}

/// Who is brought up to date to take a member's place.
fn replacement(roster: &Roster, node: NodeId) -> Option<NodeId> {
    let replacement = roster.replacement_of(node);
    let replacement = replacement.filter(|other| other.state == MemberState::Joining);
    replacement.map(|other| other.node)
}

fn should_vote(
    roster: &Roster,
    group: &ObservedGroup,
    ready: &BTreeSet<NodeId>,
    node: NodeId,
) -> bool {
    let votes = group.membership.voters.contains(&node);
    if node == group.leader {
        return votes;
    }
    let may_vote = |node: NodeId| {
        group.membership.voters.contains(&node)
            || (ready.contains(&node) && is_caught_up(group, node))
    };
    match roster.member(node) {
        Some(member) if takes_part(member) => {
            may_vote(node) && !replacement(roster, node).is_some_and(may_vote)
        }
        _ => false,
    }
}

fn is_caught_up(group: &ObservedGroup, node: NodeId) -> bool {
    let matched = group.matched_indexes.get(&node);
    matched.is_some_and(|matched| matched + LAG_ENTRIES_MAX >= group.last_log_index)
}

/// What a member that has reached the end of its state goes on to, if there is one. `groups`: what is
/// committed, of every group; those whose leader is not known are missing. `heard`: nodes that
/// answer as members, which they do once they know that they are.
pub fn next_step(
    roster: &Roster,
    groups: &BTreeMap<GroupId, GroupMembership>,
    group_count: usize,
    heard: &BTreeSet<NodeId>,
) -> Option<AdvanceMember> {
    let everywhere = |is_so: &dyn Fn(&GroupMembership) -> bool| {
        groups.len() == group_count && groups.values().all(|group| !group.is_joint && is_so(group))
    };
    let is_out = |group: &GroupMembership, node: NodeId| {
        !group.voters.contains(&node) && !group.learners.contains(&node)
    };
    let is_at_its_end = |member: &&Member| match member.state {
        MemberState::Admitted => heard.contains(&member.node),
        MemberState::Joining => everywhere(&|group| {
            let replaced = member.replaces;
            group.voters.contains(&member.node) && replaced.is_none_or(|node| is_out(group, node))
        }),
        MemberState::Leaving => everywhere(&|group| is_out(group, member.node)),
        MemberState::Active => false,
    };
    let member = roster.members.iter().find(is_at_its_end)?;
    Some(AdvanceMember {
        node: member.node,
        from: member.state,
    })
}

#[cfg(test)]
#[path = "membership_test.rs"]
mod tests;
