use squorum_store::Random;
use squorum_types::NodeId;

use super::*;

const LAST: u64 = 50_000;

fn nodes(ids: impl IntoIterator<Item = u64>) -> BTreeSet<NodeId> {
    ids.into_iter().map(NodeId).collect()
}

fn member(node: u64, state: MemberState) -> Member {
    Member {
        state,
        ..Member::active(NodeId(node), format!("{node}:9326"))
    }
}

/// Members 1 to 3 are active.
fn roster(others: impl IntoIterator<Item = Member>) -> Roster {
    let mut roster = Roster::default();
    for node in 1..=3 {
        roster.insert(member(node, MemberState::Active));
    }
    for other in others {
        roster.members.retain(|member| member.node != other.node);
        roster.insert(other);
    }
    roster
}

fn replacing(node: u64, replaced: u64, state: MemberState) -> Member {
    Member {
        replaces: Some(NodeId(replaced)),
        ..member(node, state)
    }
}

/// Led by 1; learners lack nothing.
fn group(
    voters: impl IntoIterator<Item = u64>,
    learners: impl IntoIterator<Item = u64>,
) -> ObservedGroup {
    let (voters, learners) = (nodes(voters), nodes(learners));
    let others = voters.iter().chain(&learners);
    ObservedGroup {
        leader: NodeId(1),
        is_committed: true,
        last_log_index: LAST,
        matched_indexes: others.map(|node| (*node, LAST)).collect(),
        membership: GroupMembership {
            voters,
            learners,
            is_joint: false,
        },
    }
}

#[test]
fn a_node_that_joins_learns_first_and_votes_once_it_has_nearly_all() {
    let roster = roster([member(4, MemberState::Joining)]);
    let ready = nodes(1..=4);
    let plan = |group| membership_change(&roster, &group, &ready);
    let learns = MembershipChange::AddLearners(nodes([4]));
    assert_eq!(plan(group(1..=3, [])), Some(learns));
    let mut far = group(1..=3, [4]);
    far.matched_indexes.insert(NodeId(4), 10);
    assert_eq!(plan(far), None);
    let votes = MembershipChange::SetVoters(nodes(1..=4));
    assert_eq!(plan(group(1..=3, [4])), Some(votes.clone()));
    assert_eq!(plan(group(1..=4, [])), None);
    let mut under_way = group(1..=3, [4]);
    under_way.is_committed = false;
    assert_eq!(plan(under_way), None);
    let mut half_done = group(1..=4, []);
    half_done.membership.is_joint = true;
    assert_eq!(plan(half_done), Some(votes));
    // It has not written down that it takes part.
    let group = group(1..=3, [4]);
    assert_eq!(membership_change(&roster, &group, &nodes(1..=3)), None);
}

#[test]
fn a_replacement_changes_places_in_one_step() {
    let roster = roster([replacing(4, 3, MemberState::Joining)]);
    let ready = nodes([1, 2, 4]);
    let changed = membership_change(&roster, &group(1..=3, [4]), &ready);
    let in_its_place = MembershipChange::SetVoters(nodes([1, 2, 4]));
    assert_eq!(changed, Some(in_its_place));
    assert_eq!(
        membership_change(&roster, &group([1, 2, 4], []), &ready),
        None
    );
    // Who is replaced may be alive, and may lead.
    let mut led = group(1..=3, [4]);
    led.leader = NodeId(3);
    let beside = MembershipChange::SetVoters(nodes(1..=4));
    let changed = membership_change(&roster, &led, &nodes(1..=4));
    assert_eq!(changed, Some(beside));
}

#[test]
fn who_leaves_is_taken_out_but_not_while_it_leads() {
    let roster = roster([member(3, MemberState::Leaving)]);
    let without = Some(MembershipChange::SetVoters(nodes([1, 2])));
    let mut group = group(1..=3, []);
    assert_eq!(membership_change(&roster, &group, &nodes(1..=3)), without);
    group.leader = NodeId(3);
    assert_eq!(membership_change(&roster, &group, &nodes(1..=3)), None);
    // A learner that nobody knows any more.
    let gone = self::group([1, 2], [3]);
    let dropped = Some(MembershipChange::RemoveLearners(nodes([3])));
    assert_eq!(membership_change(&roster, &gone, &nodes(1..=3)), dropped);
}

#[test]
fn no_change_goes_below_a_quorum() {
    // Of the two that would remain, one is not there.
    let leaving = roster([member(3, MemberState::Leaving)]);
    let change = |roster, ready| membership_change(roster, &group(1..=3, [4]), &nodes(ready));
    assert_eq!(
        change(&leaving, vec![1, 3]),
        Some(MembershipChange::RemoveLearners(nodes([4])))
    );
    let replaced = roster([replacing(4, 3, MemberState::Joining)]);
    assert_eq!(change(&replaced, vec![1]), None);
}

