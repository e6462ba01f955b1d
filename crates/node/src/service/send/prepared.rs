//! A message ready for a shard, as far as that is the same for every version of its queue.

use bytes::Bytes;
use prost::Message;
use squorum_proto::queue as proto;
use squorum_types::service::{MessageError, QueueInfo, SendEntry};
use squorum_types::{Caller, DeduplicationHash, MessageEnvelope, MessageId, Timestamp, tenant_of};

/// What the queue's attributes have a say in is made and checked when it is sent: a shard may refuse
/// the version that is assumed first.
pub(super) struct Prepared {
    /// Where its answer goes.
    pub(super) position: usize,
    pub(super) id: MessageId,
    size_bytes: usize,
    delay_seconds: Option<u32>,
    deliver_at: Option<Timestamp>,
    deduplication_id: String,
    deduplicates_by_content: bool,
    /// Without delay and deduplication hash.
    message: proto::NewMessage,
}

impl Prepared {
    pub(super) fn new(
        caller: &Caller,
        fifo: bool,
        position: usize,
        id: MessageId,
        entry: SendEntry,
    ) -> Prepared {
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
            deduplication_id: entry.deduplication_id.clone(),
            trace_header: entry.trace_header,
            sender_id: caller.principal.clone(),
            dead_letter_source: String::new(),
        };
        let message = proto::NewMessage {
            envelope: proto::MessageEnvelope::from(envelope)
                .encode_to_vec()
                .into(),
            id: Bytes::copy_from_slice(&id.0),
            group_id,
            tenant,
            // The epoch is past, and 0 would be none.
            deliver_at_ms: entry.deliver_at.map_or(0, |at| at.0.max(1)),
            ..proto::NewMessage::default()
        };
        Prepared {
            position,
            id,
            size_bytes: entry.size_bytes,
            delay_seconds: entry.delay_seconds,
            deliver_at: entry.deliver_at,
            deduplication_id: entry.deduplication_id,
            deduplicates_by_content: entry.deduplicates_by_content,
            message,
        }
    }

    /// Empty if there is none; never for a FIFO queue.
    pub(super) fn group_id(&self) -> &str {
        &self.message.group_id
    }

    /// What is wrong with the message by the queue's attributes.
    pub(super) fn check(&self, queue: &QueueInfo, now: Timestamp) -> Result<(), MessageError> {
        let attributes = &queue.attributes;
        let bytes_max = attributes.maximum_message_bytes;
        if self.size_bytes > bytes_max as usize {
            return Err(MessageError::TooLong { bytes_max });
        }
        let fifo = attributes.fifo.as_ref();
        if self.deduplicates_by_content && fifo.is_some_and(|it| !it.content_based_deduplication) {
            return Err(MessageError::NoDeduplicationId);
        }
        // Retention runs from the send: a message that is to be delivered after it would be gone before
        // anybody could receive it.
        let retention_seconds = attributes.message_retention_seconds;
        let retention_ms = u64::from(retention_seconds) * 1000;
        match self.deliver_at {
            Some(deliver_at) if deliver_at >= now.plus_ms(retention_ms) => {
                Err(MessageError::DeliveryBeyondRetention {
                    deliver_at,
                    retention_seconds,
                })
            }
            _ => Ok(()),
        }
    }

    /// The message as this version of the queue has it.
    pub(super) fn message(&self, queue: &QueueInfo) -> proto::NewMessage {
        let attributes = &queue.attributes;
        let delay_seconds = self.delay_seconds.unwrap_or(attributes.delay_seconds);
        let deduplication_hash = if attributes.is_fifo() {
            let by_group = queue.deduplicates_by_group;
            let scope = by_group.then_some(self.group_id());
            let hash = DeduplicationHash::new(scope, &self.deduplication_id);
            Bytes::copy_from_slice(&hash.0)
        } else {
            Bytes::new()
        };
        proto::NewMessage {
            delay_ms: u64::from(delay_seconds) * 1000,
            deduplication_hash,
            ..self.message.clone()
        }
    }
}
