//! Sends messages. On a FIFO queue a send of unknown outcome is made again under its deduplication
//! id, and now and then one that was acknowledged, too.

use squorum_types::service::{MessageError, SendEntry};

use super::{Call, Client, PATIENCE, Seen};
use crate::history::{QueueNumber, SendOutcome, Sent, Tag};
use crate::queues::body;
use crate::world::NODE_NAMES;

const BATCH_MAX: u64 = 4;
const GROUPS: u64 = 4;

pub(super) struct Producer {
    client: Client,
    number: u64,
    next: u64,
}

/// A message to send.
#[derive(Clone, Debug)]
struct Letter {
    tag: Tag,
    /// Of a FIFO queue's message; that of others is the tenant that the tag says.
    group: Option<String>,
}

impl Producer {
    pub(super) fn new(client: Client, number: u64) -> Producer {
        Producer {
            client,
            number,
            next: 0,
        }
    }

    pub(super) async fn run(mut self) {
        while !self.client.is_healed() {
            let pause_ms = self.client.shared.plan.send_pause_ms_max;
            self.client.pause(pause_ms).await;
            let queue = self.client.any_source();
            let letters = self.letters(queue);
            self.send(queue, letters).await;
        }
        // Every node has to take messages for every queue again.
        for queue in self.client.sources() {
            for node in 0..NODE_NAMES.len() {
                loop {
                    self.client.node = node;
                    let letter = self.letter(queue);
                    if self.attempt(queue, &[letter]).await.is_empty() {
                        break;
                    }
                }
            }
        }
    }

    fn letters(&mut self, queue: QueueNumber) -> Vec<Letter> {
        let count = 1 + self.client.random.below(BATCH_MAX);
        (0..count).map(|_| self.letter(queue)).collect()
    }

    fn letter(&mut self, queue: QueueNumber) -> Letter {
        self.next += 1;
        let group = self.client.is_fifo(queue).then(|| {
            let group = self.client.random.below(GROUPS);
            format!("group {group}")
        });
        Letter {
            tag: Tag(self.next * 100 + self.number),
            group,
        }
    }

    async fn send(&mut self, queue: QueueNumber, letters: Vec<Letter>) {
        let mut left = self.attempt(queue, &letters).await;
        if !self.client.is_fifo(queue) {
            return;
        }
        // Most clients try again until they know; some give up.
        while !left.is_empty() && !self.client.random.once_in(6) {
            self.client.pause(500).await;
            left = self.attempt(queue, &left).await;
        }
        if self.client.random.once_in(12) {
            self.attempt(queue, &letters).await;
        }
    }

    /// Sends a batch once. Answers what was not acknowledged.
    async fn attempt(&mut self, queue: QueueNumber, letters: &[Letter]) -> Vec<Letter> {
        let entries: Vec<SendEntry> = letters.iter().map(entry).collect();
        let name = self.client.queue_name(queue);
        let make = |answer| Call::Send {
            queue: name,
            entries,
            answer,
        };
        let (seen, during) = self.client.call(PATIENCE, make).await;
        let outcomes: Vec<SendOutcome> = match seen {
            Seen::Done(results) if results.len() == letters.len() => results
                .into_iter()
                .map(|result| self.outcome(result))
                .collect(),
            Seen::Done(results) => {
                let count = results.len();
                self.client
                    .fault(format!("{count} answers to {} messages", letters.len()));
                return Vec::new();
            }
            Seen::Unknown => vec![SendOutcome::Unknown; letters.len()],
            Seen::Refused => vec![SendOutcome::Refused; letters.len()],
        };
        let mut left = Vec::new();
        for (letter, outcome) in letters.iter().zip(outcomes) {
            self.client.note(format_args!(
                "producer {}: {} of queue {queue}: {outcome:?}",
                self.number, letter.tag.0
            ));
            if !matches!(outcome, SendOutcome::Acknowledged { .. }) {
                left.push(letter.clone());
            }
            self.client.shared.recorder.record(|history| {
                history.sends.push(Sent {
                    queue,
                    tag: letter.tag,
                    group: letter.group.clone(),
                    during,
                    outcome,
                });
            });
        }
        left
    }

    fn outcome(
        &self,
        result: Result<squorum_types::service::SentMessage, MessageError>,
    ) -> SendOutcome {
        match result {
            Ok(sent) => SendOutcome::Acknowledged {
                id: sent.id,
                sequence: sent.sequence_number,
            },
            Err(MessageError::Throttled) => SendOutcome::Refused,
            Err(MessageError::Unavailable) => SendOutcome::Unknown,
            Err(error) => {
                self.client.fault(format!("a message was refused: {error}"));
                SendOutcome::Unknown
            }
        }
    }
}

fn entry(letter: &Letter) -> SendEntry {
    let deduplication_id = match letter.group {
        Some(_) => letter.tag.0.to_string(),
        None => String::new(),
    };
    let body = body::of(letter.tag);
    SendEntry {
        body_md5: [0; 16],
        attributes: Default::default(),
        size_bytes: body.len(),
        body,
        delay_seconds: None,
        deliver_at: None,
        group_id: match &letter.group {
            Some(group) => group.clone(),
            None => body::tenant(letter.tag),
        },
        deduplication_id,
        deduplicates_by_content: false,
        trace_header: String::new(),
    }
}
