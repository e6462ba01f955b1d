#![allow(clippy::unwrap_used)]

use squorum_node::{
    Finding, GroupStatus, MembershipStatus, NodeState, NodeStatus, ReplicaStatus, Severity,
};

use super::*;
use crate::admin_client::tests::{answer_once, http};

pub(crate) const IDS: [&str; 3] = ["00000000000000a1", "00000000000000b2", "00000000000000c3"];

fn node(index: usize, heard_ms: Option<u64>) -> NodeStatus {
    NodeStatus {
        id: IDS[index].to_owned(),
        address: format!("node{}:9326", index + 1),
        state: NodeState::Alive,
        membership: MembershipStatus::Active,
        replaces: None,
        last_heard_ms: heard_ms,
        version: Some("0.1.0".to_owned()),
        leads: 1,
        disk_free_bytes: Some(75 << 30),
        disk_total_bytes: Some(100 << 30),
        clock_offset_ms: Some(index as i64 - 1),
    }
}

fn group(name: &str, leader: usize, lags: [u64; 3]) -> GroupStatus {
    let replicas = lags.iter().zip(IDS).map(|(lag, node)| ReplicaStatus {
        node: node.to_owned(),
        votes: true,
        applied: Some(1_000 - lag),
        lag_entries: Some(*lag),
        digest: None,
        digest_index: None,
    });
    GroupStatus {
        name: name.to_owned(),
        leader: Some(IDS[leader].to_owned()),
        term: 4,
        replicas: replicas.collect(),
    }
}

pub(crate) fn well() -> ClusterStatus {
    ClusterStatus {
        cluster_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        this_node: Some(IDS[0].to_owned()),
        version: "0.1.0".to_owned(),
        verdict: Verdict::Well,
        nodes: vec![node(0, Some(0)), node(1, Some(87)), node(2, Some(1_250))],
        waiting: Vec::new(),
        groups: vec![group("meta", 0, [0; 3]), group("shard-0", 1, [0, 0, 12])],
        findings: Vec::new(),
    }
}

fn degraded() -> ClusterStatus {
    let mut status = well();
    status.verdict = Verdict::Degraded;
    let lost = &mut status.nodes[2];
    (lost.state, lost.leads) = (NodeState::Unreachable, 0);
    lost.last_heard_ms = Some(754_000);
    for group in &mut status.groups {
        (group.replicas[2].applied, group.replicas[2].lag_entries) = (None, None);
    }
    status.findings = vec![
        Finding {
            severity: Severity::Info,
            what: "a note".to_owned(),
            why: String::new(),
            next_step: String::new(),
        },
        Finding {
            severity: Severity::Warning,
            what: format!("node {} does not answer", IDS[2]),
            why: "connection refused".to_owned(),
            next_step: "start it again, or find out why it cannot be reached".to_owned(),
        },
    ];
    status
}

#[test]
fn a_cluster_that_is_well() {
    let expected = "\
Cluster 0123456789abcdef0123456789abcdef, as seen by node 00000000000000a1 (0.1.0)

 NODE              ADDRESS     STATE      HEARD  VERSION  LEADS  DISK FREE  CLOCK
 00000000000000a1  node1:9326  alive  this node  0.1.0        1   75.0 GiB  -1 ms
 00000000000000b2  node2:9326  alive  87 ms ago  0.1.0        1   75.0 GiB  +0 ms
 00000000000000c3  node3:9326  alive  1.2 s ago  0.1.0        1   75.0 GiB  +1 ms

 GROUP    LEADER            TERM  00000000000000a1  00000000000000b2  00000000000000c3
 meta     00000000000000a1     4              1000              1000              1000
 shard-0  00000000000000b2     4              1000              1000         988 (-12)

WELL: all nodes are alive, all groups have leaders.
";
    assert_eq!(table::cluster(&well()), expected);
}

