//! Connections: slow, half-open and greedy ones, and what becomes of a delivery.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::json;
use squorum_aws::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::client::{Client, PATIENCE, QUEUE, Running, eventually, head};

const MEBIBYTE: usize = 1_048_576;

/// Deadlines short enough for tests. Those that a test does not mean are long.
fn impatient(change: impl FnOnce(&mut Options)) -> Options {
    let long = Duration::from_secs(600);
    let mut options = Options {
        idle_timeout: long,
        head_timeout: long,
        body_timeout: long,
        write_timeout: long,
        shutdown_grace: long,
        ..Options::default()
    };
    change(&mut options);
    options
}

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let running = Running::start_with(impatient(|options| options.head_timeout = SHORT)).await;
    let mut quick = running.client_with_queues().await;
    let mut slow = running.client().await;
    slow.stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ")
        .await
        .unwrap();
    assert!(slow.is_ended().await);
    // Drop by drop is no better.
    let mut drops = running.client().await;
    let dripping = async {
        while drops.stream.write_all(b"P").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.unwrap();
    // The deadline is the head's: who is silent between requests stays.
    assert_eq!(quick.call("ListQueues", "{}").await.status, 200);
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(quick.call("ListQueues", "{}").await.status, 200);
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let running = Running::start_with(impatient(|options| options.idle_timeout = SHORT)).await;
    let mut fresh = running.client().await;
    assert!(fresh.is_ended().await);
    let mut used = running.client_with_queues().await;
    assert!(used.is_ended().await);
    // A parked receive is not silence.
    let mut parked = running.client().await;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 1}).to_string();
    assert_eq!(parked.call("ReceiveMessage", body).await.text(), "{}");
    eventually("connections are gone", || {
        running.handle.connection_count() <= 1
    })
    .await;
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let running = Running::start_with(impatient(|options| {
        options.head_timeout = SHORT;
        options.body_timeout = SHORT;
        options.body_bytes_per_second_min = u64::MAX;
    }))
    .await;
    let mut client = running.client().await;
    client
        .stream
        .write_all(head("ListQueues", "", 100).as_bytes())
        .await
        .unwrap();
    client.stream.write_all(b"{").await.unwrap();
    let reply = client.reply().await.unwrap();
    // Not the client's fault for certain: this process may have been stopped meanwhile.
    assert_eq!(reply.status, 503);
    assert_eq!(
        reply.header("x-amzn-query-error"),
        Some("ServiceUnavailable;Receiver")
    );
    assert!(client.is_ended().await);
}

/// Memory for bodies is bounded: while one client holds all of it and sends nothing, others get a
/// refusal that they retry, and then the memory is free again.
#[tokio::test]
async fn bodies_wait_for_their_share_of_memory() {
    let running = Running::start_with(impatient(|options| {
        options.request_bytes_max = 0;
        options.head_timeout = SHORT;
        options.body_timeout = Duration::from_secs(8);
        options.body_bytes_per_second_min = u64::MAX;
    }))
    .await;
    let mut client = running.client_with_queues().await;
    let mut greedy = running.client().await;
    greedy
        .stream
        .write_all(head("ListQueues", "", 7 * MEBIBYTE).as_bytes())
        .await
        .unwrap();
    let until = tokio::time::Instant::now() + PATIENCE;
    let refused = loop {
        let reply = client.call("ListQueues", "{}").await;
        if reply.status != 200 {
            break reply;
        }
        assert!(tokio::time::Instant::now() < until, "never refused");
    };
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.header("x-amzn-query-error"),
        Some("ServiceUnavailable;Receiver")
    );
    assert_eq!(greedy.reply().await.unwrap().status, 503);
    assert!(greedy.is_ended().await);
    assert_eq!(client.call("ListQueues", "{}").await.status, 200);
}

/// Nobody knows the length of a body that comes in chunks before its end. From then on it holds no
/// more memory than it needs, however long its call waits.
#[tokio::test]
async fn long_polls_that_come_in_chunks_leave_room_for_others() {
    // Room for one body of unknown length at a time.
    let bytes_max = 8 * MEBIBYTE;
    let options = impatient(|options| options.request_bytes_max = bytes_max);
    let running = Running::start_with(options).await;
    let mut client = running.client_with_queues().await;
    let poll = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 20}).to_string();
    let (first, second) = poll.split_at(10);
    let chunks = [first, second, ""].map(|part| format!("{:x}\r\n{part}\r\n", part.len()));
    let request = [
        head("ReceiveMessage", "", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked"),
        chunks.concat(),
    ];
    let mut parked = Vec::new();
    for count in 1..=40 {
        let mut poll = running.client().await;
        let request = request.concat();
        poll.stream.write_all(request.as_bytes()).await.unwrap();
        eventually("poll is parked", || {
            running.fake.counts.parked.load(SeqCst) == count
        })
        .await;
        parked.push(poll);
    }
    let body = json!({"QueueUrl": QUEUE, "MessageBody": "x".repeat(MEBIBYTE - 1)}).to_string();
    let sent = client.call("SendMessage", body).await;
    assert_eq!(sent.status, 200);
    drop(parked);
}

