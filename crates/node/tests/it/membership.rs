//! Nodes come, go and are replaced, while clients send.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use squorum_node::{AdministrationError, ClusterStatus, Expulsion, MembershipStatus};
use squorum_types::NodeId;
use squorum_types::service::QueueInfo;

use crate::cluster::{Client, Cluster, NODES, PATIENCE, block_on};

/// Sends numbered messages to a queue through a node, until it is told to end.
struct Load {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Load {
    fn begin(client: Client, queue: Arc<QueueInfo>, round: usize) -> Load {
        let ends = Arc::new(AtomicBool::new(false));
        let thread = {
            let ends = Arc::clone(&ends);
            std::thread::spawn(move || {
                block_on(async {
                    let mut sent = Vec::new();
                    while !ends.load(Ordering::Relaxed) {
                        let body = format!("{round}-{:05}", sent.len());
                        client.send(&queue, "group", &body).await.unwrap();
                        sent.push(body);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    sent
                })
            })
        };
        Load { ends, thread }
    }

    /// What was acknowledged.
    fn end(self) -> Vec<String> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Returns when these nodes are the active members, each a voter of every group.
fn wait_for_members(cluster: &Cluster, asked: usize, nodes: &[NodeId]) -> ClusterStatus {
    let expected: BTreeSet<_> = nodes.iter().map(ToString::to_string).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = cluster.node(asked).status();
        let members = status.nodes.iter();
        let active = members.filter(|node| node.membership == MembershipStatus::Active);
        let active: BTreeSet<_> = active.map(|node| node.id.clone()).collect();
        let voters_are_expected = status.groups.iter().all(|group| {
            let voters = group.replicas.iter().filter(|replica| replica.votes);
            voters.map(|r| r.node.clone()).collect::<BTreeSet<_>>() == expected
        });
        if active == expected && status.nodes.len() == nodes.len() && voters_are_expected {
            return status;
        }
        assert!(Instant::now() < deadline, "{status:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn wait_until_candidate(cluster: &Cluster, asked: usize, node: NodeId) {
    let deadline = Instant::now() + PATIENCE;
    let waits = |status: ClusterStatus| status.waiting.iter().any(|one| one.id == node.to_string());
    while !waits(cluster.node(asked).status()) {
        assert!(
            Instant::now() < deadline,
            "node {node} does not ask to be taken in"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_node_whose_disk_is_lost_is_replaced_under_load() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    // The leader of some groups each time.
    for victim in 0..NODES {
        let survivor = (victim + 1) % NODES;
        let load = Load::begin(Client(cluster.node(survivor)), queue.clone(), victim);
        std::thread::sleep(Duration::from_millis(100));
        let lost = cluster.id(victim);
        cluster.kill(victim);
        let new = cluster.begin_empty(victim, None);
        wait_until_candidate(&cluster, survivor, new);
        let replace = || block_on(cluster.node(survivor).replace_node(lost, None));
        assert_eq!(replace().unwrap(), new);
        assert_eq!(replace().unwrap(), new);
        cluster.finish(victim);
        let ids: Vec<_> = (0..NODES).map(|index| cluster.id(index)).collect();
        for asked in 0..NODES {
            wait_for_members(&cluster, asked, &ids);
        }
        let sent = load.end();
        let bodies = block_on(Client(cluster.node(victim)).drain(&queue, sent.len()));
        assert_eq!(bodies, sent);
    }
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn a_node_that_has_lost_its_promises_comes_back_by_itself() {
    let mut cluster = Cluster::start();
    let lost = cluster.id(2);
    cluster.kill(2);
    cluster.begin_empty(2, Some(lost));
    cluster.finish(2);
    let ids: Vec<_> = (0..NODES).map(|index| cluster.id(index)).collect();
    wait_for_members(&cluster, 0, &ids);
    assert_ne!(cluster.id(2), lost);
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn a_node_joins_and_another_is_drained() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    let load = Load::begin(Client(cluster.node(1)), queue.clone(), 0);
    let new = cluster.begin_empty(NODES, None);
    wait_until_candidate(&cluster, 1, new);
    let nobody = block_on(cluster.node(1).add_node(NodeId(77))).unwrap_err();
    assert!(matches!(nobody, AdministrationError::NotWaiting(_)));
    assert_eq!(block_on(cluster.node(1).add_node(new)).unwrap(), new);
    cluster.finish(NODES);
    let all: Vec<_> = (0..=NODES).map(|index| cluster.id(index)).collect();
    wait_for_members(&cluster, NODES, &all);

    let leaving = cluster.node(0);
    block_on(cluster.node(1).drain_node(cluster.id(0))).unwrap();
    wait_for_members(&cluster, NODES, &all[1..]);
    assert_eq!(block_on(leaving.expelled()), Expulsion::Left);
    let sent = load.end();
    let bodies = block_on(Client(cluster.node(NODES)).drain(&queue, sent.len()));
    assert_eq!(bodies, sent);
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn the_ghost_of_a_removed_node_is_refused() {
    let mut cluster = Cluster::start();
    let lost = cluster.id(0);
    let alive = block_on(cluster.node(1).remove_node(lost)).unwrap_err();
    assert!(matches!(alive, AdministrationError::IsAlive(_)));
    cluster.kill(0);
    block_on(cluster.node(1).remove_node(lost)).unwrap();
    let rest = [cluster.id(1), cluster.id(2)];
    wait_for_members(&cluster, 1, &rest);
    // Who was removed is known after restarts too.
    for index in [1, 2] {
        cluster.kill(index);
        cluster.restart(index);
        cluster.wait_ready();
    }
    cluster.restart(0);
    let ghost = cluster.node(0);
    assert_eq!(block_on(ghost.expelled()), Expulsion::Ghost);
    assert!(!ghost.health().ready);
    wait_for_members(&cluster, 1, &rest);
}
