use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::NodeId;

use crate::context::Context;
use crate::roster::{self, MemberState, Roster};

/// A member has reached the end of the state that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvanceMember {
    pub node: NodeId,
    /// Nothing happens if it is in another one, so a repetition does no harm.
    pub from: MemberState,
}

impl From<&AdvanceMember> for proto::AdvanceMember {
    fn from(advance: &AdvanceMember) -> Self {
        proto::AdvanceMember {
            node: advance.node.0,
            from: proto::MemberState::from(advance.from).into(),
        }
    }
}

impl AdvanceMember {
    pub(super) fn decode(advance: &proto::AdvanceMember) -> Result<AdvanceMember, MalformedError> {
        Ok(AdvanceMember {
            node: NodeId(advance.node),
            from: roster::decode_state(advance.from)?,
        })
    }

    pub(super) fn apply<V: View>(self, context: &mut Context<'_, V>) -> Result<(), StoreError> {
        let mut roster = context.roster()?;
        if self.change(&mut roster) {
            context.put_roster(roster);
        }
        Ok(())
    }

    /// False if it changes nothing.
    pub(crate) fn change(self, roster: &mut Roster) -> bool {
        let member = roster.member_mut(self.node);
        let Some(member) = member.filter(|member| member.state == self.from) else {
            return false;
        };
        match self.from {
            MemberState::Admitted => member.state = MemberState::Joining,
            MemberState::Joining => {
                member.state = MemberState::Active;
                if let Some(replaced) = member.replaces.take() {
                    roster.remove(replaced);
                }
            }
            MemberState::Leaving => roster.remove(self.node),
            MemberState::Active => return false,
        }
        true
    }
}
