//! Messages that wait for a time of their own, whatever happens to the nodes meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use squorum_types::service::{MessageError, QueueInfo, SendEntry};
use squorum_types::{AttributeChanges, Timestamp};

use crate::cluster::{Client, Cluster, NODES, PATIENCE, block_on, entry};

const HOUR: Duration = Duration::from_secs(3_600);

fn entry_at(body: &str, deliver_at: Timestamp) -> SendEntry {
    SendEntry {
        deliver_at: Some(deliver_at),
        ..entry("", body)
    }
}

/// Polls until there is a message, and answers it with the time when it came.
async fn next(cluster: &Cluster, client: &Client, queue: &Arc<QueueInfo>) -> (String, Timestamp) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let bodies = client.take(queue).await;
        let came_at = cluster.now();
        if let [body] = &bodies[..] {
            return (body.clone(), came_at);
        }
        assert!(bodies.is_empty(), "{bodies:?}");
        assert!(Instant::now() < deadline, "no message came");
    }
}

#[test]
fn messages_come_at_their_time_whoever_dies_meanwhile() {
    let mut cluster = Cluster::start();
    let client = Client(cluster.node(0));
    let queue = block_on(client.create("standard"));
    let sent_at = cluster.now();
    let due = |turn: usize| sent_at.plus_ms(4_000 + 6_000 * turn as u64);
    let entries = (0..NODES).map(|turn| entry_at(&turn.to_string(), due(turn)));
    let entries = entries.chain([entry_at("past", Timestamp(0))]).collect();
    block_on(async {
        for sent in client.send_all(&queue, entries).await.unwrap() {
            sent.unwrap();
        }
        assert_eq!(next(&cluster, &client, &queue).await.0, "past");
    });
    drop(client);
    for victim in 0..NODES {
        // One after the other, and in the end all of them.
        if victim + 1 < NODES {
            cluster.kill(victim);
            cluster.restart(victim);
        } else {
            (0..NODES).for_each(|index| cluster.kill(index));
            cluster.restart_all();
        }
        let survivor = Client(cluster.node((victim + 1) % NODES));
        let (body, came_at) = block_on(next(&cluster, &survivor, &queue));
        assert_eq!(body, victim.to_string());
        assert!(came_at >= due(victim), "{victim} came before its time");
    }
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn a_time_that_comes_after_a_long_silence_is_kept() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let queue = client.create("standard").await;
        let due = cluster.now().plus_ms(10 * 3_600_000);
        let entries = vec![entry_at("at its time", due)];
        client.send_all(&queue, entries).await.unwrap();
        cluster.let_pass(9 * HOUR);
        assert_eq!(client.take(&queue).await, Vec::<String>::new());
        cluster.let_pass(HOUR);
        assert_eq!(client.take(&queue).await, ["at its time"]);
    });
}

#[test]
fn what_nobody_could_ever_receive_is_refused_and_the_rest_is_sent() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    let given = AttributeChanges {
        message_retention_seconds: Some(60),
        ..AttributeChanges::default()
    };
    block_on(async {
        let queue = client.create_with("standard", given).await;
        let too_late = cluster.now().plus_ms(3_600_000);
        let entries = vec![entry_at("late", too_late), entry("", "now")];
        let results = client.send_all(&queue, entries).await.unwrap();
        let refused = MessageError::DeliveryBeyondRetention {
            deliver_at: too_late,
            retention_seconds: 60,
        };
        assert_eq!(results[0], Err(refused));
        assert!(results[1].is_ok());
        assert_eq!(client.take(&queue).await, ["now"]);
    });
}
