//! Messages that are received too often come to another queue, each once, whoever dies meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use squorum_types::service::{
    MoveFailure, MoveStatus, MoveTask, QueueInfo, QueueService, ReceiveRequest, ReceivedMessage,
    StartMove,
};
use squorum_types::{AttributeChanges, RedrivePolicy};

use crate::cluster::{Client, Cluster, NODES, block_on, caller};

const MESSAGES: usize = 60;
const RECEIVES_MAX: u32 = 2;

fn towards(target: &QueueInfo) -> AttributeChanges {
    let policy = RedrivePolicy {
        text: "as it was given".to_owned(),
        target: target.arn(),
        receives_max: RECEIVES_MAX,
    };
    AttributeChanges {
        redrive_policy: Some(Some(policy)),
        visibility_timeout_seconds: Some(0),
        ..AttributeChanges::default()
    }
}

/// Receives, without deleting anything, until nothing is left to receive.
async fn exhaust(client: &Client, queue: &Arc<QueueInfo>) {
    let mut empty = 0;
    while empty < 10 {
        match client.receive(queue, 0, "").await {
            Ok(messages) if messages.is_empty() => empty += 1,
            Ok(_) => empty = 0,
            // Whoever led has just died.
            Err(_) => {}
        }
    }
}

/// Receives and deletes `count` messages.
async fn take_all(
    client: &Client,
    queue: &Arc<QueueInfo>,
    count: usize,
) -> BTreeMap<String, ReceivedMessage> {
    let mut taken = BTreeMap::new();
    while taken.len() < count {
        let request = ReceiveRequest {
            messages_max: 10,
            visibility_timeout_seconds: Some(30),
            wait_time_seconds: Some(1),
            attempt_id: String::new(),
        };
        let mut delivery = client.0.receive(&caller(), queue, request).await.unwrap();
        let messages = std::mem::take(&mut delivery.messages);
        delivery.confirm();
        if !messages.is_empty() {
            client.delete(queue, &messages).await.unwrap();
        }
        for message in messages {
            let body = String::from_utf8(message.body.to_vec()).unwrap();
            let again = taken.insert(body, message);
            assert!(again.is_none(), "twice: {again:?}");
        }
    }
    taken
}

async fn send_all(client: &Client, queue: &Arc<QueueInfo>) {
    let fifo = queue.attributes.is_fifo();
    for number in 0..MESSAGES {
        let group = if fifo {
            format!("g{}", number % 7)
        } else {
            String::new()
        };
        client
            .send(queue, &group, &number.to_string())
            .await
            .unwrap();
    }
}

#[test]
fn what_is_received_too_often_is_moved_once() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        for (dead, source) in [("dead", "source"), ("dead.fifo", "source.fifo")] {
            let dead = client.create(dead).await;
            let source = client.create_with(source, towards(&dead)).await;
            send_all(&client, &source).await;
            exhaust(&client, &source).await;
            let moved = take_all(&client, &dead, MESSAGES).await;
            for message in moved.values() {
                assert_eq!(message.receive_count, u64::from(RECEIVES_MAX) + 1);
                assert_eq!(message.dead_letter_source, source.arn().to_string());
            }
            assert!(client.receive(&dead, 1, "").await.unwrap().is_empty());
            assert!(client.receive(&source, 0, "").await.unwrap().is_empty());
        }
    });
    assert!(cluster.failures().is_empty());
}

#[test]
fn leaders_may_die_between_the_steps() {
    let mut cluster = Cluster::start();
    let client = Client(cluster.node(0));
    let (dead, source) = block_on(async {
        let dead = client.create("dead").await;
        let source = client.create_with("source", towards(&dead)).await;
        send_all(&client, &source).await;
        (dead, source)
    });
    for round in 0..3 {
        let victim = 1 + round % (NODES - 1);
        let (reader, queue) = (client.clone(), Arc::clone(&source));
        let reads = std::thread::spawn(move || block_on(exhaust(&reader, &queue)));
        std::thread::sleep(Duration::from_millis(20));
        cluster.kill(victim);
        reads.join().unwrap();
        cluster.restart(victim);
        cluster.wait_ready();
    }
    block_on(async {
        exhaust(&client, &source).await;
        let moved = take_all(&client, &dead, MESSAGES).await;
        assert_eq!(moved.len(), MESSAGES);
        assert!(client.receive(&dead, 1, "").await.unwrap().is_empty());
    });
    assert!(cluster.failures().is_empty());
}

/// Nothing is stuck and nothing is lost when the dead-letter queue goes and comes back.
#[test]
fn a_target_that_is_gone_gives_messages_back() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let dead = client.create("dead").await;
        let source = client.create_with("source", towards(&dead)).await;
        send_all(&client, &source).await;
        client.0.delete_queue(&caller(), &dead).await.unwrap();
        // The shards find out when the first messages come back.
        for _ in 0..30 {
            client.receive(&source, 0, "").await.unwrap();
        }
        let kept = take_all(&client, &source, MESSAGES).await;
        assert_eq!(kept.len(), MESSAGES);
    });
    assert!(cluster.failures().is_empty());
}

async fn first_task(client: &Client, queue: &Arc<QueueInfo>) -> MoveTask {
    let tasks = client.0.list_moves(&caller(), queue).await.unwrap();
    tasks.into_iter().next().unwrap()
}

