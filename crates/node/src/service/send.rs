//! SendMessage and SendMessageBatch.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use prost::Message;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_store::Store;
use squorum_types::service::{MessageError, QueueInfo, SendEntry, SentMessage, ServiceError};
use squorum_types::{
    Caller, DeduplicationHash, MessageEnvelope, MessageId, PartitionId, Timestamp, tenant_of,
};

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

/// A message ready for a shard, and where its answer goes.
struct Prepared {
    position: usize,
    id: MessageId,
    message: proto::NewMessage,
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
        let mut prepared = Vec::with_capacity(entries.len());
        for (position, entry) in entries.into_iter().enumerate() {
            match within_retention(queue, &entry, self.stamper.now()) {
                Ok(()) => prepared.push(self.prepare_one(caller, queue, position, entry)),
                Err(error) => results[position] = Err(error),
            }
        }
        prepared
    }

    fn prepare_one(
        &self,
        caller: &Caller,
        queue: &QueueInfo,
        position: usize,
        entry: SendEntry,
    ) -> Prepared {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let id = MessageId::from_random(random);
        let fifo = queue.attributes.is_fifo();
        let deduplication_hash = if fifo {
            let scope = queue
                .deduplicates_by_group
                .then_some(entry.group_id.as_str());
            let hash = DeduplicationHash::new(scope, &entry.deduplication_id);
            Bytes::copy_from_slice(&hash.0)
        } else {
            Bytes::new()
        };
        let delay_seconds = entry
            .delay_seconds
            .unwrap_or(queue.attributes.delay_seconds);
        let (group_id, tenant) = if fifo {
            (entry.group_id.clone(), 0)
        } else {
            (String::new(), tenant_of(&entry.group_id))
        };
        let envelope = MessageEnvelope {
            id,
            body: entry.body,
            body_md5: entry.body_md5,
            attributes: entry.attributes,
            key_id: String::new(),
            group_id: entry.group_id,
            deduplication_id: entry.deduplication_id,
            trace_header: entry.trace_header,
            sender_id: caller.principal.clone(),
            dead_letter_source: String::new(),
        };
        let message = proto::NewMessage {
            envelope: proto::MessageEnvelope::from(envelope)
                .encode_to_vec()
                .into(),
            id: Bytes::copy_from_slice(&id.0),
            delay_ms: u64::from(delay_seconds) * 1000,
            group_id,
            deduplication_hash,
            tenant,
            // The epoch is past, and 0 would be none.
            deliver_at_ms: entry.deliver_at.map_or(0, |at| at.0.max(1)),
        };
        Prepared {
            position,
            id,
            message,
        }
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
                PartitionId::of_group(queue.id, queue.partition_count, &message.message.group_id)
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
                        results[message.position] = Ok(sent);
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

    async fn send_to(
        &self,
        queue: &Arc<QueueInfo>,
        admission: &Admission,
        partition: PartitionId,
        prepared: &[&Prepared],
    ) -> Result<Vec<SentMessage>, ServiceError> {
        let make = |queue: &QueueInfo| {
            let messages = prepared
                .iter()
                .map(|prepared| prepared.message.clone())
                .collect();
            let partition = Some(partition.into());
            Operation::Send(proto::Send {
                partition,
                version: queue.version,
                messages,
            })
        };
        let answered = self.call(queue, partition, Some(admission), make).await?;
        let Kind::Sent(sent) = answered.kind else {
            return Err(unexpected(&answered.kind));
        };
        if sent.messages.len() != prepared.len() {
            return Err(internal("shard answered for other messages"));
        }
        let fifo = queue.attributes.is_fifo();
        let pairs = prepared.iter().zip(sent.messages);
        pairs
            .map(|(prepared, sent)| sent_message(prepared.id, &sent, fifo))
            .collect()
    }
}

/// A message's retention runs from its send: one that is to be delivered after it would be gone
/// before anybody could receive it.
fn within_retention(
    queue: &QueueInfo,
    entry: &SendEntry,
    now: Timestamp,
) -> Result<(), MessageError> {
    let retention_seconds = queue.attributes.message_retention_seconds;
    let retention_ms = u64::from(retention_seconds) * 1000;
    match entry.deliver_at {
        Some(deliver_at) if deliver_at >= now.plus_ms(retention_ms) => {
            Err(MessageError::DeliveryBeyondRetention {
                deliver_at,
                retention_seconds,
            })
        }
        _ => Ok(()),
    }
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