#[test]
fn members_go_on_once_every_group_has_them_or_has_them_no_more() {
    let step = |roster: &Roster, group: GroupMembership, count, heard: &[u64]| {
        let groups = (0..2).map(|id| (GroupId(id), group.clone())).collect();
        next_step(roster, &groups, count, &nodes(heard.iter().copied()))
            .map(|advance| (advance.node.0, advance.from))
    };
    let membership = |voters: &[u64], learners: &[u64]| GroupMembership {
        voters: nodes(voters.iter().copied()),
        learners: nodes(learners.iter().copied()),
        is_joint: false,
    };
    let admitted = roster([member(4, MemberState::Admitted)]);
    let three = membership(&[1, 2, 3], &[]);
    assert_eq!(step(&admitted, three.clone(), 2, &[1, 2]), None);
    let known = Some((4, MemberState::Admitted));
    assert_eq!(step(&admitted, three.clone(), 2, &[4]), known);

    let joining = roster([replacing(4, 3, MemberState::Joining)]);
    for not_yet in [
        membership(&[1, 2, 3], &[4]),
        membership(&[1, 2, 3, 4], &[]),
        membership(&[1, 2, 4], &[3]),
        GroupMembership {
            is_joint: true,
            ..membership(&[1, 2, 4], &[])
        },
    ] {
        assert_eq!(step(&joining, not_yet, 2, &[]), None);
    }
    let changed = membership(&[1, 2, 4], &[]);
    assert_eq!(step(&joining, changed.clone(), 3, &[]), None);
    let joined = Some((4, MemberState::Joining));
    assert_eq!(step(&joining, changed, 2, &[]), joined);

    let leaving = roster([member(3, MemberState::Leaving)]);
    assert_eq!(step(&leaving, three, 2, &[3]), None);
    let left = Some((3, MemberState::Leaving));
    assert_eq!(step(&leaving, membership(&[1, 2], &[]), 2, &[]), left);
}

/// Whatever is admitted, replaced and removed, whoever is down for a while and whoever leads: at every
/// moment a majority of the voters is up, and when all is quiet the active members vote.
#[test]
fn groups_come_to_what_the_roster_says() {
    for seed in 0..2_000_u64 {
        let mut random = Random::new(seed);
        let mut roster = roster([]);
        let mut voters = nodes(1..=3);
        let mut learners = BTreeSet::<NodeId>::new();
        let mut next = 4;
        for step in 0..60 {
            let is_quiet = step >= 40;
            if !is_quiet && random.below(6) == 0 {
                disturb(&mut roster, &mut next, &mut random);
            }
            // One of those that count may be down, and only one.
            let down = (!is_quiet && random.below(2) == 0)
                .then(|| {
                    voters
                        .iter()
                        .nth(random.below(voters.len() as u64) as usize)
                })
                .flatten()
                .copied();
            let known = (1..next).map(NodeId);
            let ready: BTreeSet<_> = known.filter(|node| Some(*node) != down).collect();
            let up: Vec<_> = voters.intersection(&ready).copied().collect();
            if up.len() <= voters.len() / 2 {
                continue;
            }
            // A balancer takes leaderships from those that are about to leave.
            let stays = |node: &&NodeId| {
                roster.member(**node).is_some_and(takes_part)
                    && roster.replacement_of(**node).is_none()
            };
            let staying: Vec<_> = up.iter().filter(stays).copied().collect();
            let leaders = if is_quiet && !staying.is_empty() {
                staying
            } else {
                up
            };
            let leader = leaders[random.below(leaders.len() as u64) as usize];
            let mut observed = group(voters.iter().map(|n| n.0), learners.iter().map(|n| n.0));
            observed.leader = leader;
            match membership_change(&roster, &observed, &ready) {
                Some(MembershipChange::AddLearners(added)) => learners.extend(added),
                Some(MembershipChange::RemoveLearners(gone)) => {
                    learners.retain(|node| !gone.contains(node));
                }
                Some(MembershipChange::SetVoters(target)) => {
                    let up = target.intersection(&ready).count();
                    assert!(up > target.len() / 2, "seed {seed}");
                    assert!(target.contains(&leader), "seed {seed}");
                    learners.retain(|node| !target.contains(node));
                    voters = target;
                }
                None => {}
            }
            let membership = GroupMembership {
                voters: voters.clone(),
                learners: learners.clone(),
                is_joint: false,
            };
            let groups = BTreeMap::from([(GroupId(0), membership)]);
            if let Some(advance) = next_step(&roster, &groups, 1, &ready) {
                advance.change(&mut roster);
            }
        }
        assert_eq!(voters, roster.active_set(), "seed {seed}: {roster:?}");
        assert_eq!(learners, BTreeSet::new(), "seed {seed}");
        let is_active = |member: &Member| member.state == MemberState::Active;
        assert!(roster.members.iter().all(is_active), "seed {seed}");
    }
}

fn disturb(roster: &mut Roster, next: &mut u64, random: &mut Random) {
    let chosen = random.below(roster.members.len() as u64) as usize;
    let chosen = roster.members[chosen].node;
    if random.below(3) == 0 {
        // Refused: the last one.
        let _ = crate::command::remove_member(roster, chosen);
    } else {
        let admit = crate::command::AdmitNode {
            node: NodeId(*next),
            address: String::new(),
            replaces: (random.below(2) == 0).then_some(chosen),
        };
        *next += 1;
        // Refused: too many, or somebody else replaces it.
        let _ = admit.change(roster);
    }
}