async fn ended_task(client: &Client, queue: &Arc<QueueInfo>) -> MoveTask {
    loop {
        let task = first_task(client, queue).await;
        if !task.status.is_active() {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn start_move(client: &Client, queue: &Arc<QueueInfo>, rate: Option<u32>) -> MoveTask {
    let start = StartMove {
        destination: None,
        messages_per_second_max: rate,
    };
    client.0.start_move(&caller(), queue, start).await.unwrap()
}

/// A source and its dead-letter queue, which has all messages of the source.
async fn all_dead(client: &Client, kind: &str) -> (Arc<QueueInfo>, Arc<QueueInfo>) {
    let dead = client.create(&format!("dead{kind}")).await;
    let source = client
        .create_with(&format!("source{kind}"), towards(&dead))
        .await;
    send_all(client, &source).await;
    exhaust(client, &source).await;
    let described = loop {
        let described = client.0.describe_queue(&caller(), &dead).await.unwrap();
        if described.counters.visible as usize == MESSAGES {
            break described;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(described.counters.in_flight, 0);
    (dead, source)
}

#[test]
fn a_task_sends_each_message_back_once() {
    let mut cluster = Cluster::start();
    let client = Client(cluster.node(0));
    for kind in ["", ".fifo"] {
        let (dead, source) = block_on(async {
            let (dead, source) = all_dead(&client, kind).await;
            let started = start_move(&client, &dead, Some(100)).await;
            assert_eq!((started.to_move, started.moved), (MESSAGES as u64, 0));
            (dead, source)
        });
        std::thread::sleep(Duration::from_millis(200));
        // Leads some of the shards, perhaps meta as well.
        cluster.kill(1);
        block_on(async {
            let task = ended_task(&client, &dead).await;
            assert_eq!(task.status, MoveStatus::Completed);
            assert_eq!(task.moved, MESSAGES as u64);
            let back = take_all(&client, &source, MESSAGES).await;
            for message in back.values() {
                assert_eq!(
                    (message.receive_count, message.dead_letter_source.as_str()),
                    (1, "")
                );
            }
            assert!(client.receive(&dead, 0, "").await.unwrap().is_empty());
        });
        cluster.restart(1);
        cluster.wait_ready();
    }
    assert!(cluster.failures().is_empty());
}

#[test]
fn what_a_cancelled_task_has_moved_stays_moved() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let (dead, source) = all_dead(&client, "").await;
        // So few a second that the first are moved long before the last.
        let started = start_move(&client, &dead, Some(5)).await;
        while first_task(&client, &dead).await.moved == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client
            .0
            .cancel_move(&caller(), &dead, started.id)
            .await
            .unwrap();
        let task = ended_task(&client, &dead).await;
        assert_eq!(task.status, MoveStatus::Cancelled);
        let moved = task.moved as usize;
        assert!((1..MESSAGES).contains(&moved), "{moved} were moved");
        let back = take_all(&client, &source, moved).await;
        let left = take_all(&client, &dead, MESSAGES - moved).await;
        assert_eq!(
            back.keys().filter(|body| left.contains_key(*body)).count(),
            0
        );
    });
    assert!(cluster.failures().is_empty());
}

/// Messages that nobody's dead letters are, and a destination that goes meanwhile.
#[test]
fn a_task_that_cannot_go_on_says_why_and_loses_nothing() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let (dead, _source) = all_dead(&client, "").await;
        let destination = client.create("destination").await;
        let start = StartMove {
            destination: Some(destination.arn()),
            messages_per_second_max: Some(20),
        };
        client.0.start_move(&caller(), &dead, start).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        client
            .0
            .delete_queue(&caller(), &destination)
            .await
            .unwrap();
        let task = ended_task(&client, &dead).await;
        assert_eq!(task.status, MoveStatus::Failed(MoveFailure::NoSuchQueue));
        let gone = task.moved as usize;
        // One that was sent to the dead-letter queue came from nowhere.
        client.send(&dead, "", "direct").await.unwrap();
        start_move(&client, &dead, None).await;
        let task = ended_task(&client, &dead).await;
        assert_eq!(task.status, MoveStatus::Failed(MoveFailure::NoSource));
        let left = MESSAGES + 1 - gone - task.moved as usize;
        let kept = take_all(&client, &dead, left).await;
        assert!(kept.contains_key("direct"));
    });
    assert!(cluster.failures().is_empty());
}

/// Messages are their source's by its name: its id is another one now, and it names the dead-letter
/// queue again or, in the second round, does not.
#[test]
fn a_source_that_was_made_again_takes_its_messages_back() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        for kind in ["", ".fifo"] {
            let (dead, first) = all_dead(&client, kind).await;
            let other = client
                .create_with(&format!("other{kind}"), towards(&dead))
                .await;
            client.0.delete_queue(&caller(), &first).await.unwrap();
            cluster.let_pass(Duration::from_secs(61));
            let given = match kind {
                "" => towards(&dead),
                _ => AttributeChanges::default(),
            };
            let second = client.create_with(first.name.as_str(), given).await;
            assert_ne!(first.id, second.id);
            start_move(&client, &dead, None).await;
            let task = ended_task(&client, &dead).await;
            assert_eq!(task.status, MoveStatus::Completed);
            assert_eq!(task.moved, MESSAGES as u64);
            take_all(&client, &second, MESSAGES).await;
            assert!(client.receive(&dead, 0, "").await.unwrap().is_empty());
            assert!(client.receive(&other, 0, "").await.unwrap().is_empty());
        }
    });
    assert!(cluster.failures().is_empty());
}
