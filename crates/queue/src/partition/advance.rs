//! What time does to a partition. Every command on it starts here.

use squorum_store::{StoreError, Txn};

use super::Partition;
use super::fair::lane_of;
use super::fifo::GroupOrder;
use crate::keys::DELAYED_LANE;
use crate::step::Step;
use crate::stored_message::MessageHead;

impl Partition {
    /// Lets everything due happen, each kind within the step budget. What is left shows in the
    /// status as due. False if messages beyond their retention may be left.
    pub(crate) fn advance<T: Txn>(&mut self, step: &mut Step<'_, T>) -> Result<bool, StoreError> {
        self.return_due(step)?;
        if step.settings.fifo {
            self.mature(step)?;
            self.forget_deduplication(step)?;
            self.forget_attempts(step)?;
        } else {
            self.end_delays(step)?;
        }
        let arrivals_behind = self.expire_arrivals(step)?;
        let behind = self.advance_head(step)?;
        Ok(!behind && !arrivals_behind)
    }

    /// Messages in flight whose deadline has come become visible.
    fn return_due<T: Txn>(&mut self, step: &mut Step<'_, T>) -> Result<(), StoreError> {
        for _ in 0..step.limits.step_budget {
            let floor = &mut self.row.deadline_floor;
            let first = self.deadlines.first(step.txn, self.keys, floor)?;
            let Some(((deadline_ms, seq), _)) = first else {
                return Ok(());
            };
            if deadline_ms > step.now.0 {
                return Ok(());
            }
            let delivery = self.received(step.txn, seq)?;
            self.return_from_flight(step, seq, delivery)?;
        }
        Ok(())
    }

    /// Standard: messages whose delay has ended become visible.
    fn end_delays<T: Txn>(&mut self, step: &mut Step<'_, T>) -> Result<(), StoreError> {
        for _ in 0..step.limits.step_budget {
            let floor = &mut self.row.delay_floor;
            let first = self.delays.first(step.txn, self.keys, floor)?;
            let Some(((due_ms, seq), tenant)) = first else {
                return Ok(());
            };
            if due_ms > step.now.0 {
                return Ok(());
            }
            let tenant = if tenant.is_empty() {
                0
            } else {
                lane_of(&tenant)?
            };
            self.delays.remove(step.txn, self.keys, (due_ms, seq));
            self.row.delayed -= 1;
            self.show(step, tenant, (seq, seq), DELAYED_LANE)?;
            self.row.visible += 1;
        }
        Ok(())
    }

    /// FIFO: moves the maturity line over messages whose delay has ended. The delay is the queue's
    /// as it is now, so a change applies to stored messages; what was mature stays so.
    fn mature<T: Txn>(&mut self, step: &mut Step<'_, T>) -> Result<(), StoreError> {
        for _ in 0..step.limits.step_budget {
            let seq = self.row.mature_seq;
            if seq >= self.row.next_seq {
                return Ok(());
            }
            let Some((_, row)) = self.find_message(step.txn, seq)? else {
                self.row.mature_seq = seq + 1;
                continue;
            };
            let (head, _) = MessageHead::decode(&row)?;
            if head.sent_at.plus_ms(step.settings.delay_ms) > step.now {
                return Ok(());
            }
            self.row.mature_seq = seq + 1;
            self.row.delayed -= 1;
            self.row.visible += 1;
            self.head_appears(step, &head.group_id, seq, GroupOrder::OfHead)?;
        }
        Ok(())
    }
}
