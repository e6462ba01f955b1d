//! Any node shows what lies in a queue, and nothing changes by it.

use std::collections::BTreeSet;
use std::sync::Arc;

use squorum_types::service::{
    MessageState, PeekPosition, PeekedMessage, QueueCounters, QueueInfo, QueueService, SendEntry,
    ServiceError,
};
use squorum_types::{AccountId, Region};

use crate::cluster::{Client, Cluster, NODES, block_on, caller, entry};

/// Every message of a state, page by page.
async fn peek_all(
    client: &Client,
    queue: &Arc<QueueInfo>,
    state: MessageState,
    page_size: usize,
) -> Vec<PeekedMessage> {
    let mut found = Vec::new();
    let mut position = PeekPosition::default();
    loop {
        let page = client.0.peek(queue, state, position, page_size).await;
        let page = page.unwrap();
        assert!(page.messages.len() <= page_size);
        found.extend(page.messages);
        match page.next {
            Some(next) => position = next,
            None => return found,
        }
    }
}

fn bodies(messages: &[PeekedMessage]) -> Vec<String> {
    let bodies = messages.iter().map(|message| message.body.to_vec());
    bodies
        .map(|body| String::from_utf8(body).unwrap())
        .collect()
}

async fn counters(client: &Client, queue: &Arc<QueueInfo>) -> QueueCounters {
    let described = client.0.describe_queue(&caller(), queue).await;
    described.unwrap().counters
}

#[test]
fn every_node_shows_each_message_once_and_leaves_it_as_it_is() {
    let cluster = Cluster::start();
    let clients: Vec<_> = (0..NODES)
        .map(|index| Client(cluster.node(index)))
        .collect();
    block_on(async {
        let queue = clients[0].create("standard").await;
        // Each node's go to a partition that it leads.
        for number in 0..90 {
            let client = &clients[number % NODES];
            client.send(&queue, "", &number.to_string()).await.unwrap();
        }
        let due = cluster.now().plus_ms(3_600_000);
        let later = SendEntry {
            deliver_at: Some(due),
            ..entry("", "later")
        };
        clients[1].send_all(&queue, vec![later]).await.unwrap();
        let held = clients[2].receive(&queue, 1, "").await.unwrap();
        assert!(!held.is_empty());
        let before = counters(&clients[0], &queue).await;

        for (index, client) in clients.iter().enumerate() {
            let visible = peek_all(client, &queue, MessageState::Visible, 5 + index).await;
            let partitions: BTreeSet<_> =
                visible.iter().map(|one| one.position.partition).collect();
            assert!(partitions.len() > 1, "all messages lie in one partition");
            let distinct: BTreeSet<_> = bodies(&visible).into_iter().collect();
            assert_eq!(
                (visible.len(), distinct.len()),
                (90 - held.len(), 90 - held.len())
            );
            assert!(visible.iter().all(|one| one.receive_count == 0));
            assert!(visible.iter().all(|one| one.visible_at.is_none()));

            let in_flight = peek_all(client, &queue, MessageState::InFlight, 100).await;
            let ids = |ids: Vec<_>| ids.into_iter().collect::<BTreeSet<_>>();
            assert_eq!(
                ids(in_flight.iter().map(|one| one.id).collect()),
                ids(held.iter().map(|one| one.id).collect())
            );
            assert!(in_flight.iter().all(|one| one.receive_count == 1));
            assert!(in_flight.iter().all(|one| one.visible_at.is_some()));

            let delayed = peek_all(client, &queue, MessageState::Delayed, 1).await;
            assert_eq!(bodies(&delayed), ["later"]);
            assert_eq!(delayed[0].visible_at, Some(due));
        }
        assert_eq!(counters(&clients[0], &queue).await, before);
        // Who receives them is the first to do so.
        let received = clients[0].receive(&queue, 1, "").await.unwrap();
        assert!(received.iter().all(|message| message.receive_count == 1));
    });
    assert_eq!(cluster.failures(), Vec::<String>::new());
}

#[test]
fn order_in_a_group_is_that_of_its_sends_also_after_a_death() {
    let mut cluster = Cluster::start();
    let queue = block_on(Client(cluster.node(0)).create("ordered.fifo"));
    let expected: Vec<_> = (0..30).map(|number| format!("{number:02}")).collect();
    block_on(async {
        let client = Client(cluster.node(0));
        for body in &expected {
            client.send(&queue, "group", body).await.unwrap();
        }
    });
    for victim in 0..NODES {
        cluster.kill(victim);
        let survivor = Client(cluster.node((victim + 1) % NODES));
        let found = block_on(peek_all(&survivor, &queue, MessageState::Visible, 7));
        assert_eq!(bodies(&found), expected);
        assert!(found.is_sorted_by_key(|message| message.sequence_number));
        cluster.restart(victim);
        cluster.wait_ready();
    }
    let drained = block_on(Client(cluster.node(0)).drain(&queue, expected.len()));
    assert_eq!(drained, expected);
}

#[test]
fn a_purge_between_two_pages_leaves_nothing_to_show_but_what_came_after() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let queue = client.create("ordered.fifo").await;
        for number in 0..10 {
            client
                .send(&queue, "group", &number.to_string())
                .await
                .unwrap();
        }
        let (state, start) = (MessageState::Visible, PeekPosition::default());
        let page = client.0.peek(&queue, state, start, 4).await.unwrap();
        assert_eq!(bodies(&page.messages), ["0", "1", "2", "3"]);
        client.0.purge_queue(&caller(), &queue).await.unwrap();
        client.send(&queue, "group", "after").await.unwrap();
        let next = page.next.unwrap();
        let page = client.0.peek(&queue, state, next, 4).await.unwrap();
        assert_eq!(bodies(&page.messages), ["after"]);
        assert_eq!(page.next, None);
    });
}

#[test]
fn a_queue_that_is_gone_is_not_found_by_any_node() {
    let cluster = Cluster::start();
    block_on(async {
        let queue = Client(cluster.node(0)).create("standard").await;
        let find = |index: usize| {
            let (account, region) = (AccountId::default(), Region::default());
            let (node, name) = (cluster.node(index), queue.name.clone());
            async move { node.confirmed_queue(account, region, name).await }
        };
        assert_eq!(find(1).await.unwrap().id, queue.id);
        let node = cluster.node(2);
        node.delete_queue(&caller(), &queue).await.unwrap();
        assert!(matches!(
            find(1).await,
            Err(ServiceError::QueueDoesNotExist)
        ));
    });
}
