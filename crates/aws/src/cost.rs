//! What the front end costs per message, without sockets and without a queue behind it:
//! `cargo test --release -p squorum-aws cost -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use squorum_types::service::{
    ChangeVisibilityEntry, CreateQueue, Delivery, ListQueues, MessageError, MoveTask, Page,
    QueueDescription, QueueInfo, QueueList, QueueService, ReceiveRequest, ReceivedMessage,
    SendEntry, SentMessage, ServiceError, StartMove,
};
use squorum_types::{
    AccountId, AttributeChanges, Caller, Entropy, MessageId, Permission, QueueAttributes, QueueId,
    QueueName, QueueTags, Region, Timestamp,
};

use crate::front_end::{FrontEnd, Peers};
use crate::request_figures::RequestFigures;

/// Answers at once. What is not measured is refused.
struct Instantly {
    queue: Arc<QueueInfo>,
    message: ReceivedMessage,
}

const NOTHING: ServiceError = ServiceError::Throttled;

impl QueueService for Instantly {
    async fn create_queue(
        &self,
        _: &Caller,
        _: CreateQueue,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        Err(NOTHING)
    }

    async fn find_queue(
        &self,
        _: &Caller,
        _: &AccountId,
        _: &QueueName,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        Ok(self.queue.clone())
    }

    async fn list_queues(&self, _: &Caller, _: ListQueues) -> Result<QueueList, ServiceError> {
        Err(NOTHING)
    }

    async fn list_dead_letter_sources(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: Page,
    ) -> Result<QueueList, ServiceError> {
        Err(NOTHING)
    }

    async fn start_move(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: StartMove,
    ) -> Result<MoveTask, ServiceError> {
        Err(NOTHING)
    }

    async fn list_moves(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
    ) -> Result<Vec<MoveTask>, ServiceError> {
        Err(NOTHING)
    }

    async fn cancel_move(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: [u8; 16],
    ) -> Result<MoveTask, ServiceError> {
        Err(NOTHING)
    }

    async fn delete_queue(&self, _: &Caller, _: &Arc<QueueInfo>) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn describe_queue(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
    ) -> Result<QueueDescription, ServiceError> {
        Err(NOTHING)
    }

    async fn set_queue_attributes(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: AttributeChanges,
    ) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn tag_queue(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: QueueTags,
    ) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn untag_queue(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: Vec<String>,
    ) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn list_queue_tags(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
    ) -> Result<QueueTags, ServiceError> {
        Err(NOTHING)
    }

    async fn add_permission(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: Permission,
    ) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn remove_permission(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: String,
    ) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn purge_queue(&self, _: &Caller, _: &Arc<QueueInfo>) -> Result<(), ServiceError> {
        Err(NOTHING)
    }

    async fn send(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> Result<Vec<Result<SentMessage, MessageError>>, ServiceError> {
        let sent = |_| {
            Ok(SentMessage {
                id: self.message.id,
                sequence_number: None,
            })
        };
        Ok(black_box(entries).iter().map(sent).collect())
    }

    async fn receive(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        request: ReceiveRequest,
    ) -> Result<Delivery, ServiceError> {
        let messages = vec![self.message.clone(); request.messages_max];
        Ok(Delivery::new(messages, Box::new(|| {})))
    }

    async fn delete(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        handles: Vec<String>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        Ok(handles.iter().map(|_| Ok(())).collect())
    }

    async fn change_visibility(
        &self,
        _: &Caller,
        _: &Arc<QueueInfo>,
        _: Vec<ChangeVisibilityEntry>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        Err(NOTHING)
    }
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes[..8].copy_from_slice(&number);
    }
}

fn service() -> Instantly {
    let queue = QueueInfo {
        id: QueueId(1),
        account: AccountId::default(),
        region: Region::default(),
        name: QueueName::parse("orders").unwrap(),
        version: 1,
        attributes: QueueAttributes::standard(),
        deduplicates_by_group: false,
        partition_count: 1,
        created_at: Timestamp(0),
        modified_at: Timestamp(0),
    };
    let message = ReceivedMessage {
        id: MessageId::from_random([7; 16]),
        receipt_handle: "x".repeat(52),
        body: Bytes::from("x".repeat(1024)),
        body_md5: [7; 16],
        attributes: Bytes::new(),
        sender_id: String::new(),
        sent_at: Timestamp(0),
        first_received_at: Timestamp(0),
        receive_count: 1,
        sequence_number: None,
        group_id: String::new(),
        deduplication_id: String::new(),
        trace_header: String::new(),
        dead_letter_source: String::new(),
    };
    Instantly {
        queue: Arc::new(queue),
        message,
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn per_message() {
    let front_end = FrontEnd::new(Arc::new(service()), Arc::new(Counting::default()), None);
    let url = "http://localhost:9324/000000000000/orders";
    let text = "x".repeat(1024);
    let entry = |id: usize| format!(r#"{{"Id":"{id}","MessageBody":"{text}"}}"#);
    let entries: Vec<_> = (0..10).map(entry).collect();
    let deletes = |id: usize| format!(r#"{{"Id":"{id}","ReceiptHandle":"{}"}}"#, "x".repeat(52));
    let deletes: Vec<_> = (0..10).map(deletes).collect();
    for (action, messages, body) in [
        (
            "SendMessage",
            1,
            format!(r#"{{"QueueUrl":"{url}","MessageBody":"{text}"}}"#),
        ),
        (
            "SendMessageBatch",
            10,
            format!(
                r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
                entries.join(",")
            ),
        ),
        ("ReceiveMessage", 1, format!(r#"{{"QueueUrl":"{url}"}}"#)),
        (
            "ReceiveMessage",
            10,
            format!(r#"{{"QueueUrl":"{url}","MaxNumberOfMessages":10}}"#),
        ),
        (
            "DeleteMessageBatch",
            10,
            format!(
                r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
                deletes.join(",")
            ),
        ),
    ] {
        let (head, ()) = http::Request::post("/")
            .header("Host", "localhost:9324")
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", format!("AmazonSQS.{action}"))
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/sqs/aws4_request, \
                 SignedHeaders=host, Signature=00",
            )
            .body(())
            .unwrap()
            .into_parts();
        let body = Bytes::from(body);
        let localhost = IpAddr::from([127, 0, 0, 1]);
        let peers = Peers {
            client: (localhost, 50_000).into(),
            local: (localhost, 9324).into(),
        };
        let figures = Arc::new(RequestFigures::new());
        let mut best = f64::MAX;
        for _ in 0..15 {
            let requests = 5_000;
            let start = Instant::now();
            for _ in 0..requests {
                let id = front_end.request_id();
                let mut open = figures.begin(None);
                let answer = front_end.answer(&head, &body, peers, &id, &mut open).await;
                assert_eq!(black_box(answer).status, 200);
            }
            let elapsed_us = start.elapsed().as_secs_f64() * 1e6;
            best = best.min(elapsed_us / f64::from(requests * messages));
        }
        println!("{action} of {messages}: {best:.2} us per message");
    }
    let start = Instant::now();
    for _ in 0..100_000 {
        black_box(crate::message_attributes::digest_body(black_box(
            text.as_bytes(),
        )));
    }
    println!(
        "MD5 of 1 KiB alone: {:.2} us",
        start.elapsed().as_secs_f64() * 10.0
    );
}
