//! Conversions between the formats and the words of `squorum-types`.

use bytes::Bytes;
use squorum_types::{MessageEnvelope, MessageId, PartitionId, QueueId};

use crate::queue;

/// A stored or received value that no program of ours wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedError(pub &'static str);

impl std::fmt::Display for MalformedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for MalformedError {}

impl From<PartitionId> for queue::Partition {
    fn from(partition: PartitionId) -> Self {
        queue::Partition {
            queue: partition.queue.0,
            index: partition.index.into(),
        }
    }
}

impl TryFrom<&queue::Partition> for PartitionId {
    type Error = MalformedError;

    fn try_from(partition: &queue::Partition) -> Result<Self, MalformedError> {
        let index = u16::try_from(partition.index).map_err(|_| MalformedError("partition"))?;
        Ok(PartitionId {
            queue: QueueId(partition.queue),
            index,
        })
    }
}

impl From<MessageEnvelope> for queue::MessageEnvelope {
    fn from(envelope: MessageEnvelope) -> Self {
        queue::MessageEnvelope {
            id: Bytes::copy_from_slice(&envelope.id.0),
            body: envelope.body,
            body_md5: Bytes::copy_from_slice(&envelope.body_md5),
            attributes: envelope.attributes,
            key_id: envelope.key_id,
            group_id: envelope.group_id,
            deduplication_id: envelope.deduplication_id,
            trace_header: envelope.trace_header,
            sender_id: envelope.sender_id,
            dead_letter_source: envelope.dead_letter_source,
        }
    }
}

impl TryFrom<queue::MessageEnvelope> for MessageEnvelope {
    type Error = MalformedError;

    fn try_from(envelope: queue::MessageEnvelope) -> Result<Self, MalformedError> {
        let sixteen = |bytes: &Bytes| <[u8; 16]>::try_from(bytes.as_ref());
        Ok(MessageEnvelope {
            id: MessageId(sixteen(&envelope.id).map_err(|_| MalformedError("message id"))?),
            body_md5: sixteen(&envelope.body_md5).map_err(|_| MalformedError("body digest"))?,
            body: envelope.body,
            attributes: envelope.attributes,
            key_id: envelope.key_id,
            group_id: envelope.group_id,
            deduplication_id: envelope.deduplication_id,
            trace_header: envelope.trace_header,
            sender_id: envelope.sender_id,
            dead_letter_source: envelope.dead_letter_source,
        })
    }
}
