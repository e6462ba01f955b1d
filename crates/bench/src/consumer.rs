use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use crate::action::Action;
use crate::answer::Answer;
use crate::connection::Connection;
use crate::delete_request::DeleteRequest;
use crate::outcome::{Outcome, chain, refusal};
use crate::run::Shared;
use crate::scan::for_each_member;
use crate::tag::Tag;

const RETRY_PAUSE: Duration = Duration::from_millis(20);
const WAIT_SECONDS: u64 = 1;

#[derive(Debug)]
struct Received {
    /// As it stood in the answer, escapes included.
    handle: Bytes,
    /// `None` for a message of another run or program.
    tag: Option<Tag>,
}

/// One connection that receives and deletes.
#[derive(Debug)]
struct Consumer {
    shared: Rc<Shared>,
    connection: Connection,
    receive_body: String,
    delete_request: DeleteRequest,
    /// Of the last receive; those that are not deleted yet while their delete is tried again.
    messages: Vec<Received>,
}

/// Receives and deletes until the run ends and the queue looks empty. A delete that fails is tried
/// again.
pub(crate) async fn consume(shared: Rc<Shared>, index: u64) {
    let mut consumer = Consumer::new(shared.clone(), index);
    while !shared.consumers_overdue() {
        let is_received = consumer.receive().await;
        let has_messages = !consumer.messages.is_empty();
        consumer.delete_all().await;
        if !has_messages && shared.consumers_stopped() {
            return;
        }
        if !is_received {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

impl Consumer {
    fn new(shared: Rc<Shared>, index: u64) -> Consumer {
        let receive_body = json!({
            "QueueUrl": shared.queue.url,
            "MaxNumberOfMessages": shared.workload.batch,
            "WaitTimeSeconds": WAIT_SECONDS,
            "VisibilityTimeout": shared.workload.visibility_timeout.as_secs(),
        });
        Consumer {
            connection: Connection::new(shared.client.clone(), index),
            receive_body: receive_body.to_string(),
            delete_request: DeleteRequest::new(&shared.queue.url),
            messages: Vec::new(),
            shared,
        }
    }

    /// Whether the call was answered with 200.
    async fn receive(&mut self) -> bool {
        self.messages.clear();
        let called_at = Instant::now();
        let call = self
            .connection
            .call(Action::ReceiveMessage, self.receive_body.as_bytes());
        let reason = match call.await {
            Ok(answer) if answer.status == 200 => {
                self.account(&answer, called_at);
                return true;
            }
            Ok(answer) => refusal("receive", &answer),
            Err(error) => format!("receive: {}", chain(&error)),
        };
        self.shared.errors.borrow_mut().add(reason);
        false
    }

    fn account(&mut self, answer: &Answer, called_at: Instant) {
        let (shared, messages) = (&self.shared, &mut self.messages);
        let now = Instant::now();
        let mut ledger = shared.ledger.borrow_mut();
        let mut measurement = shared.measurement.borrow_mut();
        let mut tags = Vec::with_capacity(shared.workload.batch as usize);
        for_each_member(&answer.body, |key, value| match (key, value) {
            (b"ReceiptHandle", Some(handle)) => messages.push(Received {
                handle: answer.body.slice_ref(handle),
                tag: None,
            }),
            (b"Body", Some(body)) => tags.push(ledger.receive(body, called_at, now)),
            _ => (),
        });
        // The n-th handle and the n-th body are the n-th message's, whatever the order of members.
        for (message, tag) in messages.iter_mut().zip(tags) {
            message.tag = tag;
            if let Some(tag) = tag.filter(|_| !shared.workload.drains_what_others_sent()) {
                let due = shared.started + Duration::from_micros(tag.due_us);
                let elapsed = now.saturating_duration_since(due);
                measurement.end_to_end.record(elapsed);
            }
        }
        if !messages.is_empty() {
            shared.last_receive.set(now);
            measurement.receive.record(now - called_at);
        }
    }

    async fn delete_all(&mut self) {
        let began = Instant::now();
        while !self.messages.is_empty() {
            let handles = self.messages.iter().map(|message| &message.handle);
            let (action, body) = self.delete_request.with_handles(handles);
            let answer = self.connection.call(action, body).await;
            if self.settle(Outcome::of(answer, "delete"), began) {
                continue;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
            if self.shared.consumers_overdue() {
                return;
            }
        }
    }

    /// Whether everything was done; leaves in `messages` what has to be deleted again.
    fn settle(&mut self, outcome: Outcome, began: Instant) -> bool {
        let (shared, messages) = (&self.shared, &mut self.messages);
        let done = |message: &Received| {
            shared.ledger.borrow_mut().delete(message.tag);
            shared.last_delete.set(Instant::now());
            shared.backlog.release(1);
        };
        let reason = match outcome {
            Outcome::Done => {
                let mut measurement = shared.measurement.borrow_mut();
                measurement.delete.record(began.elapsed());
                messages.drain(..).for_each(|message| done(&message));
                return true;
            }
            Outcome::Partial { failed, reason } => {
                let mut positions = 0..;
                messages.retain(|message| {
                    let position = positions.next();
                    match failed
                        .iter()
                        .find(|failure| Some(failure.position) == position)
                    {
                        None => {
                            done(message);
                            false
                        }
                        // A handle that is refused for good: the message comes again with another.
                        Some(failure) => !failure.is_final,
                    }
                });
                reason
            }
            Outcome::Refused { is_final, reason } => {
                if is_final {
                    messages.clear();
                }
                reason
            }
            Outcome::Unknown { reason } => reason,
        };
        shared.errors.borrow_mut().add(reason);
        false
    }
}
