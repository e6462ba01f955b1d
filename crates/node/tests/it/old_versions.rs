//! What a gateway still does with a queue as it was: changes of attributes hold at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use squorum_types::AttributeChanges;
use squorum_types::service::{MessageError, QueueInfo, QueueService, SendEntry};

use crate::cluster::{Client, Cluster, PATIENCE, block_on, caller, entry};

async fn change(client: &Client, queue: &Arc<QueueInfo>, changes: AttributeChanges) {
    let caller = caller();
    let changed = client.0.set_queue_attributes(&caller, queue, changes);
    changed.await.unwrap();
}

#[test]
fn a_poll_that_waits_receives_for_the_new_visibility_timeout() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    let visible_after = |seconds| AttributeChanges {
        visibility_timeout_seconds: Some(seconds),
        ..AttributeChanges::default()
    };
    block_on(async {
        let old = client.create_with("queue", visible_after(3_600)).await;
        let changed_then_sent = async {
            change(&client, &old, visible_after(2)).await;
            let new = client.find("queue").await.unwrap();
            client.send(&new, "", "hello").await.unwrap();
        };
        let (first, ()) = tokio::join!(client.receive(&old, 20, ""), changed_then_sent);
        assert_eq!(first.unwrap().len(), 1);
        cluster.let_pass(Duration::from_secs(10));
        let deadline = Instant::now() + PATIENCE;
        while client.receive(&old, 1, "").await.unwrap().is_empty() {
            assert!(Instant::now() < deadline, "the message does not come back");
        }
    });
}

#[test]
fn a_message_is_sent_with_the_new_delay() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let old = client.create("queue").await;
        let changes = AttributeChanges {
            delay_seconds: Some(900),
            ..AttributeChanges::default()
        };
        change(&client, &old, changes).await;
        client.send(&old, "", "by the queue").await.unwrap();
        let at_once = SendEntry {
            delay_seconds: Some(0),
            ..entry("", "by itself")
        };
        client.send_all(&old, vec![at_once]).await.unwrap();
        let described = client.0.describe_queue(&caller(), &old).await.unwrap();
        let counters = described.counters;
        assert_eq!((counters.delayed, counters.visible), (1, 1));
    });
}

#[test]
fn what_the_queue_does_not_take_any_more_is_refused_and_the_rest_is_sent() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let old = client.create("queue").await;
        let changes = AttributeChanges {
            maximum_message_bytes: Some(1_024),
            message_retention_seconds: Some(60),
            ..AttributeChanges::default()
        };
        change(&client, &old, changes).await;
        let long = entry("", &"x".repeat(1_025));
        let deliver_at = cluster.now().plus_ms(3_600_000);
        let late = SendEntry {
            deliver_at: Some(deliver_at),
            ..entry("", "late")
        };
        let entries = vec![long.clone(), entry("", "short"), late];
        let results = client.send_all(&old, entries).await.unwrap();
        let too_long = MessageError::TooLong { bytes_max: 1_024 };
        assert_eq!(results[0], Err(too_long.clone()));
        assert!(results[1].is_ok());
        let beyond = MessageError::DeliveryBeyondRetention {
            deliver_at,
            retention_seconds: 60,
        };
        assert_eq!(results[2], Err(beyond));
        let alone = client.send_all(&old, vec![long]).await.unwrap();
        assert_eq!(alone, [Err(too_long)]);
        assert_eq!(client.drain(&old, 1).await, ["short"]);
    });
}

#[test]
fn content_is_no_deduplication_id_any_more() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    let by_content = |allowed| AttributeChanges {
        content_based_deduplication: Some(allowed),
        ..AttributeChanges::default()
    };
    block_on(async {
        let old = client.create_with("queue.fifo", by_content(true)).await;
        change(&client, &old, by_content(false)).await;
        let made = SendEntry {
            deduplicates_by_content: true,
            ..entry("group", "made")
        };
        let entries = vec![made, entry("group", "given")];
        let results = client.send_all(&old, entries).await.unwrap();
        assert_eq!(results[0], Err(MessageError::NoDeduplicationId));
        assert!(results[1].is_ok());
        assert_eq!(client.drain(&old, 1).await, ["given"]);
    });
}
