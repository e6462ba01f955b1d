//! Messages that come from another queue, with what they have been through: they count on from
//! their receives there, and a standard one keeps the time when it was sent.
//!
//! Such a message has a delivery row from the start, as one that is visible again. Standard ones may
//! be older than their neighbours, so the walk from the head does not find them when their retention
//! is over: the expiry index does.

use bytes::{Bytes, BytesMut};
use squorum_proto::queue::{DeliveryRow, Partition as PartitionName, TransferredMessage};
use squorum_store::{StoreError, Txn, View};
use squorum_types::Timestamp;

use super::Partition;
use crate::keys::{DELAYED_LANE, ORDINARY_LANE};
use crate::step::Step;
use crate::stored_message::MessageHead;

/// Field number in `queue.proto`.
const ENVELOPE_DEAD_LETTER_SOURCE: u32 = 10;

impl Partition {
    /// Stores a message that another queue let go, which it bears from now on.
    pub(crate) fn arrive<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        message: &TransferredMessage,
    ) -> Result<(), StoreError> {
        // An encoded field that follows others of the same number takes their place, also an empty
        // one: nothing here looks into the envelope.
        let source = &message.dead_letter_source;
        let mut envelope = BytesMut::from(&message.envelope[..]);
        prost::encoding::string::encode(ENVELOPE_DEAD_LETTER_SOURCE, source, &mut envelope);
        if message.r#move.is_some() {
            return self.begin(step, message, &envelope);
        }
        self.settle_in(step, message, message.source, &envelope)
    }

    /// Stores a message that had left for a queue that is gone, as it was but at the end.
    pub(crate) fn come_back<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        message: &TransferredMessage,
    ) -> Result<(), StoreError> {
        let origin = match &message.r#move {
            Some(sent_on) if message.receive_count > 0 => sent_on.origin,
            Some(_) => return self.begin(step, message, &message.envelope),
            None => None,
        };
        self.settle_in(step, message, origin, &message.envelope)
    }

    /// Stores a message as one that was sent now.
    fn begin<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        message: &TransferredMessage,
        envelope: &[u8],
    ) -> Result<(), StoreError> {
        let seq = self.take_seq();
        let sent_at = self.send_time(step);
        let fifo = step.settings.fifo;
        let tenant = if fifo { 0 } else { message.tenant };
        let head = MessageHead {
            sent_at,
            due: sent_at,
            group_id: message.group_id.clone(),
            tenant,
        };
        let lane = if tenant == 0 {
            ORDINARY_LANE
        } else {
            DELAYED_LANE
        };
        let key = self.keys.message(lane, seq);
        step.txn.put_bytes(key, head.encode(envelope));
        if fifo {
            return self.join_group(step, &message.group_id, seq);
        }
        self.show_new(step, seq, tenant)
    }

    fn settle_in<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        message: &TransferredMessage,
        source: Option<PartitionName>,
        envelope: &[u8],
    ) -> Result<(), StoreError> {
        let fifo = step.settings.fifo;
        let seq = self.take_seq();
        let sent_at = if fifo {
            self.send_time(step)
        } else {
            // Never after what is sent next, whatever the other shard's clock says.
            Timestamp(message.sent_at_ms).min(step.now)
        };
        let lane = if fifo { ORDINARY_LANE } else { DELAYED_LANE };
        let tenant = if fifo { 0 } else { message.tenant };
        let head = MessageHead {
            sent_at,
            due: sent_at,
            group_id: message.group_id.clone(),
            tenant,
        };
        let key = self.keys.message(lane, seq);
        step.txn.put_bytes(key, head.encode(envelope));
        let delivery = DeliveryRow {
            receive_count: message.receive_count,
            first_received_at_ms: message.first_received_at_ms,
            lane,
            group_id: message.group_id.clone(),
            sent_at_ms: if fifo { 0 } else { sent_at.0 },
            source,
            tenant,
            ..DeliveryRow::default()
        };
        if fifo {
            self.put_delivery(step, seq, &delivery);
            return self.join_group(step, &message.group_id, seq);
        }
        self.row.last_delayed_seq = seq;
        let floor = &mut self.row.expiry_floor;
        if *floor == 0 {
            *floor = u64::MAX;
        }
        let expiry = (sent_at.0, seq);
        self.expiries
            .insert(step.txn, self.keys, floor, expiry, Bytes::new());
        self.put_visible(step, seq, delivery)
    }

    /// Removes messages of the expiry index whose retention is over. True if the budget ended it.
    pub(super) fn expire_arrivals<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
    ) -> Result<bool, StoreError> {
        for _ in 0..step.limits.step_budget {
            let first = self.oldest_arrival(step.txn)?;
            let Some((_, seq)) = first.filter(|(sent_at, _)| step.is_expired(*sent_at)) else {
                return Ok(false);
            };
            let delivery = self.received(step.txn, seq)?;
            self.remove_received(step, seq, delivery)?;
        }
        Ok(true)
    }

    /// The message of the expiry index that was sent first, and its position.
    pub(super) fn oldest_arrival<V: View>(
        &mut self,
        view: &V,
    ) -> Result<Option<(Timestamp, u64)>, StoreError> {
        // Nothing to look for, nor a floor to move, where no message ever came from another queue.
        if self.row.expiry_floor == 0 {
            return Ok(None);
        }
        let floor = &mut self.row.expiry_floor;
        let first = self.expiries.first(view, self.keys, floor)?;
        Ok(first.map(|((sent_at_ms, seq), _)| (Timestamp(sent_at_ms), seq)))
    }
}
