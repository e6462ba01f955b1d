use std::rc::Rc;
use std::time::{Duration, Instant};

use async_nats::{Client, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use serde_json::json;

use crate::error::Error;
use crate::run::Shared;
use crate::tag::Tag;

const RETRY_PAUSE: Duration = Duration::from_millis(20);
const WAIT: Duration = Duration::from_secs(1);
/// How much later than `WAIT` the end of a fetch may be told.
const WAIT_MARGIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Received {
    /// Where the message is acknowledged.
    reply: Subject,
    /// `None` for a message of another run or program.
    tag: Option<Tag>,
}

/// One connection that fetches and acknowledges.
#[derive(Debug)]
pub(crate) struct Consumer {
    shared: Rc<Shared>,
    client: Client,
    /// One subscription for all fetches: nothing is subscribed and unsubscribed in between.
    inbox: Subscriber,
    inbox_subject: Subject,
    pull_subject: Subject,
    pull: Bytes,
    /// Of the last fetch; those that are not acknowledged yet while that is tried again.
    messages: Vec<Received>,
}

impl Consumer {
    pub(crate) async fn new(shared: Rc<Shared>, client: Client) -> Result<Consumer, Error> {
        let inbox_subject = Subject::from(client.new_inbox());
        let inbox = client.subscribe(inbox_subject.clone()).await;
        // With both, the server answers with what is there, and waits only when nothing is: what
        // WaitTimeSeconds does in SQS.
        let pull = json!({
            "batch": shared.arguments.batch,
            "no_wait": true,
            "expires": WAIT.as_nanos() as u64,
        });
        Ok(Consumer {
            inbox: inbox.map_err(|error| Error::Api {
                subject: inbox_subject.to_string(),
                reason: error.to_string(),
            })?,
            inbox_subject,
            pull_subject: Subject::from(shared.stream.pull_subject.as_str()),
            pull: pull.to_string().into(),
            messages: Vec::new(),
            client,
            shared,
        })
    }

    /// Fetches and acknowledges until the run ends and the stream looks empty.
    pub(crate) async fn consume(mut self) {
        while !self.shared.consumers_overdue() {
            let fetched = self.fetch().await;
            let has_messages = !self.messages.is_empty();
            self.acknowledge_all().await;
            if !has_messages && self.shared.consumers_stopped() {
                return;
            }
            if let Err(reason) = fetched {
                self.shared.errors.borrow_mut().add(reason);
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    async fn fetch(&mut self) -> Result<(), String> {
        self.messages.clear();
        let called_at = Instant::now();
        let (subject, inbox) = (self.pull_subject.clone(), self.inbox_subject.clone());
        self.client
            .publish_with_reply(subject, inbox, self.pull.clone())
            .await
            .map_err(|error| format!("fetch: {error}"))?;
        let deadline = tokio::time::Instant::from_std(called_at + WAIT + WAIT_MARGIN);
        while (self.messages.len() as u64) < self.shared.arguments.batch {
            let message = tokio::time::timeout_at(deadline, self.inbox.next()).await;
            match message {
                Err(_) => return Err("fetch: no answer".to_owned()),
                Ok(None) => return Err("fetch: the subscription has ended".to_owned()),
                Ok(Some(Message {
                    status: Some(status),
                    description,
                    ..
                })) => {
                    let is_end = matches!(status, StatusCode::TIMEOUT | StatusCode::NOT_FOUND);
                    if !is_end {
                        return Err(format!("fetch: {status} {description:?}"));
                    }
                    break;
                }
                Ok(Some(message)) => self.account(message, called_at),
            }
        }
        if !self.messages.is_empty() {
            let mut measurement = self.shared.measurement.borrow_mut();
            measurement.receive.record(called_at.elapsed());
        }
        Ok(())
    }

    fn account(&mut self, message: Message, called_at: Instant) {
        let shared = &self.shared;
        let now = Instant::now();
        let mut ledger = shared.ledger.borrow_mut();
        let tag = ledger.receive(&message.payload, called_at, now);
        if let Some(tag) = tag {
            let due = shared.started + Duration::from_micros(tag.due_us);
            let elapsed = now.saturating_duration_since(due);
            shared.measurement.borrow_mut().end_to_end.record(elapsed);
        }
        shared.last_receive.set(now);
        if let Some(reply) = message.reply {
            self.messages.push(Received { reply, tag });
        }
    }

    /// Acknowledges all at once and awaits the server's answer to each.
    async fn acknowledge_all(&mut self) {
        let began = Instant::now();
        while !self.messages.is_empty() {
            let acknowledgements = self.messages.iter().map(|message| {
                self.client
                    .request(message.reply.clone(), Bytes::from_static(b"+ACK"))
            });
            let mut answers = join_all(acknowledgements).await.into_iter();
            let shared = &self.shared;
            self.messages.retain(|message| match answers.next() {
                Some(Ok(_)) => {
                    shared.ledger.borrow_mut().delete(message.tag);
                    shared.backlog.release(1);
                    false
                }
                Some(Err(error)) => {
                    let reason = format!("acknowledge: {error}");
                    shared.errors.borrow_mut().add(reason);
                    true
                }
                None => true,
            });
            if self.messages.is_empty() {
                shared
                    .measurement
                    .borrow_mut()
                    .delete
                    .record(began.elapsed());
                return;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
            if shared.consumers_overdue() {
                return;
            }
        }
    }
}
