//! The reference of the roster: a list of what became of each node, in the order in which they came.

use squorum_meta::command::{AdmitNode, AdmitRefusal, RemoveRefusal};
use squorum_meta::{ACTIVE_MAX, Member, MemberState, Roster};
use squorum_types::NodeId;

use crate::model::Seen;

#[derive(Clone, Debug, Default)]
pub(crate) struct ModelMembers {
    nodes: Vec<ModelNode>,
    /// Ids, as they went.
    gone: Vec<NodeId>,
}

#[derive(Clone, Debug)]
struct ModelNode {
    node: NodeId,
    address: String,
    /// `None`: removed.
    state: Option<MemberState>,
    replaces: Option<NodeId>,
}

impl ModelMembers {
    pub(crate) fn founders(members: &[Member]) -> ModelMembers {
        let nodes = members.iter().map(|member| ModelNode {
            node: member.node,
            address: member.address.clone(),
            state: Some(MemberState::Active),
            replaces: None,
        });
        ModelMembers {
            nodes: nodes.collect(),
            gone: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn find(&mut self, node: NodeId) -> Option<&mut ModelNode> {
        self.nodes.iter_mut().find(|known| known.node == node)
    }

    pub(crate) fn admit(&mut self, admit: &AdmitNode) -> Seen {
        let AdmitNode { node, replaces, .. } = *admit;
        if let Some(known) = self.find(node) {
            return match known.state {
                None => Seen::NotAdmitted(AdmitRefusal::WasRemoved(node)),
                Some(MemberState::Leaving) => Seen::NotAdmitted(AdmitRefusal::IsLeaving(node)),
                Some(_) => Seen::Admitted,
            };
        }
        let mut place = replaces;
        if let Some(old) = replaces {
            let mut others = self.nodes.iter();
            if let Some(other) = others.find(|known| known.replaces == Some(old)) {
                return Seen::NotAdmitted(AdmitRefusal::BeingReplaced(other.node));
            }
            match self.find(old) {
                None | Some(ModelNode { state: None, .. }) => {
                    return Seen::NotAdmitted(AdmitRefusal::NoSuchMember(old));
                }
                Some(known) if known.state == Some(MemberState::Leaving) => {
                    return Seen::NotAdmitted(AdmitRefusal::IsLeaving(old));
                }
                Some(known) if known.state != Some(MemberState::Active) => {
                    place = known.replaces;
                    known.state = Some(MemberState::Leaving);
                    known.replaces = None;
                }
                Some(_) => {}
            }
        } else {
            let takes_a_place = |known: &&ModelNode| {
                known.replaces.is_none()
                    && !matches!(known.state, None | Some(MemberState::Leaving))
            };
            if self.nodes.iter().filter(takes_a_place).count() >= ACTIVE_MAX {
                return Seen::NotAdmitted(AdmitRefusal::TooMany);
            }
        }
        self.nodes.push(ModelNode {
            node,
            address: admit.address.clone(),
            state: Some(MemberState::Admitted),
            replaces: place,
        });
        Seen::Admitted
    }

    pub(crate) fn remove(&mut self, node: NodeId) -> Seen {
        let active = self.nodes.iter();
        let active = active.filter(|known| known.state == Some(MemberState::Active));
        let others_stay = active.filter(|known| known.node != node).count() > 0;
        match self.find(node).map(|known| known.state) {
            None => Seen::NotRemoved(RemoveRefusal::NoSuchMember(node)),
            Some(None | Some(MemberState::Leaving)) => Seen::Removing,
            Some(Some(_)) if !others_stay => Seen::NotRemoved(RemoveRefusal::LastMember(node)),
            Some(Some(_)) => {
                for known in &mut self.nodes {
                    if known.node == node {
                        known.state = Some(MemberState::Leaving);
                        known.replaces = None;
                    } else if known.replaces == Some(node) {
                        known.replaces = None;
                    }
                }
                Seen::Removing
            }
        }
    }

    pub(crate) fn advance(&mut self, node: NodeId, from: MemberState) -> Seen {
        let Some(known) = self.find(node).filter(|known| known.state == Some(from)) else {
            return Seen::Done;
        };
        let (next, gone) = match from {
            MemberState::Admitted => (Some(MemberState::Joining), None),
            MemberState::Joining => (Some(MemberState::Active), known.replaces.take()),
            MemberState::Leaving => (None, Some(node)),
            MemberState::Active => (Some(MemberState::Active), None),
        };
        known.state = next;
        if let Some(gone) = gone {
            for known in &mut self.nodes {
                if known.node == gone {
                    known.state = None;
                    known.replaces = None;
                } else if known.replaces == Some(gone) {
                    known.replaces = None;
                }
            }
            self.gone.push(gone);
        }
        Seen::Done
    }

    /// As the rows should have it, but for the version.
    pub(crate) fn roster(&self, version: u64) -> Roster {
        let members = self.nodes.iter().filter_map(|known| {
            Some(Member {
                node: known.node,
                address: known.address.clone(),
                state: known.state?,
                replaces: known.replaces,
            })
        });
        let mut members: Vec<_> = members.collect();
        members.sort_by_key(|member| member.node);
        Roster {
            version,
            members,
            removed: self.gone.clone(),
        }
    }
}
