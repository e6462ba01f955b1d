//! Asks for the queues' counters now and then.

use std::time::Duration;

use tokio::time::sleep;

use super::{Call, Client, PATIENCE, Seen};
use crate::history::Counted;
use crate::world::NODE_NAMES;

const INTERVAL: Duration = Duration::from_millis(150);

pub(super) struct Counter {
    client: Client,
}

impl Counter {
    pub(super) fn new(client: Client) -> Counter {
        Counter { client }
    }

    pub(super) async fn run(mut self) {
        while !self.client.is_over() {
            sleep(INTERVAL).await;
            // Every node has to tell the truth, the one that is cut off too.
            self.client.node = self.client.random.below(NODE_NAMES.len() as u64) as usize;
            let queue = self.client.any_source();
            let name = self.client.queue_name(queue);
            let make = |answer| Call::Count {
                queue: name,
                answer,
            };
            if let (Seen::Done(messages), during) = self.client.call(PATIENCE, make).await {
                self.client
                    .note(format_args!("queue {queue} has {messages} messages"));
                self.client.shared.recorder.record(|history| {
                    history.counts.push(Counted {
                        queue,
                        messages,
                        during,
                    });
                });
            }
        }
    }
}
