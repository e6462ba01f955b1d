//! What a receive hands out.

use std::collections::BTreeMap;

use prost::Message;
use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::StoredMessage;
use squorum_store::Store;
use squorum_types::service::{Delivery, QueueInfo, ReceivedMessage, ServiceError};
use squorum_types::{MessageEnvelope, PartitionId, ReceiptHandle, ReceiptHandleKey, Timestamp};

use crate::node::Inner;
use crate::service::call::{Answered, unexpected};
use crate::service::send::sequence_number;
use crate::shard::OpenReceive;

impl<S: Store> Inner<S> {
    /// What a partition has handed out, with the means to undo it; none if it was nothing.
    pub(super) fn delivery(
        &self,
        queue: &QueueInfo,
        partition: PartitionId,
        answered: Answered,
    ) -> Result<Option<Delivery>, ServiceError> {
        let Answered {
            kind,
            messages,
            receive,
            ..
        } = answered;
        let received = match kind {
            Kind::Received(received) => received,
            Kind::Released(_) => return Ok(None),
            other => return Err(unexpected(&other)),
        };
        let mut stored: BTreeMap<u64, StoredMessage> = messages
            .into_iter()
            .map(|message| (message.seq, message))
            .collect();
        let key = &self.cluster.receipt_handle_key;
        let fifo = queue.attributes.is_fifo();
        let mut handed_out = Vec::with_capacity(received.messages.len());
        for delivered in received.messages {
            // One that is gone meanwhile was deleted by another handle.
            if let Some(message) = stored.remove(&delivered.seq) {
                handed_out.push(received_message(partition, &delivered, message, key, fifo)?);
            }
        }
        if handed_out.is_empty() {
            return Ok(None);
        }
        let mut receipt = Receipt(receive);
        Ok(Some(Delivery::new(
            handed_out,
            Box::new(move || receipt.undo()),
        )))
    }
}

/// Undone when the delivery asks for it, confirmed when the delivery lets go of it.
struct Receipt(Option<OpenReceive>);

impl Receipt {
    fn undo(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(receive) = self.0.take() {
            receive.confirm();
        }
    }
}

fn received_message(
    partition: PartitionId,
    delivered: &proto::DeliveredMessage,
    stored: StoredMessage,
    key: &ReceiptHandleKey,
    fifo: bool,
) -> Result<ReceivedMessage, ServiceError> {
    let malformed = |what: String| ServiceError::Internal { reason: what };
    let envelope = proto::MessageEnvelope::decode(stored.envelope)
        .map_err(|error| malformed(error.to_string()))?;
    let envelope =
        MessageEnvelope::try_from(envelope).map_err(|error| malformed(error.to_string()))?;
    let handle = ReceiptHandle {
        partition,
        seq: delivered.seq,
        delivery_number: delivered.delivery_number,
    };
    Ok(ReceivedMessage {
        id: envelope.id,
        receipt_handle: handle.encode(key),
        body: envelope.body,
        body_md5: envelope.body_md5,
        attributes: envelope.attributes,
        sender_id: envelope.sender_id,
        sent_at: stored.sent_at,
        first_received_at: Timestamp(delivered.first_received_at_ms),
        receive_count: delivered.receive_count,
        sequence_number: fifo.then(|| sequence_number(delivered.seq)),
        group_id: envelope.group_id,
        deduplication_id: envelope.deduplication_id,
        trace_header: envelope.trace_header,
        dead_letter_source: envelope.dead_letter_source,
    })
}
