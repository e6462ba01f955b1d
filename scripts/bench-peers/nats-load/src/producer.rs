use std::rc::Rc;
use std::time::{Duration, Instant};

use async_nats::client::RequestError;
use async_nats::{Client, Message, Subject};
use bytes::{Bytes, BytesMut};
use futures::future::join_all;

use crate::lane::Lane;
use crate::run::Shared;
use crate::tag::{FILLER, Tag};

const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A run whose publishes were not accepted for so long is over.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Publishes a batch, awaits all of its acknowledgements, and begins again, until the run sends no
/// more. What fails is published again.
pub(crate) async fn produce(shared: Rc<Shared>, client: Client, mut lane: Lane) {
    let batch = shared.arguments.batch;
    let subject = Subject::from(shared.stream.subject.as_str());
    let filler = vec![FILLER; shared.arguments.size as usize];
    let mut tags = Vec::new();
    loop {
        let due = match &shared.pacer {
            None => None,
            Some(pacer) => match pacer.next().await {
                None => return,
                due => due,
            },
        };
        lane.next(batch, &mut tags);
        if tags.is_empty() || !shared.backlog.reserve(tags.len() as u64).await {
            return;
        }
        let due = due.unwrap_or_else(Instant::now);
        let due_us = due.saturating_duration_since(shared.started).as_micros() as u64;
        tags.iter_mut().for_each(|tag| tag.due_us = due_us);
        loop {
            let publishes = tags
                .iter()
                .map(|tag| client.request(subject.clone(), body(&filler, tag)));
            settle(&shared, join_all(publishes).await, &mut tags);
            if tags.is_empty() {
                shared.measurement.borrow_mut().send.record(due.elapsed());
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
            if shared.last_accepted.get().elapsed() > SILENCE_MAX {
                shared.end_producers();
            }
            if shared.producers_stopped() {
                shared.backlog.release(tags.len() as u64);
                return;
            }
        }
    }
}

fn body(filler: &[u8], tag: &Tag) -> Bytes {
    let mut body = BytesMut::from(filler);
    tag.write(&mut body);
    body.freeze()
}

/// Leaves in `tags` what has to be published again.
fn settle(shared: &Shared, answers: Vec<Result<Message, RequestError>>, tags: &mut Vec<Tag>) {
    let mut ledger = shared.ledger.borrow_mut();
    let mut answers = answers.into_iter();
    tags.retain(|tag| {
        let reason = match answers.next() {
            Some(Ok(message)) if is_accepted(&message.payload) => {
                ledger.acknowledge(tag);
                return false;
            }
            Some(Ok(message)) => String::from_utf8_lossy(&message.payload).into_owned(),
            Some(Err(error)) => {
                ledger.resend(tag);
                error.to_string()
            }
            None => "no answer".to_owned(),
        };
        shared.errors.borrow_mut().add(format!("publish: {reason}"));
        true
    });
    if tags.is_empty() {
        shared.last_accepted.set(Instant::now());
    }
}

/// An acknowledgement is `{"stream":…, "seq":…}`, a refusal `{"error":…}`.
fn is_accepted(payload: &[u8]) -> bool {
    payload.starts_with(b"{\"stream\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_no_acknowledgements() {
        assert!(is_accepted(br#"{"stream":"load-1", "seq":7}"#));
        assert!(!is_accepted(
            br#"{"error":{"code":503},"stream":"load-1","seq":0}"#
        ));
        assert!(!is_accepted(b""));
    }
}