#[tokio::test]
async fn an_oversized_body_gets_awss_error_and_the_connection_goes_on() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let body = "x".repeat(8 * MEBIBYTE);
    let reply = client.call("SendMessage", &body).await;
    let message =
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
    assert_eq!(
        (reply.status, &reply.json()["message"]),
        (400, &message.into())
    );
    let reply = client.call("SendMessageBatch", &body).await;
    let message =
        "Batch requests cannot be longer than 1048576 bytes. You have sent 8388608 bytes.";
    assert_eq!(
        (reply.status, &reply.json()["message"]),
        (400, &message.into())
    );
    assert_eq!(client.call("ListQueues", &body).await.status, 413);
    // The same in chunks, where nobody knows before.
    let mut request = head("SendMessage", "Transfer-Encoding: chunked\r\n", 0)
        .replace("Content-Length: 0\r\n", "")
        .into_bytes();
    request.extend(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).bytes());
    assert_eq!(client.raw(&request).await.status, 400);
    assert_eq!(client.call("ListQueues", "{}").await.status, 200);
    // The longest message there is, every character escaped, is no such body.
    let escaped = "\\u0041".repeat(MEBIBYTE);
    let body = format!("{{\"QueueUrl\":\"{QUEUE}\",\"MessageBody\":\"{escaped}\"}}");
    assert_eq!(client.call("SendMessage", body).await.status, 200);
    assert_eq!(running.fake.state().sent[0].body.len(), MEBIBYTE);
}

#[tokio::test]
async fn bodies_come_in_chunks_and_requests_in_a_row() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let body = json!({"QueueUrl": QUEUE, "MessageBody": "chunked"}).to_string();
    let (start, end) = body.split_at(20);
    let request = head("SendMessage", "Transfer-Encoding: chunked\r\n", 0)
        .replace("Content-Length: 0\r\n", "");
    let chunks = format!("14\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", end.len());
    assert_eq!(
        client
            .raw(format!("{request}{chunks}").as_bytes())
            .await
            .status,
        200
    );
    let one = format!("{}{{}}", head("ListQueues", "", 2));
    client
        .stream
        .write_all(one.repeat(50).as_bytes())
        .await
        .unwrap();
    for _ in 0..50 {
        assert_eq!(client.reply().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_during_a_long_poll_takes_nothing() {
    let running = Running::start().await;
    let mut sender = running.client_with_queues().await;
    let counts = &running.fake.counts;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 20}).to_string();
    let request = [head("ReceiveMessage", "", body.len()), body.clone()].concat();
    // One closes its socket, one only its sending half, one resets.
    for (number, way) in ["close", "half", "reset"].into_iter().enumerate() {
        let mut client = running.client().await;
        client.stream.write_all(request.as_bytes()).await.unwrap();
        eventually("receive is parked", || counts.parked.load(SeqCst) == 1).await;
        match way {
            "close" => drop(client),
            "half" => client.stream.shutdown().await.unwrap(),
            _ => {
                client.stream.set_zero_linger().unwrap();
                drop(client);
            }
        }
        eventually("receive is dropped", || {
            counts.dropped.load(SeqCst) == number + 1
        })
        .await;
        assert_eq!(counts.parked.load(SeqCst), 0);
    }
    let send = json!({"QueueUrl": QUEUE, "MessageBody": "x"}).to_string();
    assert_eq!(sender.call("SendMessage", send).await.status, 200);
    let received = sender.call("ReceiveMessage", &body).await.json();
    assert_eq!(received["Messages"][0]["Attributes"], json!(null));
    assert_eq!(received["Messages"][0]["Body"], "x");
    eventually("delivery is confirmed", || {
        counts.confirmed.load(SeqCst) == 1
    })
    .await;
    assert_eq!(counts.undone.load(SeqCst), 0);
}

/// Puts ten messages of most of a mebibyte into the queue: far more than socket buffers hold.
async fn fill(client: &mut Client) {
    for _ in 0..10 {
        let body = json!({"QueueUrl": QUEUE, "MessageBody": "x".repeat(1_000_000)}).to_string();
        assert_eq!(client.call("SendMessage", body).await.status, 200);
    }
}

