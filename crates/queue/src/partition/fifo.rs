//! FIFO partitions: messages are found through their groups.
//!
//! Invariants:
//!
//! 1. A group has a row while it has messages; the row names the lowest one, the head.
//! 2. A group is in the available index, under its row's position, exactly while its head is
//!    neither in flight nor delayed. So one look at the index finds every group that can give
//!    something, and a group whose head is in flight gives nothing: the lock.
//! 3. What a group can give is the run of messages from its head to the first that is in flight or
//!    delayed: nothing overtakes a message in flight.
//!
//! A group's position is its head's, so the group with the oldest message goes first. One whose head
//! was received and comes back goes behind the others, as AWS's does, so that consumers see them all
//! whatever becomes of one group.

use bytes::Bytes;
use squorum_proto::queue::GroupRow;
use squorum_store::{Cursor, StoreError, Txn, View};

use super::dead_letters::Fate;
use super::{Candidate, Partition};
use crate::keys::{ORDINARY_LANE, trailing_seq};
use crate::rows::{self, corrupt};
use crate::step::Step;

/// A group that a receive takes messages from.
#[derive(Debug)]
pub(crate) struct Served {
    group_id: String,
    row: GroupRow,
}

/// Where a group stands among those that can give something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GroupOrder {
    /// By the age of its head.
    OfHead,
    /// Behind all others.
    Last,
}

