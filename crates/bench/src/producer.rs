use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::lane::Lane;
use crate::outcome::Outcome;
use crate::run::Shared;
use crate::send_request::SendRequest;
use crate::tag::Tag;

const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A run whose sends were not accepted for so long is over.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Sends until the lane is at its end or the run sends no more. What fails is sent again, unless it
/// was refused for good.
pub(crate) async fn produce(shared: Rc<Shared>, index: u64, mut lane: Lane) {
    let workload = &shared.workload;
    let (batch, size, is_fifo) = (workload.batch, workload.size, workload.is_fifo());
    let mut connection = Connection::new(shared.client.clone(), index);
    let mut request = SendRequest::new(&shared.queue.url, batch, size, is_fifo);
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
        while !tags.is_empty() {
            let (action, body) = request.with_tags(&tags);
            let answer = connection.call(action, body).await;
            let outcome = Outcome::of(answer, "send");
            if settle(&shared, outcome, due, &mut tags) {
                continue;
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

/// Whether everything was done; leaves in `tags` what has to be sent again.
fn settle(shared: &Shared, outcome: Outcome, due: Instant, tags: &mut Vec<Tag>) -> bool {
    let mut ledger = shared.ledger.borrow_mut();
    let reason = match outcome {
        Outcome::Done => {
            shared.last_accepted.set(Instant::now());
            shared.measurement.borrow_mut().send.record(due.elapsed());
            tags.drain(..).for_each(|tag| ledger.acknowledge(&tag));
            return true;
        }
        Outcome::Partial { failed, reason } => {
            let mut positions = 0..;
            tags.retain(|tag| {
                let position = positions.next();
                match failed
                    .iter()
                    .find(|failure| Some(failure.position) == position)
                {
                    None => {
                        ledger.acknowledge(tag);
                        false
                    }
                    Some(failure) if failure.is_final => {
                        shared.backlog.release(1);
                        false
                    }
                    Some(_) => true,
                }
            });
            reason
        }
        Outcome::Refused { is_final, reason } => {
            if is_final {
                shared.backlog.release(tags.len() as u64);
                tags.clear();
            }
            reason
        }
        Outcome::Unknown { reason } => {
            tags.iter().for_each(|tag| ledger.resend(tag));
            reason
        }
    };
    shared.errors.borrow_mut().add(reason);
    false
}
