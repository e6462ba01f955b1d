use std::time::{Duration, Instant};

use squorum_consensus::Group;
use squorum_consensus::testing::Outcome;

use crate::cluster::{Cluster, IDS, PATIENT_LEASE, inline, patient};
use crate::harness::{check, entry, propose_all, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_found_the_group_together_and_replicate() {
    let cluster = Cluster::new().await;
    replicate(&cluster).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_same_without_threads() {
    let cluster = Cluster::with(inline).await;
    replicate(&cluster).await;
    cluster.shutdown().await;
}

async fn replicate(cluster: &Cluster) {
    let leader = cluster.leader().await;
    let summary = check(
        (0, 0),
        &propose_all(cluster.group(leader), 0..1_000, 64).await,
    );
    assert_eq!(cluster.converge().await, summary);
    for id in IDS {
        let group = cluster.group(id);
        let (members, _) = group.newest_membership();
        assert_eq!(members.voters, IDS.map(squorum_types::NodeId).into());
        assert_eq!(group.replication().len(), if id == leader { 3 } else { 0 });
    }
    let leader = cluster.group(leader);
    until("all to be heard", || heard(leader) == 2).await;
}

fn heard(leader: &Group<Outcome>) -> usize {
    let last = leader.last_log_index();
    let well = leader.replication().into_iter().filter(|progress| {
        progress.matched_index == last
            && progress
                .heard_ago
                .is_some_and(|ago| ago < Duration::from_millis(500))
    });
    well.count()
}

/// Its heartbeats arrive, only the answers wait. No other leader could do better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disks_that_hang_depose_no_leader() {
    let cluster = Cluster::with(patient).await;
    cluster.propose(&entry(1), None).await;
    let leader = cluster.leader().await;
    let term = cluster.group(leader).leadership().term;
    for id in IDS {
        cluster.log(id).hold();
    }
    let hang = async {
        tokio::time::sleep(3 * PATIENT_LEASE).await;
        for id in IDS {
            cluster.log(id).release();
        }
    };
    let held = entry(2);
    tokio::join!(cluster.propose(&held, None), hang);
    cluster.converge().await;
    assert_eq!(cluster.leader().await, leader);
    assert_eq!(cluster.group(leader).leadership().term, term);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_is_killed() {
    let mut cluster = Cluster::new().await;
    for round in 0..5 {
        let leader = cluster.leader().await;
        cluster.propose(&entry(round), None).await;
        let killed = Instant::now();
        cluster.kill(leader).await;
        cluster.propose(&entry(round + 100), None).await;
        println!("next write after {:?}", killed.elapsed());
        let restarted = Instant::now();
        cluster.start(leader).await;
        cluster.converge().await;
        println!("caught up after {:?}", restarted.elapsed());
    }
    cluster.shutdown().await;
}
