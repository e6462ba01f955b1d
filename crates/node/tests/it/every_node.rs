//! Any node answers any request.

use std::collections::BTreeSet;
use std::time::Duration;

use squorum_types::AttributeChanges;
use squorum_types::service::{QueueService, ServiceError};

use crate::cluster::{Client, Cluster, NODES, block_on, caller};

#[test]
fn what_one_node_took_every_node_gives() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        for name in ["standard", "ordered.fifo"] {
            let queue = clients[0].create(name).await;
            let group = if name == "standard" { "" } else { "group" };
            for number in 0..30 {
                let client = &clients[number % NODES];
                let found = client.find(name).await.unwrap();
                let body = format!("{number:02}");
                client.send(&found, group, &body).await.unwrap();
            }
            let description = clients[1]
                .0
                .describe_queue(&caller(), &queue)
                .await
                .unwrap();
            assert_eq!(description.counters.visible, 30);
            // How many lie in a partition depends on who leads it: no client is owed a share.
            let mut bodies = Vec::new();
            for turn in 0.. {
                bodies.extend(clients[turn % NODES].take(&queue).await);
                if bodies.len() >= 30 {
                    break;
                }
            }
            if name == "standard" {
                bodies.sort();
            }
            let expected: Vec<_> = (0..30).map(|number| format!("{number:02}")).collect();
            assert_eq!(bodies, expected, "{name}");
        }
    });
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn queues_change_for_all_nodes_at_once() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        for round in 0..10 {
            let name = format!("queue-{round}");
            let (maker, user) = (&clients[round % NODES], &clients[(round + 1) % NODES]);
            let queue = maker.create(&name).await;
            user.send(&user.find(&name).await.unwrap(), "", "hello")
                .await
                .unwrap();
            let changes = AttributeChanges {
                delay_seconds: Some(round as u32 + 1),
                ..AttributeChanges::default()
            };
            maker
                .0
                .set_queue_attributes(&caller(), &queue, changes)
                .await
                .unwrap();
            let seen = user.0.describe_queue(&caller(), &queue).await.unwrap();
            assert_eq!(seen.info.attributes.delay_seconds, round as u32 + 1);
            user.0.purge_queue(&caller(), &queue).await.unwrap();
            let seen = maker.0.describe_queue(&caller(), &queue).await.unwrap();
            assert_eq!(seen.counters.visible, 0);
            maker.0.delete_queue(&caller(), &queue).await.unwrap();
            let sent = user.send(&queue, "", "late").await;
            assert_eq!(sent, Err(ServiceError::QueueDoesNotExist));
        }
    });
}

#[test]
fn a_poll_waits_on_one_node_for_what_another_takes() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        let queue = clients[0].create("standard").await;
        for (waits, sends) in [(0, 1), (1, 2), (2, 0), (1, 0)] {
            let poll = clients[waits].receive(&queue, 20, "");
            let send = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                clients[sends].send(&queue, "", "hello").await.unwrap();
            };
            let (messages, ()) = tokio::join!(poll, send);
            let messages = messages.unwrap();
            assert_eq!(messages.len(), 1);
            clients[waits].delete(&queue, &messages).await.unwrap();
        }
    });
}

#[test]
fn no_partition_starves() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        let queue = clients[0].create("standard").await;
        // Every node's clients fill the partition that is nearest to them; one node drains all.
        for number in 0..300 {
            let client = &clients[number % NODES];
            client.send(&queue, "", &number.to_string()).await.unwrap();
        }
        let bodies: BTreeSet<_> = clients[2].drain(&queue, 300).await.into_iter().collect();
        assert_eq!(bodies.len(), 300);
    });
}
