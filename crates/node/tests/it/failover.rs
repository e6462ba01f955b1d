//! Clients do not notice a death.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cluster::{Client, Cluster, NODES, block_on};

#[test]
fn every_node_dies_in_turn_under_load() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("standard"));
    let ordered = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    let mut sent = 0;
    for victim in 0..NODES {
        let survivor = Client(cluster.node((victim + 1) % NODES));
        let load = {
            let (queue, ordered) = (queue.clone(), ordered.clone());
            std::thread::spawn(move || {
                block_on(async {
                    for number in 0..100 {
                        let body = format!("{victim}-{number:03}");
                        survivor.send(&queue, "", &body).await.unwrap();
                        survivor.send(&ordered, "group", &body).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                });
            })
        };
        std::thread::sleep(Duration::from_millis(200));
        cluster.kill(victim);
        load.join().unwrap();
        sent += 100;
        cluster.restart(victim);
        cluster.wait_ready();
    }
    let reader = Client(cluster.node(0));
    block_on(async {
        let mut count_of = BTreeMap::new();
        for body in reader.drain(&queue, sent).await {
            *count_of.entry(body).or_insert(0) += 1;
        }
        assert_eq!(count_of.len(), sent);
        let bodies = reader.drain(&ordered, sent).await;
        let mut expected = bodies.clone();
        expected.sort();
        expected.dedup();
        assert_eq!(bodies, expected, "in order and once");
    });
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn all_nodes_die_at_once() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    let client = Client(cluster.node(1));
    block_on(async {
        for number in 0..50 {
            let body = format!("{number:02}");
            client.send(&queue, "group", &body).await.unwrap();
        }
    });
    drop(client);
    for index in 0..NODES {
        cluster.kill(index);
    }
    cluster.restart_all();
    cluster.wait_ready();
    let bodies = block_on(Client(cluster.node(2)).drain(&queue, 50));
    let expected: Vec<_> = (0..50).map(|number| format!("{number:02}")).collect();
    assert_eq!(bodies, expected);
}

#[test]
fn a_receive_repeated_after_its_leaders_death_gives_the_same() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    for victim in 0..NODES {
        let survivor = Client(cluster.node((victim + 1) % NODES));
        block_on(async {
            let body = format!("body-{victim}");
            survivor.send(&queue, "group", &body).await.unwrap();
        });
        let dying = Client(cluster.node(victim));
        let first = block_on(dying.receive(&queue, 5, "attempt")).unwrap();
        assert_eq!(first.len(), 1);
        drop(dying);
        cluster.kill(victim);
        let again = block_on(survivor.receive(&queue, 0, "attempt")).unwrap();
        assert_eq!(again, first);
        block_on(survivor.delete(&queue, &again)).unwrap();
        cluster.restart(victim);
        cluster.wait_ready();
    }
}
