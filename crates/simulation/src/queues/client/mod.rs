//! Clients: they create the queues, then send, receive, delete and count, through any node.

mod consumer;
mod counter;
mod mover;
mod producer;

use std::sync::atomic::Ordering;
use std::time::Duration;

use squorum_store::Random;
use squorum_types::QueueName;
use squorum_types::service::ServiceError;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::consumer::Consumer;
use self::counter::Counter;
use self::mover::Mover;
use self::producer::Producer;
use super::Shared;
use super::call::{Call, To};
use crate::door::Answer;
use crate::history::{During, QueueNumber};
use crate::seams::elapsed_ms;
use crate::trace::event;
use crate::world::NODE_NAMES;

/// A node answers within its hold time; nobody has to wait longer.
const PATIENCE: Duration = Duration::from_secs(12);
const RETRY_PAUSE_MS: u64 = 100;

/// What became of a call, as its client sees it.
#[derive(Clone, Debug)]
enum Seen<T> {
    Done(T),
    /// It may have happened, or may yet.
    Unknown,
    /// It did not happen.
    Refused,
}

/// Runs until the run is over.
pub(super) async fn run(shared: Shared, seed: u64) -> turmoil::Result {
    let mut random = Random::new(seed);
    let mut base = |number| Client {
        shared: shared.clone(),
        random: Random::new(random.next_u64()),
        node: number as usize % NODE_NAMES.len(),
    };
    let mut creator = base(0);
    // Dead-letter queues come after those whose messages they get, and have to be there before.
    for queue in shared.plan.queues.iter().rev() {
        creator.create(queue).await;
    }
    shared.recorder.record(|history| {
        let sources = shared.plan.queues.iter().filter_map(|queue| queue.source);
        history.mortal = sources.collect();
    });
    shared.is_ready.store(true, Ordering::Relaxed);
    let (mut producers, mut others) = (JoinSet::new(), JoinSet::new());
    for number in 0..shared.plan.producers {
        producers.spawn(Producer::new(base(number), number).run());
    }
    for number in 0..shared.plan.consumers {
        others.spawn(Consumer::new(base(number), number).run());
    }
    others.spawn(Counter::new(base(1)).run());
    others.spawn(Mover::new(base(2)).run());
    while let Some(ended) = producers.join_next().await {
        ended?;
    }
    shared.is_sent.store(true, Ordering::Relaxed);
    while let Some(ended) = others.join_next().await {
        ended?;
    }
    Ok(())
}

/// What all kinds of clients have.
struct Client {
    shared: Shared,
    random: Random,
    /// Whom it talks to until a call fails.
    node: usize,
}

impl Client {
    fn queue_name(&self, queue: QueueNumber) -> QueueName {
        self.shared.plan.queues[queue].name.clone()
    }

    fn is_fifo(&self, queue: QueueNumber) -> bool {
        self.shared.plan.queues[queue].attributes.is_fifo()
    }

    fn any_queue(&mut self) -> QueueNumber {
        self.random.below(self.shared.plan.queues.len() as u64) as usize
    }

    /// A queue that messages are sent to.
    fn any_source(&mut self) -> QueueNumber {
        let sources = self.sources();
        sources[self.random.below(sources.len() as u64) as usize]
    }

    fn sources(&self) -> Vec<QueueNumber> {
        let queues = self.shared.plan.queues.iter().enumerate();
        let sources = queues.filter(|(_, queue)| queue.source.is_none());
        sources.map(|(number, _)| number).collect()
    }

    fn is_healed(&self) -> bool {
        self.shared.is_healed.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.shared.is_drained.load(Ordering::Relaxed)
    }

    async fn pause(&mut self, ms_max: u64) {
        let pause_ms = self.random.below(ms_max + 1);
        sleep(Duration::from_millis(pause_ms)).await;
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        event!(self.shared.trace, elapsed_ms(), "{what}");
    }

    /// Something that no client may ever see.
    fn fault(&self, what: String) {
        self.note(format_args!("{what}"));
        self.shared.recorder.record(|history| {
            let text = format!("at {} ms, {}: {what}", elapsed_ms(), NODE_NAMES[self.node]);
            history.faults.push(text);
        });
    }

    /// Makes a call to the client's node, and says when that was. After a failure the client waits
    /// a little and tries another one next.
    async fn call<T>(
        &mut self,
        patience: Duration,
        make: impl FnOnce(To<T>) -> Call,
    ) -> (Seen<T>, During) {
        let began_ms = elapsed_ms();
        let door = self.shared.doors[self.node].clone();
        let answer = door
            .call(patience, |to: oneshot::Sender<Result<T, ServiceError>>| {
                make(to)
            })
            .await;
        let during = During {
            began_ms,
            ended_ms: elapsed_ms(),
        };
        let seen = match answer {
            Answer::Answered(Ok(value)) => return (Seen::Done(value), during),
            Answer::Answered(Err(ServiceError::Unavailable { .. })) | Answer::Broken => {
                Seen::Unknown
            }
            Answer::Answered(Err(ServiceError::Throttled)) | Answer::Refused => Seen::Refused,
            Answer::Answered(Err(error)) => {
                self.fault(format!("a call that is right was refused: {error}"));
                Seen::Unknown
            }
            Answer::Silent => {
                if patience >= PATIENCE {
                    self.fault(format!("no answer within {} s", patience.as_secs()));
                }
                Seen::Unknown
            }
        };
        self.node = self.random.below(NODE_NAMES.len() as u64) as usize;
        self.pause(RETRY_PAUSE_MS).await;
        (seen, during)
    }

    async fn create(&mut self, queue: &super::plan::QueuePlan) {
        loop {
            let make = |answer| Call::Create {
                queue: queue.clone(),
                answer,
            };
            if let (Seen::Done(()), _) = self.call(PATIENCE, make).await {
                let name = queue.name.as_str();
                return self.note(format_args!("queue {name} is there"));
            }
        }
    }
}
