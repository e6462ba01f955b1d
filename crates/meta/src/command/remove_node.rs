use squorum_store::{StoreError, View};
use squorum_types::NodeId;

use crate::context::Context;
use crate::roster::{MemberState, Roster};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveRefusal {
    #[error("node {0} is no member")]
    NoSuchMember(NodeId),
    #[error("node {0} is the last member")]
    LastMember(NodeId),
}

/// Has a member leave. Whoever was to replace it joins all the same.
pub(super) fn apply<V: View>(
    context: &mut Context<'_, V>,
    node: NodeId,
) -> Result<Result<(), RemoveRefusal>, StoreError> {
    let mut roster = context.roster()?;
    let before = roster.clone();
    let result = remove_member(&mut roster, node);
    if roster != before {
        context.put_roster(roster);
    }
    Ok(result)
}

/// A refusal changes nothing.
pub(crate) fn remove_member(roster: &mut Roster, node: NodeId) -> Result<(), RemoveRefusal> {
    if roster.is_removed(node) {
        return Ok(());
    }
    let remaining = roster.active().filter(|member| *member != node).count();
    let Some(member) = roster.member_mut(node) else {
        return Err(RemoveRefusal::NoSuchMember(node));
    };
    if member.state == MemberState::Leaving {
        return Ok(());
    }
    if remaining == 0 {
        return Err(RemoveRefusal::LastMember(node));
    }
    member.state = MemberState::Leaving;
    member.replaces = None;
    for other in &mut roster.members {
        if other.replaces == Some(node) {
            other.replaces = None;
        }
    }
    Ok(())
}
