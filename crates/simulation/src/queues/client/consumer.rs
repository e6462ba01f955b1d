//! Receives messages; deletes most of them, gives some back early or keeps them longer, forgets
//! others, and now and then hangs up.

use std::time::Duration;

use squorum_types::service::{
    ChangeVisibilityEntry, MessageError, ReceiveRequest, ReceivedMessage,
};
use tokio::time::sleep;

use super::{Call, Client, PATIENCE, Seen};
use crate::history::{
    CallNumber, Change, ChangeOutcome, Changed, During, FoundNothing, QueueNumber, ReceiveUnknown,
    Received,
};
use crate::queues::body;
use crate::queues::plan::{arn_of, visibility_timeout_seconds};

/// How often a receive is made again under its attempt id.
const ATTEMPTS_MAX: u64 = 4;
const WAIT_SECONDS_MAX: u64 = 3;

pub(super) struct Consumer {
    client: Client,
    number: u64,
    next_call: u64,
}

/// A receive as it is about to be made.
struct Intent {
    queue: QueueNumber,
    request: ReceiveRequest,
    patience: Duration,
    is_torn: bool,
    call: CallNumber,
}

impl Consumer {
    pub(super) fn new(client: Client, number: u64) -> Consumer {
        Consumer {
            client,
            number,
            next_call: 0,
        }
    }

    pub(super) async fn run(mut self) {
        while !self.client.is_over() {
            let intent = self.intent();
            let attempts = match intent.request.attempt_id.is_empty() {
                true => 1,
                false => ATTEMPTS_MAX,
            };
            let mut taken = None;
            for _ in 0..attempts {
                taken = self.receive(&intent).await;
                if taken.is_some() {
                    break;
                }
            }
            for received in taken.unwrap_or_default() {
                self.treat(received).await;
            }
        }
    }

    fn intent(&mut self) -> Intent {
        let is_healed = self.client.is_healed();
        let queue = self.client.any_queue();
        self.next_call += 1;
        let call = CallNumber(self.next_call * 100 + self.number);
        let random = &mut self.client.random;
        let is_impatient = !is_healed && random.once_in(20);
        let visibility_timeout_seconds = match random.below(3) {
            0 => Some(visibility_timeout_seconds(random)),
            _ => None,
        };
        let patience = match is_impatient {
            true => Duration::from_millis(random.below(1_500)),
            false => PATIENCE,
        };
        let has_attempt_id = random.once_in(3);
        let request = ReceiveRequest {
            messages_max: match is_healed {
                true => 10,
                false => 1 + random.below(10) as usize,
            },
            visibility_timeout_seconds,
            wait_time_seconds: match is_healed {
                true => Some(random.below(2) as u32),
                false => Some(random.below(WAIT_SECONDS_MAX + 1) as u32),
            },
            attempt_id: String::new(),
        };
        let is_torn = !is_healed && random.once_in(30);
        let attempt_id = match has_attempt_id && !is_torn && self.client.is_fifo(queue) {
            true => format!("attempt {}", call.0),
            false => String::new(),
        };
        Intent {
            queue,
            request: ReceiveRequest {
                attempt_id,
                ..request
            },
            patience,
            is_torn,
            call,
        }
    }

    /// One receive. `None` if nobody knows what it took.
    async fn receive(&mut self, intent: &Intent) -> Option<Vec<Received>> {
        let queue = intent.queue;
        let name = self.client.queue_name(queue);
        let make = |answer| Call::Receive {
            queue: name,
            request: intent.request.clone(),
            is_torn: intent.is_torn,
            answer,
        };
        let (seen, during) = self.client.call(intent.patience, make).await;
        let (number, call) = (self.number, intent.call.0);
        let recorder = self.client.shared.recorder.clone();
        match seen {
            Seen::Done(messages) if messages.is_empty() => {
                self.client.note(format_args!(
                    "consumer {number}: call {call} to queue {queue} finds nothing"
                ));
                recorder.record(|history| {
                    history.found_nothing.push(FoundNothing { queue, during });
                });
                Some(Vec::new())
            }
            Seen::Done(messages) => Some(self.take(intent, during, messages)),
            Seen::Unknown => {
                self.client.note(format_args!(
                    "consumer {number}: call {call} to queue {queue} failed"
                ));
                recorder.record(|history| {
                    history
                        .unknown_receives
                        .push(ReceiveUnknown { queue, during });
                });
                None
            }
            Seen::Refused => None,
        }
    }

