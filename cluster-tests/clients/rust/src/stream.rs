//! Sends numbered messages and receives them, all at once, until standard input ends; then receives
//! what is left. Prints what it did, one JSON object a line. An error ends nothing: it is printed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::AnyError;

const CONSUMERS: usize = 2;
const BETWEEN_SENDS: Duration = Duration::from_millis(50);
const DRAIN_MAX: Duration = Duration::from_secs(90);

struct Stream {
    sqs: Client,
    url: String,
    sent: AtomicU64,
    received: Mutex<BTreeSet<u64>>,
    sending_is_over: AtomicBool,
}

pub(crate) async fn run(sqs: Client, name: &str) -> Result<(), AnyError> {
    let created = sqs.create_queue().queue_name(name).send().await?;
    let stream = Arc::new(Stream {
        url: created.queue_url.ok_or("no URL")?,
        sqs,
        sent: AtomicU64::new(0),
        received: Mutex::default(),
        sending_is_over: AtomicBool::new(false),
    });
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|_| tokio::spawn(Arc::clone(&stream).consume()))
        .collect();
    let producer = tokio::spawn(Arc::clone(&stream).produce());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    stream.sending_is_over.store(true, Ordering::Relaxed);
    producer.await?;
    for consumer in consumers {
        consumer.await?;
    }
    Ok(())
}

impl Stream {
    async fn produce(self: Arc<Self>) {
        while !self.sending_is_over.load(Ordering::Relaxed) {
            let number = self.sent.load(Ordering::Relaxed);
            let message = self.sqs.send_message().queue_url(&self.url);
            match message.message_body(number.to_string()).send().await {
                Ok(_) => {
                    self.sent.fetch_add(1, Ordering::Relaxed);
                    print(&json!({"sent": number}));
                }
                Err(error) => print(&json!({"error": format!("send: {error:?}")})),
            }
            tokio::time::sleep(BETWEEN_SENDS).await;
        }
    }

    async fn consume(self: Arc<Self>) {
        let mut over_since = None;
        loop {
            if self.sending_is_over.load(Ordering::Relaxed) {
                let since: &mut Instant = over_since.get_or_insert_with(Instant::now);
                let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
                let is_complete = received.len() as u64 >= self.sent.load(Ordering::Relaxed);
                if is_complete || since.elapsed() > DRAIN_MAX {
                    return;
                }
            }
            if let Err(error) = self.receive().await {
                print(&json!({"error": format!("receive or delete: {error:?}")}));
            }
        }
    }

    async fn receive(&self) -> Result<(), AnyError> {
        let poll = self.sqs.receive_message().queue_url(&self.url);
        let answer = poll
            .max_number_of_messages(10)
            .wait_time_seconds(5)
            .send()
            .await?;
        for message in answer.messages() {
            let number: u64 = message.body().unwrap_or_default().parse()?;
            let delete = self.sqs.delete_message().queue_url(&self.url);
            let handle = message.receipt_handle.clone();
            delete.set_receipt_handle(handle).send().await?;
            self.received
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(number);
            print(&json!({"received": number}));
        }
        Ok(())
    }
}

fn print(value: &Value) {
    println!("{value}");
}
