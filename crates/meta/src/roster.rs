//! The members of the cluster.
//!
//! ```text
//!  a waiting node ──admit──► admitted ──► joining ──► active ──remove──► leaving ──► removed
//!                                            │ replaces                                ▲
//!                                            └─────────── the replaced member ─────────┘
//! ```
//!
//! 1. A node is admitted once: an id that was removed never comes back.
//! 2. An admitted node takes its record over from others. From the moment that it is joining it has
//!    one, so that a member that has lost it is told from one that does not know yet.
//! 3. Somebody is always active.

use std::collections::BTreeSet;

use squorum_proto::{MalformedError, meta as proto};
use squorum_types::NodeId;

/// More members cost every write and make no cluster safer.
pub const ACTIVE_MAX: usize = 5;
/// Ids that are remembered as removed.
const REMOVED_MAX: usize = 1_024;

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub node: NodeId,
    /// `host:port`, where its peers reach it. Empty for a node that is alone and has no peers.
    pub address: String,
    pub state: MemberState,
    /// The member that leaves as this one becomes active.
    pub replaces: Option<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Taken in, but it may not know yet.
    Admitted,
    /// It knows, and is brought up to date.
    Joining,
    /// A voter of every group.
    Active,
    /// It is taken out of every group.
    Leaving,
}

/// All members at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Rises with every change; 0 before meta has one.
    pub version: u64,
    /// In the order of their ids.
    pub members: Vec<Member>,
    /// Ids that are never members again, the oldest first.
    pub removed: Vec<NodeId>,
}

impl Member {
    pub fn active(node: NodeId, address: String) -> Member {
        Member {
            node,
            address,
            state: MemberState::Active,
            replaces: None,
        }
    }
}

impl Roster {
    pub fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.iter().find(|member| member.node == node)
    }

    /// Those that count for a majority, in the order of their ids.
    pub fn active(&self) -> impl Iterator<Item = NodeId> + '_ {
        let active = self.members.iter();
        let active = active.filter(|member| member.state == MemberState::Active);
        active.map(|member| member.node)
    }

    pub fn active_set(&self) -> BTreeSet<NodeId> {
        self.active().collect()
    }

    /// The member that is brought up to date to take the place of `node`.
    pub fn replacement_of(&self, node: NodeId) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.replaces == Some(node))
    }

    pub fn is_removed(&self, node: NodeId) -> bool {
        self.removed.contains(&node)
    }

    pub(crate) fn member_mut(&mut self, node: NodeId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.node == node)
    }

    pub(crate) fn insert(&mut self, member: Member) {
        self.members.push(member);
        self.members.sort_by_key(|member| member.node);
    }

    /// For ever. Whoever was to replace it does not any more.
    pub(crate) fn remove(&mut self, node: NodeId) {
        self.members.retain(|member| member.node != node);
        for member in &mut self.members {
            if member.replaces == Some(node) {
                member.replaces = None;
            }
        }
        self.removed.push(node);
        let surplus = self.removed.len().saturating_sub(REMOVED_MAX);
        self.removed.drain(..surplus);
    }
}

impl From<&Member> for proto::Member {
    fn from(member: &Member) -> Self {
        proto::Member {
            node: member.node.0,
            address: member.address.clone(),
            state: proto::MemberState::from(member.state).into(),
            replaces: member.replaces.map(|node| node.0),
        }
    }
}

impl TryFrom<&proto::Member> for Member {
    type Error = MalformedError;

    fn try_from(member: &proto::Member) -> Result<Self, MalformedError> {
        Ok(Member {
            node: NodeId(member.node),
            address: member.address.clone(),
            state: decode_state(member.state)?,
            replaces: member.replaces.map(NodeId),
        })
    }
}

impl From<MemberState> for proto::MemberState {
    fn from(state: MemberState) -> Self {
        match state {
            MemberState::Admitted => proto::MemberState::Admitted,
            MemberState::Joining => proto::MemberState::Joining,
            MemberState::Active => proto::MemberState::Active,
            MemberState::Leaving => proto::MemberState::Leaving,
        }
    }
}

pub(crate) fn decode_state(state: i32) -> Result<MemberState, MalformedError> {
    let state = proto::MemberState::try_from(state);
    Ok(match state.map_err(|_| MalformedError("member's state"))? {
        proto::MemberState::Active => MemberState::Active,
        proto::MemberState::Admitted => MemberState::Admitted,
        proto::MemberState::Joining => MemberState::Joining,
        proto::MemberState::Leaving => MemberState::Leaving,
    })
}

impl From<&Roster> for proto::RosterRow {
    fn from(roster: &Roster) -> Self {
        proto::RosterRow {
            version: roster.version,
            members: roster.members.iter().map(Into::into).collect(),
            removed: roster.removed.iter().map(|node| node.0).collect(),
        }
    }
}

impl TryFrom<proto::RosterRow> for Roster {
    type Error = MalformedError;

    fn try_from(row: proto::RosterRow) -> Result<Self, MalformedError> {
        let members = row.members.iter().map(Member::try_from);
        Ok(Roster {
            version: row.version,
            members: members.collect::<Result<_, _>>()?,
            removed: row.removed.into_iter().map(NodeId).collect(),
        })
    }
}
