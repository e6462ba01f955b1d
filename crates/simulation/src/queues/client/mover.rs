//! Sends the messages of a standard dead-letter queue back, now and then. (A FIFO message would have
//! another sequence number then.)

use super::{Call, Client, PATIENCE};
use crate::history::QueueNumber;

const PAUSE_MS_MAX: u64 = 3_000;

pub(super) struct Mover {
    client: Client,
}

impl Mover {
    pub(super) fn new(client: Client) -> Mover {
        Mover { client }
    }

    pub(super) async fn run(mut self) {
        let Some(queue) = self.dead_letters() else {
            return;
        };
        while !self.client.is_healed() {
            self.client.pause(PAUSE_MS_MAX).await;
            let name = self.client.queue_name(queue);
            let make = |answer| Call::StartMove {
                queue: name,
                answer,
            };
            let (seen, _) = self.client.call(PATIENCE, make).await;
            self.client.note(format_args!(
                "moving the messages of queue {queue}: {seen:?}"
            ));
        }
    }

    fn dead_letters(&self) -> Option<QueueNumber> {
        let mut queues = self.client.shared.plan.queues.iter();
        queues.position(|queue| queue.source.is_some() && !queue.attributes.is_fifo())
    }
}
