use squorum_proto::meta as proto;
use squorum_store::{StoreError, View};
use squorum_types::NodeId;

use crate::context::Context;
use crate::roster::{ACTIVE_MAX, Member, MemberState, Roster};

/// Takes a node in, alone or in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmitNode {
    pub node: NodeId,
    pub address: String,
    pub replaces: Option<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitRefusal {
    #[error("node {0} was a member before and is never one again: empty its data directory")]
    WasRemoved(NodeId),
    #[error("node {0} is no member")]
    NoSuchMember(NodeId),
    #[error("node {0} is leaving the cluster")]
    IsLeaving(NodeId),
    /// Somebody else is to take its place.
    #[error("node {0} is being replaced already; remove its replacement first")]
    BeingReplaced(NodeId),
    #[error("a cluster has at most {ACTIVE_MAX} members")]
    TooMany,
}

impl From<&AdmitNode> for proto::AdmitNode {
    fn from(admit: &AdmitNode) -> Self {
        proto::AdmitNode {
            node: admit.node.0,
            address: admit.address.clone(),
            replaces: admit.replaces.map(|node| node.0),
        }
    }
}

impl From<&proto::AdmitNode> for AdmitNode {
    fn from(admit: &proto::AdmitNode) -> Self {
        AdmitNode {
            node: NodeId(admit.node),
            address: admit.address.clone(),
            replaces: admit.replaces.map(NodeId),
        }
    }
}

/// Whom the new node is to replace in the end.
fn replace(roster: &mut Roster, old: NodeId) -> Result<Option<NodeId>, AdmitRefusal> {
    if let Some(other) = roster.replacement_of(old) {
        return Err(AdmitRefusal::BeingReplaced(other.node));
    }
    let member = roster.member_mut(old);
    let member = member.ok_or(AdmitRefusal::NoSuchMember(old))?;
    match member.state {
        MemberState::Active => return Ok(Some(old)),
        MemberState::Leaving => return Err(AdmitRefusal::IsLeaving(old)),
        MemberState::Admitted | MemberState::Joining => {}
    }
    // One that has not come so far itself: its place is taken over from it.
    member.state = MemberState::Leaving;
    Ok(member.replaces.take())
}

fn check_room(roster: &Roster) -> Result<(), AdmitRefusal> {
    let mut places = roster
        .members
        .iter()
        .filter(|member| member.state != MemberState::Leaving && member.replaces.is_none());
    match places.nth(ACTIVE_MAX - 1) {
        Some(_) => Err(AdmitRefusal::TooMany),
        None => Ok(()),
    }
}

impl AdmitNode {
    /// Repeated, it has the first one's outcome.
    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<Result<(), AdmitRefusal>, StoreError> {
        let mut roster = context.roster()?;
        let before = roster.clone();
        let result = self.change(&mut roster);
        if roster != before {
            context.put_roster(roster);
        }
        Ok(result)
    }

    /// A refusal changes nothing.
    pub(crate) fn change(self, roster: &mut Roster) -> Result<(), AdmitRefusal> {
        if roster.is_removed(self.node) {
            return Err(AdmitRefusal::WasRemoved(self.node));
        }
        if let Some(member) = roster.member(self.node) {
            // A repetition: a node that waits is no member, and its id is its own.
            return match member.state {
                MemberState::Leaving => Err(AdmitRefusal::IsLeaving(self.node)),
                _ => Ok(()),
            };
        }
        let replaces = match self.replaces {
            Some(old) => replace(roster, old)?,
            None => {
                check_room(roster)?;
                None
            }
        };
        roster.insert(Member {
            node: self.node,
            address: self.address,
            state: MemberState::Admitted,
            replaces,
        });
        Ok(())
    }
}
