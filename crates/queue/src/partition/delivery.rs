//! What every delivery does, standard or FIFO.

use squorum_proto::queue::{DeliveredMessage, DeliveryRow};
use squorum_store::{StoreError, Txn};

use super::Partition;
use super::fifo::GroupOrder;
use crate::rows;
use crate::step::Step;
use crate::stored_message::StoredMessage;

/// From this count on, a standard message that comes back goes behind the others (AWS's
/// documentation).
const BACK_OF_QUEUE_RECEIVE_COUNT: u64 = 3;

/// A message chosen for delivery.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) seq: u64,
    pub(crate) lane: u32,
    /// Standard only; 0 if there is none.
    pub(crate) tenant: u32,
    /// `None` before its first delivery.
    pub(crate) delivery: Option<DeliveryRow>,
    /// FIFO only.
    pub(crate) group_id: String,
    /// Its row, where the scan had it at hand and bodies are owed.
    pub(crate) message: Option<StoredMessage>,
}

impl Candidate {
    /// One that was never received and has neither tenant nor group.
    pub(crate) fn fresh(seq: u64, lane: u32) -> Candidate {
        Candidate {
            seq,
            lane,
            tenant: 0,
            delivery: None,
            group_id: String::new(),
            message: None,
        }
    }
}

impl Partition {
    /// Hands a visible message out. Whoever calls has taken it from the index that made it visible.
    pub(crate) fn deliver<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: Candidate,
        visibility_timeout_ms: u64,
    ) -> Result<DeliveredMessage, StoreError> {
        let Candidate {
            seq,
            lane,
            tenant,
            delivery,
            group_id,
            message,
        } = candidate;
        if step.owed {
            let message = match message {
                Some(message) => Some(message),
                None => self.read_message(step, lane, seq)?,
            };
            step.messages.extend(message);
        }
        let now = step.now.0;
        let mut delivery = delivery.unwrap_or(DeliveryRow {
            first_received_at_ms: now,
            lane,
            tenant,
            group_id,
            ..DeliveryRow::default()
        });
        assert!(
            delivery.deadline_ms == 0,
            "a message in flight is not handed out"
        );
        delivery.delivery_number = *step.next_delivery_number;
        *step.next_delivery_number += 1;
        delivery.receive_count += 1;
        delivery.received_at_ms = now;
        let delivered = DeliveredMessage {
            seq,
            delivery_number: delivery.delivery_number,
            receive_count: delivery.receive_count,
            first_received_at_ms: delivery.first_received_at_ms,
            lane,
        };
        self.row.visible -= 1;
        if visibility_timeout_ms == 0 {
            // Never invisible: only the count tells.
            self.put_visible(step, seq, delivery)?;
        } else {
            let deadline_ms = now.saturating_add(visibility_timeout_ms);
            self.put_in_flight(step, seq, delivery, deadline_ms)?;
        }
        Ok(delivered)
    }

    /// Hides a message that is counted nowhere until `deadline_ms`.
    pub(crate) fn put_in_flight<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        mut delivery: DeliveryRow,
        deadline_ms: u64,
    ) -> Result<(), StoreError> {
        assert!(deadline_ms > 0, "a deadline lies after the epoch");
        delivery.deadline_ms = deadline_ms;
        delivery.ready_order = 0;
        let floor = &mut self.row.deadline_floor;
        let key = (deadline_ms, seq);
        self.deadlines
            .insert(step.txn, self.keys, floor, key, bytes::Bytes::new());
        self.change_flight(step, delivery.tenant, 1)?;
        self.put_delivery(step, seq, &delivery);
        Ok(())
    }

    /// Shows a message that is counted nowhere again.
    pub(super) fn put_visible<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        mut delivery: DeliveryRow,
    ) -> Result<(), StoreError> {
        delivery.deadline_ms = 0;
        if !step.settings.fifo {
            let back = delivery.receive_count >= BACK_OF_QUEUE_RECEIVE_COUNT;
            delivery.ready_order = if back { self.take_back_place() } else { seq };
            let place = (delivery.ready_order, seq);
            self.show(step, delivery.tenant, place, delivery.lane)?;
        }
        self.row.visible += 1;
        self.put_delivery(step, seq, &delivery);
        Ok(())
    }

    pub(super) fn put_delivery<T: Txn>(
        &self,
        step: &mut Step<'_, T>,
        seq: u64,
        delivery: &DeliveryRow,
    ) {
        rows::put(step.txn, self.keys.delivery(seq), delivery);
    }

    /// Takes a message out of flight; it is counted nowhere then.
    pub(crate) fn take_from_flight<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        delivery: &mut DeliveryRow,
    ) -> Result<(), StoreError> {
        assert!(delivery.deadline_ms > 0, "the message is in flight");
        self.deadlines
            .remove(step.txn, self.keys, (delivery.deadline_ms, seq));
        delivery.deadline_ms = 0;
        self.change_flight(step, delivery.tenant, -1)
    }

    /// Ends a delivery: the message in flight becomes visible.
    pub(crate) fn return_from_flight<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        delivery: DeliveryRow,
    ) -> Result<(), StoreError> {
        self.end_flight(step, seq, delivery, GroupOrder::Last)
    }

    fn end_flight<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        mut delivery: DeliveryRow,
        order: GroupOrder,
    ) -> Result<(), StoreError> {
        self.take_from_flight(step, seq, &mut delivery)?;
        let group_id = delivery.group_id.clone();
        self.put_visible(step, seq, delivery)?;
        if step.settings.fifo {
            self.head_appears(step, &group_id, seq, order)?;
        }
        Ok(())
    }

    /// Undoes a delivery as if it had not been: the message in flight becomes visible with its
    /// count as before.
    pub(crate) fn undo_delivery<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        mut delivery: DeliveryRow,
    ) -> Result<(), StoreError> {
        assert!(delivery.receive_count > 0, "a delivery was counted");
        delivery.receive_count -= 1;
        // Nobody's: the handle of a delivery that was undone is worth nothing.
        delivery.delivery_number = 0;
        if delivery.receive_count > 0 {
            return self.end_flight(step, seq, delivery, GroupOrder::OfHead);
        }
        self.take_from_flight(step, seq, &mut delivery)?;
        step.txn.delete_bytes(self.keys.delivery(seq));
        self.row.visible += 1;
        if step.settings.fifo {
            return self.head_appears(step, &delivery.group_id, seq, GroupOrder::OfHead);
        }
        // The cursor has passed it, so an index must know it.
        self.show(step, delivery.tenant, (seq, seq), delivery.lane)
    }

    /// Hides a standard message again that is visible after its timeout.
    pub(crate) fn hide_again<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        delivery: DeliveryRow,
        deadline_ms: u64,
    ) -> Result<(), StoreError> {
        self.hide(step, delivery.tenant, (delivery.ready_order, seq))?;
        self.row.visible -= 1;
        self.put_in_flight(step, seq, delivery, deadline_ms)
    }

    pub(crate) fn read_message<T: Txn>(
        &self,
        step: &Step<'_, T>,
        lane: u32,
        seq: u64,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let row = step.txn.get(&self.keys.message(lane, seq))?;
        row.map(|row| StoredMessage::decode(seq, row)).transpose()
    }
}
