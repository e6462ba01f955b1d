//! Who leads what.

use std::collections::BTreeMap;

use squorum_types::{GroupId, NodeId};

use crate::Roster;

/// A member that has been alive and caught up for less may be about to go again: every transfer is
/// a short pause for clients.
pub const STEADY_MS_MIN: u64 = 5_000;

/// Entries that a successor may lack beyond the member that has most: it is sent them first.
const SUCCESSOR_LAG_MAX: u64 = 64;

/// A group that this node leads, as it sees the other members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedGroup {
    pub group: GroupId,
    /// For how long each has been alive and caught up without a break; others are missing.
    pub steady_ms: BTreeMap<NodeId, u64>,
}

/// A member that could take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub node: NodeId,
    /// Index of the last entry that it surely has.
    pub matched_index: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub group: GroupId,
    pub to: NodeId,
}

/// The members that groups may be led by, in the order of their ids: those that stay.
pub fn leaders(roster: &Roster) -> Vec<NodeId> {
    let staying = roster.active();
    let staying: Vec<_> = staying
        .filter(|node| roster.replacement_of(*node).is_none())
        .collect();
    if staying.is_empty() {
        return roster.active().collect();
    }
    staying
}

/// Who should lead a group when all are well, so that every member leads its share. `members` in
/// the order of their ids; the same at every node.
pub fn preferred_leader(group: GroupId, members: &[NodeId]) -> Option<NodeId> {
    let turn = (group.0 as usize).checked_rem(members.len())?;
    members.get(turn).copied()
}

/// The leaderships that `node` should give to others, of the groups that it leads. Where all
/// members are steady, every group comes to its preferred leader and stays there; a group whose
/// preferred leader is away stays where it is, unless `node` is none of the members: whoever is about
/// to leave gives its groups to anybody.
pub fn leader_transfers(node: NodeId, members: &[NodeId], led: &[LedGroup]) -> Vec<Transfer> {
    let stays = members.contains(&node);
    let transfers = led.iter().filter_map(|led| {
        let is_steady = |member: &NodeId| {
            let steady_ms = led.steady_ms.get(member);
            steady_ms.is_some_and(|ms| *ms >= STEADY_MS_MIN)
        };
        let to = if stays {
            preferred_leader(led.group, members).filter(is_steady)
        } else {
            let steady: Vec<_> = members.iter().copied().filter(is_steady).collect();
            preferred_leader(led.group, &steady)
        }?;
        (to != node).then_some(Transfer {
            group: led.group,
            to,
        })
    });
    transfers.collect()
}

/// Who takes a group over from a leader that is about to end: one of those that have come furthest,
/// which differs from group to group, so that the load spreads.
pub fn successor(group: GroupId, candidates: &[Candidate]) -> Option<NodeId> {
    let furthest = candidates.iter().map(|c| c.matched_index).max()?;
    let near = candidates.iter();
    let near = near.filter(|c| c.matched_index + SUCCESSOR_LAG_MAX >= furthest);
    let mut near: Vec<_> = near.map(|candidate| candidate.node).collect();
    near.sort_unstable();
    preferred_leader(group, &near)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [NodeId; 3] = [NodeId(10), NodeId(20), NodeId(30)];

    fn steady(nodes: impl IntoIterator<Item = (u64, u64)>) -> BTreeMap<NodeId, u64> {
        let nodes = nodes.into_iter();
        nodes.map(|(node, ms)| (NodeId(node), ms)).collect()
    }

    /// Any leaders at first, all members steady: one round later every group is with its preferred
    /// leader, shares differ by one group at most, and nothing moves any more.
    #[test]
    fn leaders_come_to_rest_balanced() {
        for member_count in 1..=3 {
            let members = &MEMBERS[..member_count];
            let mut leaders: BTreeMap<_, _> = (0..9)
                .map(|group| (GroupId(group), members[(group as usize / 2) % member_count]))
                .collect();
            let plan = |leaders: &BTreeMap<GroupId, NodeId>, node| {
                let led = leaders.iter().filter(|(_, leader)| **leader == node);
                let led = led.map(|(group, _)| LedGroup {
                    group: *group,
                    steady_ms: steady(members.iter().map(|m| (m.0, STEADY_MS_MIN))),
                });
                leader_transfers(node, members, &led.collect::<Vec<_>>())
            };
            let transfers: Vec<_> = members
                .iter()
                .flat_map(|node| plan(&leaders, *node))
                .collect();
            for transfer in transfers {
                leaders.insert(transfer.group, transfer.to);
            }
            for node in members {
                assert_eq!(plan(&leaders, *node), []);
                let share = leaders.values().filter(|leader| *leader == node).count();
                assert_eq!(
                    share,
                    9 / member_count + usize::from(9 % member_count != 0 && *node == members[0])
                );
            }
        }
    }

    #[test]
    fn a_member_that_has_not_been_steady_for_long_gets_nothing() {
        let led = |steady_ms| {
            [LedGroup {
                group: GroupId(2),
                steady_ms,
            }]
        };
        let plan = |steady_ms| leader_transfers(NodeId(10), &MEMBERS, &led(steady_ms));
        assert_eq!(plan(steady([(20, 9_999)])), []);
        assert_eq!(plan(steady([(20, 9_999), (30, STEADY_MS_MIN - 1)])), []);
        let to = NodeId(30);
        let group = GroupId(2);
        assert_eq!(
            plan(steady([(30, STEADY_MS_MIN)])),
            [Transfer { group, to }]
        );
    }

    #[test]
    fn who_leaves_waits_for_no_preferred_leader() {
        let led = |steady_ms| {
            [LedGroup {
                group: GroupId(1),
                steady_ms,
            }]
        };
        let members = &MEMBERS[..2];
        let plan = |steady_ms| leader_transfers(NodeId(30), members, &led(steady_ms));
        let to = |node| {
            vec![Transfer {
                group: GroupId(1),
                to: NodeId(node),
            }]
        };
        assert_eq!(
            plan(steady([(10, STEADY_MS_MIN), (20, STEADY_MS_MIN)])),
            to(20)
        );
        assert_eq!(plan(steady([(10, STEADY_MS_MIN)])), to(10));
        assert_eq!(plan(steady([(10, 1)])), []);
    }

    #[test]
    fn successors_have_come_furthest_and_share_the_groups() {
        let candidates = |second, third| {
            [(20, second), (30, third)].map(|(node, matched_index)| Candidate {
                node: NodeId(node),
                matched_index,
            })
        };
        let successors = |candidates: &[Candidate]| {
            let groups = (0..4).map(|group| successor(GroupId(group), candidates));
            groups
                .map(|node| node.map_or(0, |node| node.0))
                .collect::<Vec<_>>()
        };
        assert_eq!(successors(&candidates(1000, 940)), [20, 30, 20, 30]);
        assert_eq!(successors(&candidates(1000, 900)), [20; 4]);
        assert_eq!(successors(&candidates(0, 1000)), [30; 4]);
        assert_eq!(successors(&candidates(7, 7)[..1]), [20; 4]);
        assert_eq!(successors(&[]), [0; 4]);
    }
}
