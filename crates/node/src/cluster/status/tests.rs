#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use squorum_meta::{ClusterId, MemberState, Roster};
use squorum_types::{GroupId, GroupMembership, NodeId, Timestamp};

use super::*;
use crate::cluster::report::NodeReport;
use crate::cluster::testing::roster_of;
use crate::cluster::view::ClockOffset;
use crate::cluster::{
    Candidate, ClusterRecord, DigestAt, DiskSpace, GroupReport, ObservedMember, Stage,
};

const GIB: u64 = 1 << 30;

/// Three nodes of two groups, all well: node 1 leads meta, node 2 the shard.
struct Scene {
    record: ClusterRecord,
    roster: Roster,
    waiting: Vec<Candidate>,
    members: Vec<ObservedMember>,
}

impl Scene {
    fn new() -> Scene {
        let roster = roster_of(1..=3);
        let record = ClusterRecord {
            cluster_id: ClusterId([1; 16]),
            members: roster.members.clone(),
            shard_count: 1,
            founder: NodeId(1),
            stage: Stage::Started,
            roster_version: roster.version,
        };
        let members = [1, 2, 3].map(|node| ObservedMember {
            node: NodeId(node),
            counts: true,
            is_alive: true,
            last_heard: Some(Duration::from_millis(100)),
            report: Some(Arc::new(report(node))),
            clock_offset: (node != 1).then_some(ClockOffset {
                offset_ms: node as i64,
                uncertainty_ms: 2,
            }),
        });
        Scene {
            record,
            roster,
            waiting: Vec::new(),
            members: members.to_vec(),
        }
    }

    fn member(&mut self, node: u64) -> &mut ObservedMember {
        &mut self.members[node as usize - 1]
    }

    fn change(&mut self, node: u64, change: impl FnOnce(&mut NodeReport)) {
        let report = self.member(node).report.as_mut().unwrap();
        change(Arc::make_mut(report));
    }

    fn silence(&mut self, node: u64) {
        let member = self.member(node);
        member.is_alive = false;
        member.last_heard = Some(Duration::from_secs(12));
    }

    fn status(&self) -> ClusterStatus {
        cluster_status(&StatusInput {
            record: &self.record,
            roster: &self.roster,
            waiting: &self.waiting,
            this_node: NodeId(1),
            members: &self.members,
            addresses: &BTreeMap::from([(NodeId(3), "moved:1".to_owned())]),
        })
    }

    /// The one finding that there is.
    #[track_caller]
    fn finding(&self, verdict: Verdict) -> Finding {
        let status = self.status();
        assert_eq!(status.verdict, verdict, "{status:?}");
        assert_eq!(status.findings.len(), 1, "{:?}", status.findings);
        status.findings[0].clone()
    }
}

fn report(node: u64) -> NodeReport {
    let group = |group, leader, applied_index| GroupReport {
        group: GroupId(group),
        leader: Some(NodeId(leader)),
        term: 3,
        applied_index,
        last_log_index: applied_index + 1,
        latest_digest: Some(DigestAt {
            index: applied_index,
            digest: 0xab,
        }),
        fixed_digests: vec![DigestAt {
            index: 1024,
            digest: 0xcd,
        }],
        membership: GroupMembership {
            voters: [1, 2, 3].map(NodeId).into(),
            ..GroupMembership::default()
        },
    };
    NodeReport {
        node: NodeId(node),
        address: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wall_clock: Timestamp(0),
        groups: vec![group(0, 1, 7), group(1, 2, 2000 + node)],
        disk: Some(DiskSpace {
            free_bytes: 50 * GIB,
            total_bytes: 100 * GIB,
        }),
        has_started: true,
    }
}

#[test]
fn a_cluster_that_is_well_has_no_findings() {
    let status = Scene::new().status();
    assert_eq!(
        (status.verdict, &status.findings[..]),
        (Verdict::Well, &[][..])
    );
    let leads: Vec<_> = status.nodes.iter().map(|node| node.leads).collect();
    assert_eq!(leads, [1, 1, 0]);
    let offsets = status.nodes.iter().map(|node| node.clock_offset_ms);
    assert!(offsets.eq([Some(0), Some(2), Some(3)]));
    assert_eq!(status.nodes[2].address, "moved:1");
    let shard = &status.groups[1];
    assert_eq!((shard.name.as_str(), shard.term), ("shard-0", 3));
    assert_eq!(shard.leader.as_deref(), Some("0000000000000002"));
    let lags = shard.replicas.iter().map(|replica| replica.lag_entries);
    assert!(lags.eq([Some(3), Some(2), Some(1)]));
}