#[test]
fn a_degraded_cluster_names_the_worst_reason_and_the_next_step() {
    let text = table::cluster(&degraded());
    let node_line = " 00000000000000c3  node3:9326  UNREACHABLE  12 min ago";
    assert!(text.contains(node_line), "{text}");
    let ending = "
note: a note
warning: node 00000000000000c3 does not answer
  why: connection refused
  next step: start it again, or find out why it cannot be reached
DEGRADED: node 00000000000000c3 does not answer. Next step: start it again, or find out why it \
cannot be reached.
";
    assert!(text.ends_with(ending), "{text}");
}

#[test]
fn a_node_that_waits_for_its_seeds_has_no_tables() {
    let status = ClusterStatus::waiting(Some("waiting for seed c:9326".to_owned()));
    let text = table::cluster(&status);
    let heading = "No cluster yet, as seen by a node that is starting";
    assert!(text.starts_with(heading), "{text}");
    assert!(
        text.contains("\n  why: waiting for seed c:9326\n"),
        "{text}"
    );
    assert!(text.contains("\nNO QUORUM: "), "{text}");
    assert!(!text.contains("GROUP"), "{text}");
}

fn asked(answer: &str, output: Output) -> (String, Condition) {
    let (admin, served) = answer_once(answer);
    let arguments = StatusArguments {
        admin: AdminArguments { admin },
        output,
        queue: None,
        account: String::new(),
        region: String::new(),
    };
    let result = report(&arguments);
    assert_eq!(served.join().unwrap(), "GET /status HTTP/1.1");
    result
}

#[test]
fn exit_codes_follow_the_verdict() {
    let verdicts = [
        (Verdict::Well, Condition::Well),
        (Verdict::Degraded, Condition::Degraded),
        (Verdict::NoQuorum, Condition::NoQuorum),
    ];
    for (verdict, expected) in verdicts {
        let status = ClusterStatus { verdict, ..well() };
        let body = serde_json::to_string(&status).unwrap();
        let (text, condition) = asked(&http("200 OK", &body), Output::Json);
        assert_eq!((text, condition), (body.clone(), expected));
        assert_eq!(asked(&http("200 OK", &body), Output::Table).1, expected);
    }
    let codes = [Condition::Well, Condition::Degraded, Condition::NoQuorum];
    let codes = codes.map(|condition| format!("{:?}", ExitCode::from(condition)));
    assert_eq!(
        codes,
        [0, 1, 2].map(|code| format!("{:?}", ExitCode::from(code)))
    );
}

#[test]
fn who_does_not_answer_is_unreachable() {
    for answer in [
        &*http("404 Not Found", ""),
        &*http("200 OK", "<html>"),
        "nothing of HTTP\n\n",
    ] {
        let (text, condition) = asked(answer, Output::Table);
        assert_eq!(condition, Condition::NoQuorum);
        assert!(text.starts_with("UNREACHABLE: http://127.0.0.1:"), "{text}");
        assert!(text.contains("Next step: "), "{text}");
        let (text, _) = asked(answer, Output::Json);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["verdict"], "unreachable");
    }
}

#[test]
fn a_queue_is_as_well_as_its_partitions() {
    let partition = |partition, leader: Option<&str>| PartitionLocation {
        partition,
        shard: partition + 5,
        leader: leader.map(str::to_owned),
    };
    let queue = |leaders: [Option<&str>; 2]| QueueLocation {
        name: "jobs".to_owned(),
        account: "000000000000".to_owned(),
        partitions: vec![partition(0, leaders[0]), partition(1, leaders[1])],
    };
    let led = Some(IDS[0]);
    assert_eq!(queue::condition(&queue([led, led])), Condition::Well);
    assert_eq!(queue::condition(&queue([led, None])), Condition::Degraded);
    assert_eq!(queue::condition(&queue([None, None])), Condition::NoQuorum);
    let expected = "\
Queue jobs of account 000000000000
 PARTITION  SHARD  LEADER
 0          5      00000000000000a1
 1          6      none
";
    assert_eq!(queue::rendered(&queue([led, None])), expected);
}
