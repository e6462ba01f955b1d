//! SendMessage and SendMessageBatch.

mod prepared;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_store::Store;
use squorum_types::service::{MessageError, QueueInfo, SendEntry, SentMessage, ServiceError};
use squorum_types::{Caller, MessageId, PartitionId};

use self::prepared::Prepared;
use super::call::{internal, message_error, unexpected};
use crate::node::Inner;
use crate::shard::Admission;
use squorum_meta::QueueKey;

/// AWS's sequence numbers have 20 digits; ours begin where AWS's do.
const SEQUENCE_NUMBER_BASE: u128 = 18_800_000_000_000_000_000;
const SEQUENCE_NUMBER_STEP: u128 = 256;

/// A FIFO message's sequence number. It rises with the position in the partition, so within a group.
pub(super) fn sequence_number(seq: u64) -> u128 {
    SEQUENCE_NUMBER_BASE + u128::from(seq) * SEQUENCE_NUMBER_STEP
}

type Results = Vec<Result<SentMessage, MessageError>>;

impl<S: Store> Inner<S> {
    pub(crate) async fn send(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> Result<Results, ServiceError> {
        let mut queue = Arc::clone(queue);
        let admission = self.admit_send(&entries)?;
        let mut results: Results = vec![Err(MessageError::Unavailable); entries.len()];
        let mut prepared = self.prepare(caller, &queue, entries, &mut results);
        // A queue that was deleted and made again meanwhile takes the messages of its name.
        for round in 0.. {
            let failed = self
                .send_prepared(&queue, &admission, &prepared, &mut results)
                .await;
            match failed {
                Some(ServiceError::QueueDoesNotExist) if round == 0 => {
                    // This replica may not know of it yet.
                    self.meta.confirm().await?;
                    let found = self.meta.find(&QueueKey::of(&queue)).await?;
                    if found.id == queue.id
                        || found.attributes.is_fifo() != queue.attributes.is_fifo()
                    {
                        return Err(ServiceError::QueueDoesNotExist);
                    }
                    queue = found;
                    prepared.retain(|message| results[message.position].is_err());
                }
                // Alone it is the call's error; beside others that were sent it is the message's.
                Some(error) if results.iter().all(Result::is_err) => return Err(error),
                _ => break,
            }
        }
        Ok(results)
    }

    fn admit_send(&self, entries: &[SendEntry]) -> Result<Admission, ServiceError> {
        let bytes: usize = entries
            .iter()
            .map(|e| e.body.len() + e.attributes.len())
            .sum();
        let kibibytes = u32::try_from(bytes / 1024 + entries.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.send_room);
        room.try_acquire_many_owned(kibibytes)
            .map(Arc::new)
            .map_err(|_| {
                self.figures.sends_refused.increment();
                ServiceError::Throttled
            })
    }

    /// Those that can be sent. What is wrong with the others goes to the results.
    fn prepare(
        &self,
        caller: &Caller,
        queue: &QueueInfo,
        entries: Vec<SendEntry>,
        results: &mut Results,
    ) -> Vec<Prepared> {
        let now = self.stamper.now();
        let fifo = queue.attributes.is_fifo();
        let mut prepared = Vec::with_capacity(entries.len());
        for (position, entry) in entries.into_iter().enumerate() {
            let mut random = [0; 16];
            self.entropy.fill(&mut random);
            let id = MessageId::from_random(random);
            let message = Prepared::new(caller, fifo, position, id, entry);
            match message.check(queue, now) {
                Ok(()) => prepared.push(message),
                Err(error) => results[position] = Err(error),
            }
        }
        prepared
    }

    /// Sends to all partitions at once. Answers one failure, if there was any.
    async fn send_prepared(
        &self,
        queue: &Arc<QueueInfo>,
        admission: &Admission,
        prepared: &[Prepared],
        results: &mut Results,
    ) -> Option<ServiceError> {
        let fifo = queue.attributes.is_fifo();
        let mut by_partition: BTreeMap<PartitionId, Vec<&Prepared>> = BTreeMap::new();
        for message in prepared {
            let partition = if fifo {
                PartitionId::of_group(queue.id, queue.partition_count, message.group_id())
            } else {
                self.partition_for_send(queue)
            };
            by_partition.entry(partition).or_default().push(message);
        }
        let sends = by_partition
            .into_iter()
            .map(|(partition, messages)| async move {
                let sent = self.send_to(queue, admission, partition, &messages).await;
                (messages, sent)
            });
        let mut failure = None;
        for (messages, sent) in join_all(sends).await {
            match sent {
                Ok(sent) => {
                    for (message, sent) in messages.iter().zip(sent) {
                        results[message.position] = sent;
                    }
                }
                Err(error) => {
                    for message in messages {
                        results[message.position] = Err(message_error(&error));
                    }
                    failure = Some(error);
                }
            }
        }
        failure
    }

    /// Sends those that the queue takes in the version that the shard has.
    async fn send_to(
        &self,
        queue: &Arc<QueueInfo>,
        admission: &Admission,
        partition: PartitionId,
        prepared: &[&Prepared],
    ) -> Result<Results, ServiceError> {
        let now = self.stamper.now();
        let make = |queue: &QueueInfo| {
            let taken = prepared.iter();
            let taken = taken.filter(|message| message.check(queue, now).is_ok());
            Operation::Send(proto::Send {
                partition: Some(partition.into()),
                version: queue.version,
                messages: taken.map(|message| message.message(queue)).collect(),
            })
        };
        let answered = self.call(queue, partition, Some(admission), make).await?;
        let Kind::Sent(sent) = answered.kind else {
            return Err(unexpected(&answered.kind));
        };
        let queue = &answered.queue;
        let fifo = queue.attributes.is_fifo();
        let mut sent = sent.messages.iter();
        let mut results = Results::with_capacity(prepared.len());
        for message in prepared {
            results.push(match message.check(queue, now) {
                Ok(()) => {
                    let sent = sent.next().ok_or_else(answered_for_others)?;
                    Ok(sent_message(message.id, sent, fifo)?)
                }
                Err(error) => Err(error),
            });
        }
        match sent.next() {
            None => Ok(results),
            Some(_) => Err(answered_for_others()),
        }
    }
}

fn answered_for_others() -> ServiceError {
    internal("shard answered for other messages")
}

fn sent_message(
    id: MessageId,
    sent: &proto::SentMessage,
    fifo: bool,
) -> Result<SentMessage, ServiceError> {
    let id = if sent.duplicate_of.is_empty() {
        id
    } else {
        let original = sent.duplicate_of.as_ref().try_into();
        MessageId(original.map_err(|_| internal("malformed message id"))?)
    };
    Ok(SentMessage {
        id,
        sequence_number: fifo.then(|| sequence_number(sent.seq)),
    })
}