    /// Writes down what an answer has.
    fn take(
        &mut self,
        intent: &Intent,
        during: During,
        messages: Vec<ReceivedMessage>,
    ) -> Vec<Received> {
        let queue = intent.queue;
        let attributes = &self.client.shared.plan.queues[queue].attributes;
        let seconds = intent
            .request
            .visibility_timeout_seconds
            .unwrap_or(attributes.visibility_timeout_seconds);
        let is_fifo = self.client.is_fifo(queue);
        let mut received = Vec::new();
        for (place, message) in messages.into_iter().enumerate() {
            let Some(tag) = body::tag(&message.body) else {
                self.client
                    .fault("the body of a message was changed".to_owned());
                continue;
            };
            self.client.note(format_args!(
                "consumer {}: call {} to queue {queue} gives {} for {seconds} s, {}",
                self.number, intent.call.0, tag.0, message.receipt_handle
            ));
            if let Some(wrong) = self.wrong_source(queue, &message) {
                self.client.fault(wrong);
            }
            if !is_fifo && message.group_id != body::tenant(tag) {
                let fault = format!("{} has the tenant {:?}", tag.0, message.group_id);
                self.client.fault(fault);
            }
            received.push(Received {
                queue,
                origin: self.client.shared.plan.queues[queue]
                    .source
                    .unwrap_or(queue),
                tag,
                id: message.id,
                handle: message.receipt_handle,
                group: is_fifo.then_some(message.group_id),
                sequence: message.sequence_number,
                call: intent.call,
                place,
                during,
                visibility_timeout_ms: u64::from(seconds) * 1_000,
            });
        }
        let recorder = self.client.shared.recorder.clone();
        recorder.record(|history| history.receives.extend(received.iter().cloned()));
        received
    }

    /// A message bears the queue that it was moved from, and none if it was not.
    fn wrong_source(&self, queue: QueueNumber, message: &ReceivedMessage) -> Option<String> {
        let plan = &self.client.shared.plan;
        let expected = plan.queues[queue]
            .source
            .map_or_else(String::new, |source| {
                arn_of(&plan.queues[source].name).to_string()
            });
        let found = &message.dead_letter_source;
        (*found != expected).then(|| format!("a message of queue {queue} comes from {found:?}"))
    }

    /// Does something with a message.
    async fn treat(&mut self, received: Received) {
        if self.client.is_healed() {
            return self.delete(&received).await;
        }
        match self.client.random.below(20) {
            // Forgotten: it comes back.
            0 | 1 => {}
            // Worked at for too long.
            2 => {
                let late_ms = received.visibility_timeout_ms + self.client.random.below(500);
                sleep(Duration::from_millis(late_ms)).await;
                self.delete(&received).await;
            }
            3 | 4 => {
                let seconds = self.client.random.below(4) as u32;
                self.change_visibility(&received, seconds).await;
                if self.client.random.once_in(2) {
                    self.client.pause(200).await;
                    self.delete(&received).await;
                }
            }
            _ => {
                self.client.pause(60).await;
                self.delete(&received).await;
            }
        }
    }

    async fn delete(&mut self, received: &Received) {
        // On a FIFO queue nothing else of the group comes before it is gone: try until it is.
        for _ in 0..ATTEMPTS_MAX {
            let (queue, handle) = (
                self.client.queue_name(received.queue),
                received.handle.clone(),
            );
            let make = |answer| Call::Delete {
                queue,
                handle,
                answer,
            };
            let outcome = self.change(received, Change::Delete, make).await;
            if outcome != ChangeOutcome::Unknown || self.client.random.once_in(3) {
                return;
            }
        }
    }

    async fn change_visibility(&mut self, received: &Received, seconds: u32) {
        let entry = ChangeVisibilityEntry {
            handle: received.handle.clone(),
            visibility_timeout_seconds: seconds,
        };
        let queue = self.client.queue_name(received.queue);
        let make = |answer| Call::ChangeVisibility {
            queue,
            entry,
            answer,
        };
        let ms = u64::from(seconds) * 1_000;
        self.change(received, Change::VisibilityTimeout { ms }, make)
            .await;
    }

    async fn change(
        &mut self,
        received: &Received,
        change: Change,
        make: impl FnOnce(crate::queues::call::To<Vec<Result<(), MessageError>>>) -> Call,
    ) -> ChangeOutcome {
        let (seen, during) = self.client.call(PATIENCE, make).await;
        let outcome = match seen {
            Seen::Done(results) => self.outcome(&results),
            Seen::Unknown => ChangeOutcome::Unknown,
            Seen::Refused => ChangeOutcome::Refused,
        };
        self.client.note(format_args!(
            "consumer {}: {change:?} of {} of queue {}: {outcome:?}",
            self.number, received.tag.0, received.queue
        ));
        self.client.shared.recorder.record(|history| {
            history.changes.push(Changed {
                handle: received.handle.clone(),
                change,
                during,
                outcome,
            });
        });
        outcome
    }

    fn outcome(&self, results: &[Result<(), MessageError>]) -> ChangeOutcome {
        match results {
            [Ok(())] => ChangeOutcome::Done,
            [Err(MessageError::Unavailable)] => ChangeOutcome::Unknown,
            [
                Err(
                    MessageError::Throttled
                    | MessageError::ReceiptHandleExpired
                    | MessageError::MessageNotAvailable,
                ),
            ] => ChangeOutcome::Refused,
            other => {
                self.client
                    .fault(format!("a change was answered {other:?}"));
                ChangeOutcome::Unknown
            }
        }
    }
}
