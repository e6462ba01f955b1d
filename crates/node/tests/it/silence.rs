//! A shard's clock moves with its entries; a time without any leaves nothing behind.

use std::time::Duration;

use crate::cluster::{Client, Cluster, block_on};

#[test]
fn what_is_sent_after_a_long_silence_is_new_and_its_consumers_own() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let queue = client.create("standard").await;
        client.send(&queue, "", "before").await.unwrap();
        assert_eq!(client.take(&queue).await, ["before"]);
        cluster.let_pass(Duration::from_secs(9 * 3_600));

        let sent_at = cluster.now();
        client.send(&queue, "", "after").await.unwrap();
        let held = client.receive(&queue, 1, "").await.unwrap();
        assert_eq!(held.len(), 1);
        let age_ms = held[0].sent_at.0.abs_diff(sent_at.0);
        assert!(age_ms < 5_000, "sent {age_ms} ms ago");

        // Were the clock still on its way, these entries would end the visibility timeout.
        client.send(&queue, "", "other").await.unwrap();
        assert_eq!(client.take(&queue).await, ["other"]);
        client.delete(&queue, &held).await.unwrap();
    });
}