impl Partition {
    /// Up to `count` messages of available groups, once those have gone that are not handed out.
    /// The groups stay as they are: see [`groups_served`](Self::groups_served).
    pub(crate) fn choose_fifo<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        count: usize,
    ) -> Result<(Vec<Candidate>, Vec<Served>), StoreError> {
        for _ in 0..step.limits.step_budget {
            let (chosen, served) = self.look_for_fifo(step, count)?;
            let mut some_went = false;
            for candidate in &chosen {
                match self.fate(step, candidate)? {
                    Fate::HandedOut => {}
                    Fate::Gone => some_went = true,
                    Fate::Waits => return Ok((Vec::new(), Vec::new())),
                }
            }
            if !some_went {
                return Ok((chosen, served));
            }
        }
        Ok((Vec::new(), Vec::new()))
    }

    fn look_for_fifo<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        count: usize,
    ) -> Result<(Vec<Candidate>, Vec<Served>), StoreError> {
        let floor = &mut self.row.available_floor;
        let available = self
            .available
            .first_many(step.txn, self.keys, floor, count)?;
        let mut chosen = Vec::with_capacity(count);
        let mut served = Vec::new();
        for ((_, head_seq), group_id) in available {
            if chosen.len() >= count {
                break;
            }
            let group_id =
                String::from_utf8(group_id.to_vec()).map_err(|_| corrupt("available group"))?;
            let wanted = count - chosen.len();
            let row = self.group(step, &group_id)?;
            let seqs = if wanted == 1 || row.count == 1 {
                vec![head_seq]
            } else {
                self.group_seqs(step.txn, &group_id, head_seq, wanted)?
            };
            for seq in seqs {
                let delivery = self.delivery_row(step.txn, seq)?;
                let in_flight = delivery.as_ref().is_some_and(|row| row.deadline_ms > 0);
                if in_flight || seq >= self.row.mature_seq {
                    break;
                }
                chosen.push(Candidate {
                    delivery,
                    group_id: group_id.clone(),
                    ..Candidate::fresh(seq, ORDINARY_LANE)
                });
            }
            served.push(Served { group_id, row });
        }
        Ok((chosen, served))
    }

    /// Locks the groups of a receive, or moves them behind the others if nothing became invisible.
    pub(crate) fn groups_served<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        served: Vec<Served>,
        visibility_timeout_ms: u64,
    ) -> Result<(), StoreError> {
        for Served { group_id, mut row } in served {
            self.make_unavailable(step, &mut row);
            if visibility_timeout_ms == 0 {
                let position = self.take_back_place();
                self.make_available(step, &group_id, &mut row, position);
            }
            rows::put(step.txn, self.keys.message_group(&group_id), &row);
        }
        Ok(())
    }

    /// Adds a new message at the end of its group: delayed, or visible if the queue has no delay.
    pub(crate) fn join_group<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        seq: u64,
    ) -> Result<(), StoreError> {
        let mature = step.settings.delay_ms == 0 && self.row.mature_seq == seq;
        if mature {
            self.row.mature_seq = seq + 1;
            self.row.visible += 1;
        } else {
            self.row.delayed += 1;
        }
        self.group_push(step, group_id, seq)
    }

    fn group_push<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        seq: u64,
    ) -> Result<(), StoreError> {
        let row_key = self.keys.message_group(group_id);
        let group: Option<GroupRow> = rows::get(step.txn, &row_key)?;
        let mut group = group.unwrap_or(GroupRow {
            head_seq: seq,
            ..GroupRow::default()
        });
        group.count += 1;
        if group.head_seq == seq && seq < self.row.mature_seq {
            self.make_available(step, group_id, &mut group, seq);
        }
        step.txn
            .put_bytes(self.keys.group_message(group_id, seq), Bytes::new());
        rows::put(step.txn, row_key, &group);
        Ok(())
    }

    /// Takes a message, whose delivery row is gone already, out of its group.
    pub(crate) fn group_remove<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        seq: u64,
    ) -> Result<(), StoreError> {
        step.txn
            .delete_bytes(self.keys.group_message(group_id, seq));
        let row_key = self.keys.message_group(group_id);
        let mut group = self.group(step, group_id)?;
        group.count -= 1;
        if group.head_seq == seq {
            self.make_unavailable(step, &mut group);
            if group.count == 0 {
                step.txn.delete_bytes(row_key);
                return Ok(());
            }
            let next = self.group_seqs(step.txn, group_id, seq + 1, 1)?;
            group.head_seq = *next.first().ok_or_else(|| corrupt("group count"))?;
            self.offer(step, group_id, &mut group)?;
        }
        rows::put(step.txn, row_key, &group);
        Ok(())
    }

    /// A message became visible: if it is its group's head, the group is available.
    pub(crate) fn head_appears<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        seq: u64,
        order: GroupOrder,
    ) -> Result<(), StoreError> {
        let mut group = self.group(step, group_id)?;
        if group.head_seq == seq && group.position == 0 {
            let position = match order {
                GroupOrder::OfHead => seq,
                GroupOrder::Last => self.take_back_place(),
            };
            self.make_available(step, group_id, &mut group, position);
            rows::put(step.txn, self.keys.message_group(group_id), &group);
        }
        Ok(())
    }

    /// Makes a group available at its head's place if its head can be given.
    fn offer<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        group: &mut GroupRow,
    ) -> Result<(), StoreError> {
        let delivery = self.delivery_row(step.txn, group.head_seq)?;
        let in_flight = delivery.is_some_and(|row| row.deadline_ms > 0);
        if !in_flight && group.head_seq < self.row.mature_seq {
            self.make_available(step, group_id, group, group.head_seq);
        }
        Ok(())
    }

    fn make_available<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        group_id: &str,
        group: &mut GroupRow,
        position: u64,
    ) {
        assert!(
            group.position == 0 && position > 0,
            "the group is in the index once"
        );
        group.position = position;
        let floor = &mut self.row.available_floor;
        let key = (position, group.head_seq);
        let group_id = Bytes::copy_from_slice(group_id.as_bytes());
        self.available
            .insert(step.txn, self.keys, floor, key, group_id);
        self.row.available_groups += 1;
    }

    fn make_unavailable<T: Txn>(&mut self, step: &mut Step<'_, T>, group: &mut GroupRow) {
        if group.position != 0 {
            self.available
                .remove(step.txn, self.keys, (group.position, group.head_seq));
            group.position = 0;
            self.row.available_groups -= 1;
        }
    }

    fn group<T: Txn>(&self, step: &Step<'_, T>, group_id: &str) -> Result<GroupRow, StoreError> {
        let group = rows::get(step.txn, &self.keys.message_group(group_id))?;
        group.ok_or_else(|| corrupt("a message without its group"))
    }

    fn group_seqs<V: View>(
        &self,
        view: &V,
        group_id: &str,
        from: u64,
        count: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let range = self.keys.group_messages_from(group_id, from);
        let mut cursor = view.scan(&range.start..&range.end)?;
        let mut seqs = Vec::with_capacity(count);
        while seqs.len() < count {
            let Some((key, _)) = cursor.next()? else {
                break;
            };
            seqs.push(trailing_seq(key).ok_or_else(|| corrupt("group message key"))?);
        }
        Ok(seqs)
    }
}
