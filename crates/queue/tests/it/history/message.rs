//! What is known of one message.

use std::collections::BTreeSet;

use bytes::Bytes;
use squorum_proto::queue as proto;

#[derive(Clone, Debug)]
struct Delivery {
    number: u64,
    /// The receives that gave it and were not undone.
    holders: BTreeSet<ReceiveId>,
    /// The message is nobody else's before. 0 if that was ended.
    deadline_ms: u64,
}

/// A session and a number.
pub(super) type ReceiveId = (u64, u64);

#[derive(Debug)]
pub(super) struct MessageHistory {
    pub(super) id: Bytes,
    pub(super) group_id: String,
    pub(super) sent_at_ms: u64,
    visible_at_ms: u64,
    delivery: Option<Delivery>,
    receive_count: u64,
    /// The delivery may have been undone, or not: nobody holds it.
    is_in_doubt: bool,
    pub(super) removed: bool,
    pub(super) may_have_expired: bool,
}

impl MessageHistory {
    pub(super) fn new(new: &proto::NewMessage, clock_ms: u64, fifo: bool) -> Self {
        MessageHistory {
            id: new.id.clone(),
            group_id: new.group_id.clone(),
            sent_at_ms: clock_ms,
            visible_at_ms: match new.deliver_at_ms {
                _ if fifo => clock_ms,
                0 => clock_ms + new.delay_ms,
                deliver_at_ms => deliver_at_ms,
            },
            delivery: None,
            receive_count: 0,
            is_in_doubt: false,
            removed: false,
            may_have_expired: false,
        }
    }

    pub(super) fn must_live(&self) -> bool {
        !self.removed && !self.may_have_expired
    }

    /// And not only by receives that were undone.
    pub(super) fn was_received(&self) -> bool {
        self.receive_count > 0
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    pub(super) fn is_current(&self, delivery_number: u64, clock_ms: u64) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| {
            delivery.number == delivery_number && delivery.deadline_ms > clock_ms
        })
    }

    pub(super) fn delivered(
        &mut self,
        delivered: &proto::DeliveredMessage,
        receive: ReceiveId,
        clock_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), String> {
        if self.removed {
            return Err(format!("P6: delivered after its removal: {self:?}"));
        }
        if self.visible_at_ms > clock_ms {
            return Err(format!("P2: delivered before its delay ended: {self:?}"));
        }
        let was_in_doubt = std::mem::take(&mut self.is_in_doubt);
        let in_flight = self.delivery.as_ref();
        let in_flight = in_flight.is_some_and(|delivery| delivery.deadline_ms > clock_ms);
        if in_flight && !was_in_doubt {
            return Err(format!("P2: delivered while it is another's: {self:?}"));
        }
        let count = delivered.receive_count;
        let was_undone = was_in_doubt && count == self.receive_count;
        if count != self.receive_count + 1 && !was_undone {
            return Err(format!("received {count} times: {self:?}"));
        }
        self.receive_count = count;
        self.delivery = Some(Delivery {
            number: delivered.delivery_number,
            holders: BTreeSet::from([receive]),
            deadline_ms,
        });
        Ok(())
    }

    /// An attempt was repeated and gave the message again.
    pub(super) fn replayed(
        &mut self,
        delivered: &proto::DeliveredMessage,
        receive: ReceiveId,
        deadline_ms: u64,
    ) -> Result<(), String> {
        match &mut self.delivery {
            Some(delivery) if delivery.number == delivered.delivery_number => {
                delivery.deadline_ms = deadline_ms;
                delivery.holders.insert(receive);
                self.is_in_doubt = false;
            }
            _ => return Err(format!("a delivery number again: {self:?}")),
        }
        if self.removed {
            return Err(format!("P6: delivered again after its removal: {self:?}"));
        }
        if delivered.receive_count != self.receive_count {
            return Err(format!("a repeated attempt counted: {self:?}"));
        }
        Ok(())
    }

    /// The message is invisible until then, whoever has it.
    pub(super) fn changed(&mut self, deadline_ms: u64) -> Result<(), String> {
        if self.removed || self.receive_count == 0 {
            return Err(format!("changed without a handle: {self:?}"));
        }
        self.is_in_doubt = false;
        match &mut self.delivery {
            Some(delivery) => delivery.deadline_ms = deadline_ms,
            // Its last receive was undone.
            None => self.visible_at_ms = deadline_ms,
        }
        Ok(())
    }

    /// A receive was undone, and with it the delivery, if nobody has it by another receive. Of an
    /// attempt only as long as it is remembered, which does not show here.
    pub(super) fn released(
        &mut self,
        delivery_number: u64,
        receive: ReceiveId,
        clock_ms: u64,
        is_attempt: bool,
    ) {
        let Some(delivery) = &mut self.delivery else {
            return;
        };
        let was_its_own = delivery.holders.remove(&receive) && delivery.holders.is_empty();
        // One whose timeout has ended stays as it is.
        if !was_its_own || !self.is_current(delivery_number, clock_ms) {
            return;
        }
        if is_attempt {
            self.is_in_doubt = true;
        } else {
            self.receive_count -= 1;
            self.delivery = None;
        }
    }
}