/// What scripts read.
#[test]
fn the_words_in_json_stay_as_they_are() {
    let mut scene = Scene::new();
    scene.silence(3);
    let json = serde_json::to_value(scene.status()).unwrap();
    assert_eq!(json["cluster_id"], "01010101010101010101010101010101");
    assert_eq!(json["this_node"], "0000000000000001");
    assert_eq!(json["verdict"], "degraded");
    assert_eq!(json["nodes"][2]["id"], "0000000000000003");
    assert_eq!(json["nodes"][2]["state"], "unreachable");
    assert_eq!(json["nodes"][0]["state"], "alive");
    assert_eq!(json["groups"][0]["name"], "meta");
    assert_eq!(
        json["groups"][1]["replicas"][0]["digest"],
        "00000000000000ab"
    );
    assert_eq!(json["groups"][1]["replicas"][0]["digest_index"], 2001);
    assert_eq!(json["findings"][0]["severity"], "warning");
    for verdict in [Verdict::Well, Verdict::Degraded, Verdict::NoQuorum] {
        let text = serde_json::to_string(&verdict).unwrap();
        assert!(["\"well\"", "\"degraded\"", "\"no-quorum\""].contains(&text.as_str()));
    }
}

#[test]
fn one_node_of_three_may_be_missing() {
    let mut scene = Scene::new();
    scene.silence(3);
    let finding = scene.finding(Verdict::Degraded);
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.what.contains("0000000000000003 at moved:1"));
    assert!(finding.why.contains("12 s") && finding.why.contains("cannot lose another"));
}

#[test]
fn a_leader_that_is_gone_leads_no_more() {
    let mut scene = Scene::new();
    scene.silence(2);
    let status = scene.status();
    assert_eq!(status.verdict, Verdict::Degraded);
    assert_eq!(status.groups[1].leader, None);
    assert!(
        status.findings[0]
            .what
            .contains("no leader is known of shard-0")
    );
    // Those who stayed elect: whoever knows the newer term knows better.
    scene.change(3, |report| {
        report.groups[1].term = 4;
        report.groups[1].leader = Some(NodeId(3));
    });
    let status = scene.status();
    assert_eq!(status.groups[1].leader.as_deref(), Some("0000000000000003"));
    assert_eq!(status.groups[1].term, 4);
    assert_eq!(status.findings.len(), 1);
}

#[test]
fn without_a_majority_nothing_is_well() {
    let mut scene = Scene::new();
    scene.silence(2);
    scene.silence(3);
    scene.member(3).last_heard = None;
    let status = scene.status();
    assert_eq!(status.verdict, Verdict::NoQuorum);
    let all = status.findings.iter();
    assert!(
        all.clone()
            .all(|finding| finding.severity == Severity::Critical)
    );
    let whats: Vec<_> = all.map(|finding| finding.what.as_str()).collect();
    assert!(
        whats.contains(&"this node reaches no majority of the cluster"),
        "{whats:?}"
    );
    assert!(
        status.findings[1]
            .why
            .contains("not heard since this node started")
    );
}

/// All are there, and nobody leads anything: as bad as no majority.
#[test]
fn no_leader_anywhere_is_no_quorum() {
    let mut scene = Scene::new();
    for node in 1..=3 {
        scene.change(node, |report| {
            report.groups.iter_mut().for_each(|g| g.leader = None)
        });
    }
    let finding = scene.finding(Verdict::NoQuorum);
    assert_eq!(finding.what, "no leader is known of meta, shard-0");
}

#[test]
fn a_replica_far_behind_is_a_finding() {
    let mut scene = Scene::new();
    scene.change(2, |report| report.groups[1].last_log_index = 7_001);
    assert_eq!(scene.status().verdict, Verdict::Well);
    scene.change(2, |report| {
        report.groups[1].applied_index = 7_002;
        report.groups[1].last_log_index = 7_004;
    });
    scene.change(1, |report| report.groups[1].applied_index = 7_000);
    let finding = scene.finding(Verdict::Degraded);
    assert!(
        finding
            .what
            .contains("0000000000000003 is 5001 entries behind"),
        "{}",
        finding.what
    );
    // Of a node that is away it goes without saying.
    scene.silence(3);
    assert!(
        scene
            .finding(Verdict::Degraded)
            .what
            .contains("unreachable")
    );
}

