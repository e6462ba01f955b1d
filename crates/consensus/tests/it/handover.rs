use std::time::Instant;

use squorum_consensus::{ProposeError, TransferError};
use squorum_types::NodeId;

use crate::cluster::{Cluster, IDS, LeaseWatch, PATIENT_LEASE, patient};
use crate::harness::{entry, until};
use crate::partitions::{Load, assert_kept};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leadership_goes_where_it_is_sent() {
    let cluster = Cluster::with(patient).await;
    let leases = LeaseWatch::start(&cluster);
    let load = Load::start(&cluster, 100);
    for round in 0..6 {
        load.progress().await;
        let old = cluster.leader().await;
        let to = IDS[(IDS.iter().position(|id| *id == old).unwrap() + 1 + round % 2) % 3];
        let begun = Instant::now();
        let group = cluster.group(old).clone();
        let transfer = tokio::spawn(async move { group.transfer_leadership(NodeId(to)).await });
        let group = cluster.group(old);
        until("the old leader to serve no more", || {
            !group.leadership().ready_to_serve && !group.can_serve_locally()
        })
        .await;
        assert_eq!(transfer.await.unwrap(), Ok(()));
        let new = cluster.leader().await;
        println!("handed over from {old} to {new} in {:?}", begun.elapsed());
        assert_eq!(new, to);
    }
    let acknowledged = load.end().await;
    cluster.converge().await;
    leases.end().await;
    for member in cluster.members.values() {
        assert_kept(&member.node, &acknowledged);
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_leader_hands_over_and_only_to_who_can_take_it() {
    let mut cluster = Cluster::with(patient).await;
    let leader = cluster.leader().await;
    let [follower, other] = IDS
        .into_iter()
        .filter(|id| *id != leader)
        .collect::<Vec<_>>()[..]
    else {
        panic!("three members")
    };
    let transfer = async |from: u64, to: u64| {
        let group = cluster.group(from);
        group.transfer_leadership(NodeId(to)).await
    };
    let refused = transfer(follower, other).await;
    assert_eq!(
        refused,
        Err(TransferError::NotLeader {
            leader: Some(NodeId(leader))
        })
    );
    let refused = transfer(leader, leader).await;
    assert_eq!(refused, Err(TransferError::NotAVoter(NodeId(leader))));
    let refused = transfer(leader, 77).await;
    assert_eq!(refused, Err(TransferError::NotAVoter(NodeId(77))));
    // Nothing of this took it its leadership.
    assert_eq!(cluster.leader().await, leader);

    cluster.kill(other).await;
    let group = cluster.group(leader).clone();
    until("the silence to be noticed", || {
        let progress = group.replication();
        let other = progress.iter().find(|p| p.node == NodeId(other)).unwrap();
        other.heard_ago.is_none_or(|ago| ago > PATIENT_LEASE)
    })
    .await;
    let refused = group.transfer_leadership(NodeId(other)).await;
    assert_eq!(refused, Err(TransferError::NotCaughtUp(NodeId(other))));
    assert!(group.propose(entry(1)).await.is_ok());
    cluster.shutdown().await;
}

/// The order to take over is lost: whatever happens then, the leader does not serve in the term
/// in which it gave up its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handover_that_fails_leaves_nobody_serving_twice() {
    let cluster = Cluster::new().await;
    let leases = LeaseWatch::start(&cluster);
    for _ in 0..3 {
        let leader = cluster.leader().await;
        let to = IDS.into_iter().find(|id| *id != leader).unwrap();
        let group = cluster.group(leader).clone();
        until("the followers to be heard", || {
            let heard = group.replication();
            heard.iter().filter(|p| p.heard_ago.is_some()).count() == 2
        })
        .await;
        let term = group.leadership().term;
        cluster.links.cut(leader, to);
        let result = group.transfer_leadership(NodeId(to)).await;
        println!("{result:?}");
        let refused = group.propose(entry(1)).await;
        let now = group.leadership();
        assert!(
            now.term > term || matches!(refused, Err(ProposeError::NotLeader { .. })),
            "{refused:?}"
        );
        assert!(now.term > term || !(now.ready_to_serve || group.can_serve_locally()));
        cluster.links.heal();
        cluster.propose(&entry(2), None).await;
        cluster.converge().await;
    }
    leases.end().await;
    cluster.shutdown().await;
}
