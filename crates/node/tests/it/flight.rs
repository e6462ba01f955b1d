//! The limit of messages in flight is the queue's, not that of each of its partitions.

use std::time::{Duration, Instant};

use squorum_queue::Limits;
use squorum_types::service::ServiceError;

use crate::cluster::{Client, Cluster, NODES, PATIENCE, block_on};

const LIMIT: usize = 100;
/// What gateways may not have heard of when they ask, which is a few receives.
const LAG: usize = 50;

fn cluster() -> Cluster {
    Cluster::start_with(Limits {
        in_flight_max: LIMIT as u64,
        ..Limits::default()
    })
}

/// Waits until a node has applied what any has by now. On a busy machine a follower may be any number of
/// receives behind.
async fn until_heard(cluster: &Cluster, index: usize) {
    let applied = |index: usize| cluster.node(index).observe().groups;
    let wanted: Vec<_> = (0..NODES).flat_map(applied).collect();
    let started = Instant::now();
    loop {
        let own = applied(index);
        let heard = own.iter().all(|group| {
            let others = wanted.iter().filter(|other| other.name == group.name);
            others.map(|other| other.applied_index).max() <= Some(group.applied_index)
        });
        if heard {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{own:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_queue_of_several_partitions_has_one_limit() {
    let cluster = cluster();
    let clients = [0, 1, 2].map(|index| Client(cluster.node(index)));
    block_on(async {
        let queue = clients[0].create("orders").await;
        assert_eq!(queue.partition_count as usize, NODES);
        // Each node's go to partitions that it leads, if it leads one: hardly any reaches the limit alone.
        for number in 0..3 * (LIMIT - 10) {
            let client = &clients[number % NODES];
            client.send(&queue, "", "body").await.unwrap();
        }
        let mut held = Vec::new();
        for (index, client) in clients.iter().enumerate() {
            let refused = loop {
                until_heard(&cluster, index).await;
                match client.receive(&queue, 0, "").await {
                    Ok(messages) => held.extend(messages),
                    Err(error) => break error,
                }
                assert!(held.len() < 2 * LIMIT, "nobody holds the limit");
            };
            assert!(matches!(refused, ServiceError::OverLimit), "{refused:?}");
        }
        assert!((LIMIT..LIMIT + LAG).contains(&held.len()), "{}", held.len());
        // A long poll hears nothing of it, and gets what a delete makes room for.
        assert_eq!(clients[1].receive(&queue, 1, "").await.unwrap().len(), 0);
        let done = &held[..held.len() - LIMIT + 3];
        clients[2].delete(&queue, done).await.unwrap();
        let more = clients[0].receive(&queue, 20, "").await.unwrap();
        assert!((1..=3).contains(&more.len()), "{}", more.len());
    });
}