#[test]
fn whose_clock_is_wrong_is_judged_by_the_median() {
    let mut scene = Scene::new();
    let offset = |offset_ms, uncertainty_ms| {
        Some(ClockOffset {
            offset_ms,
            uncertainty_ms,
        })
    };
    scene.member(3).clock_offset = offset(-1_400, 500);
    assert_eq!(scene.status().verdict, Verdict::Well);
    scene.member(3).clock_offset = offset(-1_400, 5);
    let finding = scene.finding(Verdict::Degraded);
    assert!(
        finding.what.contains("0000000000000003 is 1400 ms behind"),
        "{}",
        finding.what
    );
    // This node is the odd one out.
    scene.member(2).clock_offset = offset(60_000, 5);
    scene.member(3).clock_offset = offset(60_010, 5);
    let finding = scene.finding(Verdict::Degraded);
    assert!(
        finding.what.contains("0000000000000001 is 60000 ms behind"),
        "{}",
        finding.what
    );
}

#[test]
fn a_disk_is_full_by_share_and_by_size() {
    for (free_bytes, total_bytes, severity) in [
        (11 * GIB, 100 * GIB, None),
        (9 * GIB, 100 * GIB, Some(Severity::Warning)),
        (2 * GIB, 100 * GIB, Some(Severity::Critical)),
        (20 * GIB, 1000 * GIB, None),
        (GIB / 16, GIB / 8, None),
        (GIB / 1000, GIB / 8, Some(Severity::Critical)),
        (0, 0, None),
    ] {
        let mut scene = Scene::new();
        scene.change(2, |report| {
            report.disk = Some(DiskSpace {
                free_bytes,
                total_bytes,
            });
        });
        let found = scene
            .status()
            .findings
            .first()
            .map(|finding| finding.severity);
        assert_eq!(found, severity, "{free_bytes} of {total_bytes}");
    }
}

#[test]
fn replicas_that_differ_are_critical() {
    let mut scene = Scene::new();
    scene.change(3, |report| report.groups[1].fixed_digests[0].digest = 0xce);
    let finding = scene.finding(Verdict::Degraded);
    assert_eq!(finding.severity, Severity::Critical);
    assert!(
        finding
            .what
            .contains("shard-0 on nodes 0000000000000001 and 0000000000000003")
    );
    // At another index it says nothing.
    scene.change(3, |report| report.groups[1].fixed_digests[0].index = 2048);
    assert_eq!(scene.status().verdict, Verdict::Well);
}

#[test]
fn an_upgrade_under_way_is_no_fault() {
    let mut scene = Scene::new();
    scene.change(3, |report| report.version = "99.0.0".to_owned());
    let finding = scene.finding(Verdict::Well);
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.why.contains("99.0.0 on 0000000000000003"));
}

#[test]
fn who_comes_to_a_members_place_is_to_replace_it() {
    let mut scene = Scene::new();
    let candidate = |address: &str| Candidate {
        node: NodeId(9),
        address: address.to_owned(),
        replaces: None,
    };
    scene.waiting = vec![candidate("node2:9326")];
    let replace = "squorum node replace 0000000000000002";
    let finding = scene.finding(Verdict::Well);
    assert!(finding.next_step.contains(replace), "{finding:?}");
    scene.waiting = vec![candidate("elsewhere:9326")];
    let finding = scene.finding(Verdict::Well);
    assert!(!finding.next_step.contains("replace"), "{finding:?}");
    scene.silence(3);
    let findings = scene.status().findings;
    assert_eq!(findings.len(), 2);
    let replace = "squorum node replace 0000000000000003";
    assert!(findings.iter().all(|f| f.next_step.contains(replace)));
}

#[test]
fn members_on_their_way_are_no_fault_and_do_not_count() {
    let mut scene = Scene::new();
    scene.roster.members[2].state = MemberState::Joining;
    scene.roster.members[2].replaces = Some(NodeId(7));
    scene.member(3).counts = false;
    let finding = scene.finding(Verdict::Well);
    assert!(
        finding
            .what
            .contains("taking the place of node 0000000000000007")
    );
    assert!(finding.why.contains("voter of 2 of 2 groups"));
    let joins = &scene.status().nodes[2];
    assert_eq!(joins.membership, MembershipStatus::Joining);
    // Of the two that count one is not enough.
    scene.silence(2);
    assert_eq!(scene.status().verdict, Verdict::NoQuorum);
}

#[test]
fn a_node_that_waits_says_for_what() {
    let status = ClusterStatus::waiting(Some("waiting for seed c:9326: refused".to_owned()));
    assert_eq!(status.verdict, Verdict::NoQuorum);
    assert!(status.findings[0].why.contains("c:9326"));
}
