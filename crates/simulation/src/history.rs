//! What clients did and saw, in full. The oracle judges nothing else, except the replicas at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_types::MessageId;

/// When a call was made and when its answer came, in milliseconds of true time. Whatever it did
/// happened between the two, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct During {
    pub began_ms: u64,
    pub ended_ms: u64,
}

/// Which queue of a run.
pub type QueueNumber = usize;

/// Names a message by its body. Sends that repeat a deduplication id repeat the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(pub u64);

/// Names a call that answered with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallNumber(pub u64);

#[derive(Clone, Debug)]
pub struct Sent {
    pub queue: QueueNumber,
    pub tag: Tag,
    /// FIFO only.
    pub group: Option<String>,
    pub during: During,
    pub outcome: SendOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    Acknowledged {
        id: MessageId,
        sequence: Option<u128>,
    },
    /// It may have happened, or may yet.
    Unknown,
    /// The service said that it did not happen.
    Refused,
}

/// A message in an answer that reached its client.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where it was received.
    pub queue: QueueNumber,
    /// Where it was sent to: the same, unless it has become a dead letter.
    pub origin: QueueNumber,
    pub tag: Tag,
    pub id: MessageId,
    pub handle: String,
    pub group: Option<String>,
    pub sequence: Option<u128>,
    pub call: CallNumber,
    /// Place in the answer.
    pub place: usize,
    pub during: During,
    pub visibility_timeout_ms: u64,
}

impl Received {
    pub fn is_dead_letter(&self) -> bool {
        self.queue != self.origin
    }
}

/// A call that changed or ended a delivery.
#[derive(Clone, Debug)]
pub struct Changed {
    pub handle: String,
    pub change: Change,
    pub during: During,
    pub outcome: ChangeOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Delete,
    VisibilityTimeout { ms: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    Done,
    Unknown,
    Refused,
}

/// A receive that answered: there is nothing.
#[derive(Clone, Copy, Debug)]
pub struct FoundNothing {
    pub queue: QueueNumber,
    pub during: During,
}

/// Messages of a queue in any state, by the queue's own count.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub queue: QueueNumber,
    pub messages: u64,
    pub during: During,
}

/// A receive of which nobody knows what it took.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveUnknown {
    pub queue: QueueNumber,
    pub during: During,
}

/// All that happened in one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub sends: Vec<Sent>,
    pub receives: Vec<Received>,
    pub changes: Vec<Changed>,
    pub found_nothing: Vec<FoundNothing>,
    pub counts: Vec<Counted>,
    pub unknown_receives: Vec<ReceiveUnknown>,
    /// Queues whose messages may become dead letters.
    pub mortal: BTreeSet<QueueNumber>,
    /// What no client may ever see, noticed where it happened.
    pub faults: Vec<String>,
}

/// A history that clients write together. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<History>>);

impl Recorder {
    pub fn record(&self, write: impl FnOnce(&mut History)) {
        write(&mut self.0.lock());
    }

    pub fn history(&self) -> History {
        self.0.lock().clone()
    }

    /// Reads something of the history without copying it.
    pub fn read<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&self.0.lock())
    }
}

/// One message with all that happened to it.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    pub sends: Vec<&'a Sent>,
    /// By the time of the call.
    pub receives: Vec<&'a Received>,
    /// By handle, in the order of the calls.
    pub changes: BTreeMap<&'a str, Vec<&'a Changed>>,
    /// It may become a dead letter: then a delete by a handle of its queue ends nothing.
    pub is_mortal: bool,
}

impl<'a> Message<'a> {
    /// When the first acknowledgement of it came.
    pub fn acknowledged_ms(&self) -> Option<u64> {
        let acknowledged = self
            .sends
            .iter()
            .filter(|sent| matches!(sent.outcome, SendOutcome::Acknowledged { .. }));
        acknowledged.map(|sent| sent.during.ended_ms).min()
    }

    /// From when on it existed for sure: it was acknowledged, or somebody had it.
    pub fn existed_ms(&self) -> Option<u64> {
        let received = self.receives.iter().map(|r| r.during.ended_ms).min();
        self.acknowledged_ms().into_iter().chain(received).min()
    }

    /// Before this it cannot have existed.
    pub fn first_attempt_ms(&self) -> Option<u64> {
        self.sends.iter().map(|sent| sent.during.began_ms).min()
    }

    pub fn sequence(&self) -> Option<u128> {
        let acknowledged = self.sends.iter().find_map(|sent| match sent.outcome {
            SendOutcome::Acknowledged { sequence, .. } => sequence,
            _ => None,
        });
        let mut received = self.receives.iter().filter(|r| !r.is_dead_letter());
        acknowledged.or_else(|| received.find_map(|r| r.sequence))
    }

    /// Whether it has left its queue for a dead-letter queue, at some time.
    pub fn has_died(&self) -> bool {
        self.receives
            .iter()
            .any(|received| received.is_dead_letter())
    }

    /// The earliest moment at which a delete may have ended it, refused ones left out.
    pub fn may_be_deleted_ms(&self) -> Option<u64> {
        let deletes = self.deletes().map(|delete| delete.during.began_ms);
        deletes.min()
    }

    /// From when on it is deleted for sure, with clocks that are so far apart at most.
    pub fn deleted_ms(&self, clock_skew_ms: u64) -> Option<u64> {
        let done = self
            .deletes()
            .filter(|delete| delete.outcome == ChangeOutcome::Done);
        let sure = done.filter(|delete| !self.is_mortal || self.was_held(delete, clock_skew_ms));
        sure.map(|delete| delete.during.ended_ms).min()
    }

    /// Whether the message was in the hands of who deleted it for as long as the call took.
    fn was_held(&self, delete: &Changed, clock_skew_ms: u64) -> bool {
        let handle = delete.handle.as_str();
        let changes = self.changes.get(handle).into_iter().flatten();
        let mut others = changes.filter(|changed| changed.change != Change::Delete);
        let mut received = self.receives.iter().filter(|r| r.handle == handle);
        others.next().is_none()
            && received.any(|received| {
                let end_ms = received.during.began_ms + received.visibility_timeout_ms;
                delete.during.ended_ms + clock_skew_ms < end_ms
            })
    }

    fn deletes(&self) -> impl Iterator<Item = &'a Changed> {
        let changes = self.changes.values().flatten().copied();
        changes.filter(|changed| {
            changed.change == Change::Delete && changed.outcome != ChangeOutcome::Refused
        })
    }
}

impl History {
    /// The messages of the run by tag and the queue that they were sent to, sent or only seen.
    pub fn messages(&self) -> BTreeMap<(QueueNumber, Tag), Message<'_>> {
        let mut messages: BTreeMap<_, Message<'_>> = BTreeMap::new();
        for sent in &self.sends {
            let message = messages.entry((sent.queue, sent.tag)).or_default();
            message.sends.push(sent);
        }
        let mut owners = BTreeMap::new();
        for received in &self.receives {
            let key = (received.origin, received.tag);
            messages.entry(key).or_default().receives.push(received);
            owners.insert(received.handle.as_str(), key);
        }
        for changed in &self.changes {
            if let Some(message) = owners
                .get(changed.handle.as_str())
                .and_then(|key| messages.get_mut(key))
            {
                let changes = message.changes.entry(&changed.handle).or_default();
                changes.push(changed);
            }
        }
        for ((queue, _), message) in &mut messages {
            message.is_mortal = self.mortal.contains(queue);
            message.receives.sort_by_key(|r| r.during.began_ms);
            for changes in message.changes.values_mut() {
                changes.sort_by_key(|changed| changed.during.began_ms);
            }
        }
        messages
    }
}
