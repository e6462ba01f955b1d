use squorum_meta::{ClusterId, Member, MemberState};
use squorum_types::NodeId;

use super::super::Introduction;
use super::super::decide::{Answer, Decision, decide, places};
use super::{ADDRESSES, empty};
use crate::cluster::{ClusterRecord, FoundingError, Seeds, Stage};

const NEW: ClusterId = ClusterId([9; 16]);

fn answers<const N: usize>(seeds: [Result<Introduction, &str>; N]) -> Vec<Answer> {
    let answers = seeds.into_iter().zip(ADDRESSES);
    let answers = answers.map(|(introduction, address)| Answer {
        address: address.to_owned(),
        introduction: introduction.map_err(str::to_owned),
    });
    answers.collect()
}

fn record(nodes: &[u64], stage: Stage) -> ClusterRecord {
    let members = nodes.iter().zip(ADDRESSES);
    let members = members.map(|(node, address)| Member::active(NodeId(*node), address.to_owned()));
    ClusterRecord {
        cluster_id: NEW,
        members: members.collect(),
        shard_count: 8,
        founder: NodeId(nodes[0]),
        stage,
        roster_version: 0,
    }
}

fn with_record(node: u64, record: ClusterRecord) -> Introduction {
    let record = Some(record);
    Introduction {
        record,
        ..empty(node, 3)
    }
}

