//! Any node answers any request.

use std::collections::BTreeSet;
use std::time::Duration;

use squorum_types::service::{QueueService, ServiceError};
use squorum_types::{AttributeChanges, AttributeConflict, Permission, QueueTags};

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

/// No node's view of a queue is ahead of what was acknowledged, and none is believed that is behind.
#[test]
fn permissions_tags_and_conflicts_are_judged_at_one_place() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        let queue = clients[0].create("queue").await;
        let caller = caller();
        let labels: Vec<_> = (0..12).map(|number| format!("label-{number}")).collect();
        let adds = labels.iter().enumerate().map(|(number, label)| {
            let permission = Permission {
                label: label.clone(),
                accounts: vec![caller.account.clone()],
                actions: vec!["*".to_owned()],
            };
            let tags = QueueTags::from([(label.clone(), number.to_string())]);
            let (node, caller, queue) = (&clients[number % NODES].0, &caller, &queue);
            async move {
                node.add_permission(caller, queue, permission).await?;
                node.tag_queue(caller, queue, tags).await
            }
        });
        futures::future::try_join_all(adds).await.unwrap();
        for client in &clients {
            let described = client.0.describe_queue(&caller, &queue).await.unwrap();
            let policy = described.info.attributes.policy.unwrap();
            assert!(
                labels.iter().all(|label| policy.contains(label.as_str())),
                "{policy}"
            );
            let tags = client.0.list_queue_tags(&caller, &queue).await.unwrap();
            assert_eq!(tags.len(), labels.len());
        }
        for label in &labels {
            let remove = clients[1]
                .0
                .remove_permission(&caller, &queue, label.clone());
            remove.await.unwrap();
            let untag = clients[2]
                .0
                .untag_queue(&caller, &queue, vec![label.clone()]);
            untag.await.unwrap();
        }
        let described = clients[0].0.describe_queue(&caller, &queue).await.unwrap();
        assert_eq!(described.info.attributes.policy, None);
        let tags = clients[0].0.list_queue_tags(&caller, &queue).await.unwrap();
        assert_eq!(tags, QueueTags::new());

        let key = |key: Option<&str>| AttributeChanges {
            kms_master_key_id: Some(key.map(str::to_owned)),
            ..AttributeChanges::default()
        };
        let managed = AttributeChanges {
            sqs_managed_sse_enabled: Some(true),
            ..AttributeChanges::default()
        };
        for round in 0..NODES {
            let (one, other) = (&clients[round].0, &clients[(round + 1) % NODES].0);
            one.set_queue_attributes(&caller, &queue, key(Some("key")))
                .await
                .unwrap();
            let both = other
                .set_queue_attributes(&caller, &queue, managed.clone())
                .await;
            let conflict = AttributeConflict::TwoEncryptions;
            assert_eq!(both, Err(ServiceError::AttributesConflict(conflict)));
            one.set_queue_attributes(&caller, &queue, key(None))
                .await
                .unwrap();
            other
                .set_queue_attributes(&caller, &queue, managed.clone())
                .await
                .unwrap();
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
