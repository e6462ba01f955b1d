#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use squorum_meta::Member;
use squorum_peer::Services;
use squorum_types::{GroupId, GroupMembership};
use tokio::task::JoinHandle;

use super::*;
use crate::cluster::testing::{Network, Served, TestClock};
use crate::cluster::{ClusterRecord, Stage};
use crate::cluster::{DigestAt, DiskSpace, GroupReport, Introducer, Introduction, ReportSource};

const NODES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

struct Source(NodeId);

impl ReportSource for Source {
    fn groups(&self) -> Vec<GroupReport> {
        let digest = |index| DigestAt {
            index,
            digest: self.0.0,
        };
        vec![GroupReport {
            group: GroupId::META,
            leader: Some(NodeId(2)),
            term: 4,
            applied_index: 1040,
            last_log_index: 1041,
            latest_digest: Some(digest(1040)),
            fixed_digests: vec![digest(1024)],
            membership: GroupMembership {
                voters: NODES.into(),
                ..GroupMembership::default()
            },
        }]
    }

    fn disk(&self) -> Option<DiskSpace> {
        Some(DiskSpace {
            free_bytes: 1,
            total_bytes: 2,
        })
    }

    fn has_started(&self) -> bool {
        true
    }
}

struct Node {
    view: ClusterView,
    reporter: Reporter,
    peers: Peers,
    gossip: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _served: Served,
}

fn address(node: NodeId) -> String {
    format!("node{node}:9326")
}

fn record() -> ClusterRecord {
    let members = NODES.map(|node| Member::active(node, address(node)));
    ClusterRecord {
        cluster_id: ClusterId([1; 16]),
        members: members.to_vec(),
        shard_count: 1,
        founder: NodeId(1),
        stage: Stage::Started,
        roster_version: 1,
    }
}

/// `advertise`: the node says itself where it is reached.
fn start(network: &Network, node: NodeId, at: &str, advertise: bool) -> Node {
    let peers = network.peers(node);
    peers.set_cluster([1; 16]);
    for other in NODES.into_iter().filter(|other| *other != node) {
        peers.set_address(other, address(other));
    }
    let clock = TestClock {
        began: Instant::now(),
        ahead_ms: node.0 * 10_000,
    };
    let own_address = advertise.then(|| at.to_owned());
    let reporter = Reporter {
        node,
        address: own_address.clone(),
        clock: Arc::new(clock),
        source: Arc::new(Source(node)),
    };
    let introducer = Introducer::new(Introduction {
        node,
        address: own_address,
        seeds: Seeds::default(),
        shard_count: 1,
        feature_level: 1,
        record: Some(record()),
        replaces: None,
    });
    let services = Services::new()
        .for_members(Gossip::service(peers.clone(), reporter.clone()))
        .for_anyone(introducer.service());
    let served = network.serve(&peers, at, services);
    let view = ClusterView::new(node, &record().roster());
    let gossip = Gossip {
        cluster: ClusterId([1; 16]),
        peers: peers.clone(),
        view: view.clone(),
        reporter: reporter.clone(),
        seeds: Seeds::new(NODES.map(address).iter().chain([&"new:1".to_owned()])),
    };
    let (stop, stopped) = watch::channel(false);
    Node {
        view,
        reporter,
        peers,
        gossip: tokio::spawn(gossip.run(stopped)),
        stop,
        _served: served,
    }
}

impl Node {
    async fn sees_alive(&self, nodes: &[u64]) {
        let wanted = nodes.iter().map(|node| NodeId(*node)).collect();
        let mut alive = self.view.watch_alive();
        alive.wait_for(|alive| *alive == wanted).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn members_hear_how_the_others_are() {
    let network = Network::default();
    let nodes = NODES.map(|node| start(&network, node, &address(node), false));
    for node in &nodes {
        node.sees_alive(&[1, 2, 3]).await;
        assert!(!node.view.is_cut_off());
    }
    let observed = nodes[0].view.observed(nodes[0].reporter.report());
    let second = observed[1].report.as_ref().unwrap();
    assert_eq!(second.groups, Source(NodeId(2)).groups());
    assert_eq!(second.disk, Source(NodeId(2)).disk());
    assert_eq!(second.version, env!("CARGO_PKG_VERSION"));
    for (observed, offset_ms) in observed[1..].iter().zip([10_000, 20_000]) {
        let offset = observed.clock_offset.unwrap();
        let error_ms = (offset.offset_ms - offset_ms).unsigned_abs();
        assert!(error_ms <= offset.uncertainty_ms, "{offset:?}");
    }
    let [first, ..] = nodes;
    first.stop.send_replace(true);
    first.gossip.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_that_dies_is_missed_and_found_again() {
    let network = Network::default();
    let [first, second, third] = NODES.map(|node| start(&network, node, &address(node), false));
    first.sees_alive(&[1, 2, 3]).await;
    third.gossip.abort();
    drop(third);
    first.sees_alive(&[1, 2]).await;
    assert!(!first.view.is_cut_off());
    second.gossip.abort();
    drop(second);
    first.view.cut_off().await;
    assert!(first.view.is_cut_off());
    let _second = start(&network, NodeId(2), &address(NodeId(2)), false);
    first.sees_alive(&[1, 2]).await;
}

/// What one side alone can do is not being alive: neither hears the other answer.
#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_ask_is_cut_off_though_it_is_asked() {
    let network = Network::default();
    network.isolate(NodeId(1), true);
    let nodes = NODES.map(|node| start(&network, node, &address(node), false));
    nodes[1].sees_alive(&[1, 2, 3]).await;
    nodes[0].view.cut_off().await;
    assert!(!nodes[0].view.is_alive(NodeId(2)));
    network.isolate(NodeId(1), false);
    nodes[0].sees_alive(&[1, 2, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_elsewhere_is_found() {
    for advertise in [true, false] {
        let network = Network::default();
        let [first, second, third] = NODES.map(|node| start(&network, node, &address(node), false));
        first.sees_alive(&[1, 2, 3]).await;
        third.gossip.abort();
        drop(third);
        first.sees_alive(&[1, 2]).await;
        let third = start(&network, NodeId(3), "new:1", advertise);
        if !advertise {
            // It asks nobody, so that it must be looked for.
            third.gossip.abort();
        }
        for node in [&first, &second] {
            node.sees_alive(&[1, 2, 3]).await;
            assert_eq!(node.peers.address(NodeId(3)).as_deref(), Some("new:1"));
        }
    }
}