#[track_caller]
fn waits(own: &Introduction, answers: &[Answer], expected: &str) {
    match decide(own, answers, NEW).unwrap() {
        Decision::Wait(reason) => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_without_seeds_founds_alone() {
    let own = Introduction {
        seeds: Seeds::default(),
        ..empty(5, 0)
    };
    let Decision::Write(record) = decide(&own, &[], NEW).unwrap() else {
        panic!();
    };
    assert_eq!(record.stage, Stage::Founded);
    assert!(record.nodes().eq([NodeId(5)]));
}

#[test]
fn the_lowest_node_founds_with_the_addresses_that_lead_to_the_members() {
    let mut second = empty(1, 3);
    second.address = Some("elsewhere:1".to_owned());
    let round = answers([Ok(empty(2, 3)), Ok(second.clone()), Ok(empty(3, 3))]);
    waits(&empty(2, 3), &round, "node 0000000000000001 founds");
    let Decision::Write(record) = decide(&second, &round, NEW).unwrap() else {
        panic!();
    };
    assert_eq!((record.cluster_id, record.stage), (NEW, Stage::Founding));
    let members = record.members.iter();
    let members: Vec<_> = members.map(|m| (m.node.0, m.address.as_str())).collect();
    let expected = [(1, "elsewhere:1"), (2, "a:9326"), (3, "c:9326")];
    assert_eq!(members, expected);
}

#[test]
fn nodes_say_what_they_wait_for() {
    let own = empty(1, 3);
    let all = [Ok(own.clone()), Ok(empty(2, 3)), Ok(empty(3, 3))];
    let mut round = all.clone();
    round[2] = Err("connection refused");
    let expected = "waiting for seed c:9326: connection refused";
    waits(&own, &answers(round), expected);

    let mut round = all.clone();
    round[2] = Ok(empty(2, 3));
    let expected = "seeds b:9326 and c:9326 lead to the same node";
    waits(&own, &answers(round), expected);

    let mut round = all.clone();
    round[1] = Ok(empty(2, 4));
    let expected = "seed b:9326 has the seeds a:9326,b:9326,c:9326,d:9326, this node";
    waits(&own, &answers(round), expected);

    let mut other = empty(2, 3);
    other.shard_count = 16;
    let mut round = all.clone();
    round[1] = Ok(other);
    waits(&own, &answers(round), "would make 16 shards, this node 8");

    let mut other = empty(2, 3);
    other.feature_level = 2;
    let mut round = all.clone();
    round[1] = Ok(other);
    waits(&own, &answers(round), "feature level 2, this node 1");

    let mut round = all;
    round[0] = Ok(empty(4, 3));
    waits(&own, &answers(round), "none of the seeds");
}

#[test]
fn a_node_that_finds_a_founded_cluster_asks_to_be_taken_in() {
    for stage in [Stage::Founded, Stage::Started] {
        let member = with_record(2, record(&[1, 2, 3], stage));
        let round = answers([
            Err("connection refused"),
            Ok(member.clone()),
            Err("connection refused"),
        ]);
        let (address, cluster) = ("b:9326".to_owned(), NEW);
        let wiped = decide(&empty(4, 3), &round, NEW).unwrap();
        let Decision::Apply { addresses, .. } = wiped else {
            panic!("{wiped:?}");
        };
        assert_eq!(addresses, ["a:9326", "b:9326", "c:9326"]);
        // Only the node's id survived.
        let hollow = decide(&empty(3, 3), &round, NEW).unwrap_err();
        let node = NodeId(3);
        let expected = FoundingError::MemoryLost {
            address,
            cluster,
            node,
        };
        assert_eq!(hollow, expected);
    }
}

/// The newest record counts: in an older one the node may still be on its way in.
#[test]
fn an_admitted_node_takes_the_record_over_and_one_that_had_it_does_not() {
    let with_state = |state, roster_version| {
        let founded = record(&[1, 2, 3], Stage::Started);
        let mut members = founded.members.clone();
        members.push(Member {
            state,
            ..Member::active(NodeId(4), "d:9326".to_owned())
        });
        ClusterRecord {
            members,
            roster_version,
            ..founded
        }
    };
    let admitted = with_state(MemberState::Admitted, 5);
    let answer = |node, record: &ClusterRecord| Ok(with_record(node, record.clone()));
    let older = record(&[1, 2, 3], Stage::Started);
    let round = answers([answer(1, &older), answer(2, &admitted), Err("timeout")]);
    let decision = decide(&empty(4, 3), &round, NEW).unwrap();
    assert_eq!(decision, Decision::Write(admitted.at(Stage::Founded)));
    for state in [
        MemberState::Joining,
        MemberState::Active,
        MemberState::Leaving,
    ] {
        let newer = with_state(state, 6);
        let round = answers([answer(1, &admitted), answer(2, &newer), Err("timeout")]);
        let error = decide(&empty(4, 3), &round, NEW).unwrap_err();
        assert!(matches!(error, FoundingError::MemoryLost { .. }));
    }
}

#[test]
fn who_has_lost_a_members_memory_founds_nothing_and_nobody_founds_with_it() {
    let lost = |node| Introduction {
        replaces: Some(NodeId(7)),
        ..empty(node, 3)
    };
    let round = answers([Ok(lost(1)), Ok(empty(2, 3)), Ok(empty(3, 3))]);
    waits(&lost(1), &round, "as member 0000000000000007");
    let round = answers([Ok(empty(1, 3)), Ok(lost(2)), Ok(lost(3))]);
    waits(&empty(1, 3), &round, "as member 0000000000000007");
    let founder = Ok(with_record(1, record(&[1, 2, 3], Stage::Founding)));
    let round = answers([founder, Ok(lost(2)), Err("timeout")]);
    waits(&lost(2), &round, "as member 0000000000000007");
    // Alone with itself as its seed.
    let alone = Introduction {
        replaces: Some(NodeId(7)),
        ..empty(1, 1)
    };
    waits(&alone, &answers([Ok(alone.clone())]), "has lost");
    // A cluster that is founded can take it in.
    let founded = Ok(with_record(1, record(&[1, 3, 7], Stage::Started)));
    let round = answers([founded, Ok(lost(2)), Err("timeout")]);
    let decision = decide(&lost(2), &round, NEW).unwrap();
    assert!(matches!(decision, Decision::Apply { .. }), "{decision:?}");
}

#[test]
fn a_member_takes_the_record_over_from_the_founder_alone() {
    let founding = record(&[1, 2, 3], Stage::Founding);
    let holder = Ok(with_record(2, founding.clone()));
    let round = answers([Err("timeout"), holder.clone(), Ok(empty(3, 3))]);
    waits(&empty(3, 3), &round, "waiting for node 0000000000000001");
    let founder = Ok(with_record(1, founding.clone()));
    let round = answers([founder, holder, Ok(empty(3, 3))]);
    let decision = decide(&empty(3, 3), &round, NEW).unwrap();
    assert_eq!(decision, Decision::Write(founding));
    waits(&empty(4, 3), &round, "without this node");
}

#[test]
fn the_founder_waits_until_every_member_has_the_record() {
    let founding = record(&[1, 2, 3], Stage::Founding);
    let own = with_record(1, founding.clone());
    let holder = |node| Ok(with_record(node, founding.clone()));
    let round = answers([holder(1), holder(2), Err("no route")]);
    waits(&own, &round, "waiting for seed c:9326: no route");
    let round = answers([holder(1), holder(2), Ok(empty(3, 3))]);
    waits(&own, &round, "c:9326 does not have the record yet");
    let round = answers([holder(1), holder(2), Ok(empty(4, 3))]);
    waits(&own, &round, "at c:9326 is node 0000000000000004");
    // A member may be found elsewhere.
    let round = answers([holder(1), holder(3), holder(2)]);
    let decision = decide(&own, &round, NEW).unwrap();
    assert_eq!(decision, Decision::Write(founding.at(Stage::Founded)));
}

#[test]
fn the_others_hear_from_anyone_that_the_cluster_is_founded() {
    let own = with_record(3, record(&[1, 2, 3], Stage::Founding));
    let started = with_record(2, record(&[1, 2, 3], Stage::Started));
    let round = answers([Err("timeout"), Ok(started), Ok(own.clone())]);
    let decision = decide(&own, &round, NEW).unwrap();
    let founded = record(&[1, 2, 3], Stage::Founded);
    assert_eq!(decision, Decision::Write(founded.clone()));
    let done = decide(&with_record(3, founded.clone()), &[], NEW).unwrap();
    assert_eq!(done, Decision::Done(founded));
}

#[test]
fn a_founder_that_lost_its_disk_is_not_waited_for_in_silence() {
    let own = with_record(2, record(&[1, 2, 3], Stage::Founding));
    let round = answers([Ok(empty(1, 3)), Ok(own.clone()), Err("timeout")]);
    waits(&own, &round, "has lost the record");
    let round = answers([Ok(empty(7, 3)), Ok(own.clone()), Err("timeout")]);
    waits(&own, &round, "at a:9326 is node 0000000000000007");
}

#[test]
fn members_are_looked_for_where_the_record_says_too() {
    let mut own = with_record(1, record(&[1, 2, 3], Stage::Founding));
    own.seeds = Seeds::new(["b:9326", "x:1"]);
    assert_eq!(places(&own), ["a:9326", "b:9326", "c:9326", "x:1"]);
}
