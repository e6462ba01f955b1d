//! Messages that go: deleted by their consumer, or expired.

use squorum_proto::queue::DeliveryRow;
use squorum_store::{StoreError, Txn, View};
use squorum_types::Timestamp;

use super::Partition;
use crate::keys::ORDINARY_LANE;
use crate::step::Step;
use crate::stored_message::MessageHead;

impl Partition {
    /// Removes a message that was received at least once, in flight or visible again.
    pub(crate) fn remove_received<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        mut delivery: DeliveryRow,
    ) -> Result<(), StoreError> {
        if delivery.deadline_ms > 0 {
            self.take_from_flight(step, seq, &mut delivery)?;
        } else {
            if !step.settings.fifo {
                self.hide(step, delivery.tenant, (delivery.ready_order, seq))?;
            }
            *self.counter_at(step, seq) -= 1;
        }
        self.remove_delivery(step, seq, &delivery);
        self.remove_rows(step, delivery.lane, seq, &delivery.group_id)
    }

    /// Removes a standard message that was chosen, so that no index makes it visible any more.
    pub(super) fn remove_chosen<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        lane: u32,
        seq: u64,
        delivery: &DeliveryRow,
    ) -> Result<(), StoreError> {
        self.row.visible -= 1;
        self.remove_delivery(step, seq, delivery);
        self.remove_rows(step, lane, seq, "")
    }

    fn remove_delivery<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        delivery: &DeliveryRow,
    ) {
        if delivery.sent_at_ms > 0 {
            let expiry = (delivery.sent_at_ms, seq);
            self.expiries.remove(step.txn, self.keys, expiry);
        }
        step.txn.delete_bytes(self.keys.delivery(seq));
    }

    /// Removes a message that was never received (or whose only receive was undone).
    pub(super) fn remove_unreceived<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        lane: u32,
        seq: u64,
        head: &MessageHead,
    ) -> Result<(), StoreError> {
        let fresh = lane == ORDINARY_LANE && seq >= self.row.cursor_seq;
        if step.settings.fifo {
            *self.counter_at(step, seq) -= 1;
        } else if fresh {
            self.row.visible -= 1;
        } else if self.is_shown(step, seq, head)? {
            self.hide(step, head.tenant, (seq, seq))?;
            self.row.visible -= 1;
        } else {
            self.delays.remove(step.txn, self.keys, (head.due.0, seq));
            self.row.delayed -= 1;
        }
        self.remove_rows(step, lane, seq, &head.group_id)
    }

    /// Whether a standard message that was never received and that the cursor does not find is visible
    /// all the same; else it is delayed.
    fn is_shown<T: Txn>(
        &self,
        step: &Step<'_, T>,
        seq: u64,
        head: &MessageHead,
    ) -> Result<bool, StoreError> {
        if head.tenant == 0 {
            return self.ready.contains(step.txn, self.keys, (seq, seq));
        }
        let delay = (head.due.0, seq);
        Ok(!self.delays.contains(step.txn, self.keys, delay)?)
    }

    /// What counts a message that is not in flight, nor in the delay index.
    fn counter_at<T>(&mut self, step: &Step<'_, T>, seq: u64) -> &mut u64 {
        let delayed = step.settings.fifo && seq >= self.row.mature_seq;
        if delayed {
            &mut self.row.delayed
        } else {
            &mut self.row.visible
        }
    }

    fn remove_rows<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        lane: u32,
        seq: u64,
        group_id: &str,
    ) -> Result<(), StoreError> {
        step.txn.delete_bytes(self.keys.message(lane, seq));
        if seq == self.row.head_seq {
            self.head_sent_at_ms = None;
        }
        if step.settings.fifo {
            self.group_remove(step, group_id, seq)?;
        }
        Ok(())
    }

    /// Moves the head to the lowest message there is, removing messages older than the retention
    /// on the way. True if the budget ended it and messages beyond their retention may be left. None
    /// are where it ended among positions deleted long ago, as long as what was found before those
    /// was not too old: later messages are younger.
    pub(crate) fn advance_head<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
    ) -> Result<bool, StoreError> {
        for _ in 0..step.limits.step_budget {
            if self.row.head_seq >= self.row.next_seq {
                return Ok(false);
            }
            if let Some(sent_at) = self.head_sent_at_ms
                && !step.is_expired(Timestamp(sent_at))
            {
                self.row.sent_floor_ms = sent_at;
                return Ok(false);
            }
            let seq = self.row.head_seq;
            if let Some((lane, row)) = self.find_message(step.txn, seq)? {
                let (head, _) = MessageHead::decode(&row)?;
                self.row.sent_floor_ms = head.sent_at.0;
                if !step.is_expired(head.sent_at) {
                    self.head_sent_at_ms = Some(head.sent_at.0);
                    return Ok(false);
                }
                match self.delivery_row(step.txn, seq)? {
                    Some(delivery) => self.remove_received(step, seq, delivery)?,
                    None => self.remove_unreceived(step, lane, seq, &head)?,
                }
            }
            self.row.head_seq = seq + 1;
            self.row.cursor_seq = self.row.cursor_seq.max(seq + 1);
            self.head_sent_at_ms = None;
        }
        Ok(step.is_expired(Timestamp(self.row.sent_floor_ms)))
    }

    /// When the message at the head expires, if there is one. In the past while the head is yet to
    /// be moved to it.
    pub(super) fn head_expires_at<V: View>(
        &mut self,
        view: &V,
        retention_ms: u64,
    ) -> Result<Option<Timestamp>, StoreError> {
        if self.row.head_seq >= self.row.next_seq {
            return Ok(None);
        }
        if self.head_sent_at_ms.is_none()
            && let Some((_, row)) = self.find_message(view, self.row.head_seq)?
        {
            self.head_sent_at_ms = Some(MessageHead::decode(&row)?.0.sent_at.0);
        }
        let expires_at = |sent_at| Timestamp(sent_at).plus_ms(retention_ms);
        Ok(Some(self.head_sent_at_ms.map_or(Timestamp(0), expires_at)))
    }

    /// Of the message at the head, as far as [`head_expires_at`](Self::head_expires_at) found it.
    pub(super) fn head_sent_at(&self) -> Option<Timestamp> {
        self.head_sent_at_ms.map(Timestamp)
    }
}