/// A client with a small window that has asked for ten messages and reads nothing.
async fn reluctant(running: &Running) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket
        .connect(running.handle.local_address())
        .await
        .unwrap();
    let body = json!({"QueueUrl": QUEUE, "MaxNumberOfMessages": 10}).to_string();
    let request = [head("ReceiveMessage", "", body.len()), body].concat();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_delivery_is_confirmed_only_when_the_whole_answer_is_out() {
    let running = Running::start().await;
    let mut sender = running.client_with_queues().await;
    let counts = &running.fake.counts;
    fill(&mut sender).await;
    // Some of the answer, and gone.
    let mut stream = reluctant(&running).await;
    let mut some = vec![0; 100_000];
    stream.read_exact(&mut some).await.unwrap();
    assert_eq!(
        (counts.confirmed.load(SeqCst), counts.undone.load(SeqCst)),
        (0, 0)
    );
    drop(stream);
    eventually("delivery is undone", || counts.undone.load(SeqCst) == 1).await;
    assert_eq!(counts.confirmed.load(SeqCst), 0);
    // All of it, however slowly.
    fill(&mut sender).await;
    let mut stream = reluctant(&running).await;
    let mut read = 0;
    while read < 9_000_000 {
        read += stream.read(&mut some).await.unwrap();
    }
    eventually("rest is out", || counts.confirmed.load(SeqCst) == 1).await;
    assert_eq!(counts.undone.load(SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let running = Running::start_with(impatient(|options| options.write_timeout = SHORT)).await;
    let mut sender = running.client_with_queues().await;
    fill(&mut sender).await;
    let stream = reluctant(&running).await;
    eventually("delivery is undone", || {
        running.fake.counts.undone.load(SeqCst) == 1
    })
    .await;
    drop(stream);
}

#[tokio::test]
async fn answers_have_their_share_of_memory() {
    let running = Running::start_with(impatient(|options| {
        options.answer_bytes_max = 15_000_000;
    }))
    .await;
    let mut sender = running.client_with_queues().await;
    fill(&mut sender).await;
    fill(&mut sender).await;
    let first = reluctant(&running).await;
    eventually("first has its messages", || {
        running.fake.state().received.is_some()
    })
    .await;
    running.fake.state().received = None;
    let second = reluctant(&running).await;
    let mut status = [0; 12];
    let mut second = second;
    second.read_exact(&mut status).await.unwrap();
    let mut other = first;
    // Either may have come first; one of them was refused, and its delivery undone.
    if &status != b"HTTP/1.1 400" {
        other.read_exact(&mut status).await.unwrap();
    }
    assert_eq!(&status, b"HTTP/1.1 400");
    eventually("delivery is undone", || {
        running.fake.counts.undone.load(SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn connections_are_bounded_and_come_in_turn() {
    let running = Running::start_with(impatient(|options| options.connections_max = 2)).await;
    let first = running.client_with_queues().await;
    let mut second = running.client().await;
    assert_eq!(second.call("ListQueues", "{}").await.status, 200);
    let mut third = running.client().await;
    third
        .stream
        .write_all(format!("{}{{}}", head("ListQueues", "", 2)).as_bytes())
        .await
        .unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), third.stream.readable()).await;
    assert!(waiting.is_err(), "there is no room for a third");
    drop(first);
    assert_eq!(third.reply().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_shutdown_lets_requests_end() {
    let mut running = Running::start_with(impatient(|_| {})).await;
    let mut idle = running.client_with_queues().await;
    let mut parked = running.client().await;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 2}).to_string();
    let request = [head("ReceiveMessage", "", body.len()), body].concat();
    parked.stream.write_all(request.as_bytes()).await.unwrap();
    eventually("receive is parked", || {
        running.fake.counts.parked.load(SeqCst) == 1
    })
    .await;
    running.shutdown.take().unwrap().send(()).unwrap();
    assert!(idle.is_ended().await);
    assert_eq!(parked.reply().await.unwrap().text(), "{}");
    tokio::time::timeout(PATIENCE, running.task)
        .await
        .unwrap()
        .unwrap();
    assert!(
        tokio::net::TcpStream::connect(running.handle.local_address())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let mut running =
        Running::start_with(impatient(|options| options.shutdown_grace = SHORT)).await;
    let mut parked = running.client_with_queues().await;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 20}).to_string();
    let request = [head("ReceiveMessage", "", body.len()), body].concat();
    parked.stream.write_all(request.as_bytes()).await.unwrap();
    eventually("receive is parked", || {
        running.fake.counts.parked.load(SeqCst) == 1
    })
    .await;
    running.shutdown.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), running.task)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(running.fake.counts.dropped.load(SeqCst), 1);
    assert!(parked.reply().await.is_none());
}
