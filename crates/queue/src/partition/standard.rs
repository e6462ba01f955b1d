//! Standard partitions: messages that came back or whose delay ended are in the ready index, those
//! never received lie at the cursor. Whichever is lower in order goes first.

use bytes::Bytes;
use squorum_store::{Cursor, StoreError, Txn};

use super::dead_letters::Fate;
use super::fair::lane_of;
use super::tenants::Place;
use super::{Candidate, Partition};
use crate::keys::{ORDINARY_LANE, trailing_seq};
use crate::rows::corrupt;
use crate::step::Step;
use crate::stored_message::StoredMessage;

impl Partition {
    /// Takes up to `count` visible messages out of the ready index and from the cursor. Those that
    /// were received too often leave instead, within the step budget.
    pub(crate) fn choose_standard<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        count: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        if self.visible_of_tenants() > 0 {
            return self.choose_fairly(step, count);
        }
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..step.limits.step_budget {
            let wanted = count - chosen.len();
            let some_went = self.choose_some(step, wanted, &mut chosen)?;
            if !some_went || chosen.len() == count {
                break;
            }
        }
        Ok(chosen)
    }

    /// True if a message went instead, so that another look may find more.
    fn choose_some<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        count: usize,
        chosen: &mut Vec<Candidate>,
    ) -> Result<bool, StoreError> {
        let floor = &mut self.row.ready_floor;
        let ready = self.ready.first_many(step.txn, self.keys, floor, count)?;
        let mut ready = ready.into_iter().peekable();
        // Nothing fresh is lower than the cursor: if enough ready ones are, no scan is needed.
        let below_cursor = |key: &(u64, u64)| key.0 <= self.row.cursor_seq;
        let scan = ready.len() < count || !ready.clone().all(|(key, _)| below_cursor(&key));
        let fresh = if scan {
            self.scan_fresh(step, count)?
        } else {
            Vec::new()
        };
        let mut fresh = fresh.into_iter().peekable();

        let mut some_went = false;
        for _ in 0..count {
            let fresh_seq = fresh.peek().map_or(u64::MAX, |(seq, _)| *seq);
            let (candidate, place) = match ready.next_if(|((order, _), _)| *order <= fresh_seq) {
                Some((place, lane)) => (self.ready_candidate(step, place.1, &lane)?, Some(place)),
                None => {
                    let Some((seq, message)) = fresh.next() else {
                        break;
                    };
                    let fresh = Candidate::fresh(seq, ORDINARY_LANE);
                    (Candidate { message, ..fresh }, None)
                }
            };
            match self.take(step, &candidate, place)? {
                Fate::HandedOut => chosen.push(candidate),
                Fate::Gone => some_went = true,
                Fate::Waits => return Ok(false),
            }
        }
        Ok(some_went)
    }

    /// Takes a message from its place in an index, or from the cursor, unless it has to wait there.
    pub(super) fn take<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: &Candidate,
        place: Option<Place>,
    ) -> Result<Fate, StoreError> {
        let fate = self.fate(step, candidate)?;
        match place {
            Some(place) if fate == Fate::HandedOut => self.hide(step, candidate.tenant, place)?,
            None if fate != Fate::Waits => self.row.cursor_seq = candidate.seq + 1,
            _ => {}
        }
        Ok(fate)
    }

    fn ready_candidate<T: Txn>(
        &self,
        step: &Step<'_, T>,
        seq: u64,
        lane: &Bytes,
    ) -> Result<Candidate, StoreError> {
        Ok(Candidate {
            delivery: self.delivery_row(step.txn, seq)?,
            ..Candidate::fresh(seq, lane_of(lane)?)
        })
    }

    /// The next messages that were never received, with their rows where bodies are owed.
    pub(super) fn scan_fresh<T: Txn>(
        &self,
        step: &Step<'_, T>,
        count: usize,
    ) -> Result<Vec<(u64, Option<StoredMessage>)>, StoreError> {
        let mut fresh = Vec::with_capacity(count);
        if self.row.cursor_seq >= self.row.next_seq {
            return Ok(fresh);
        }
        let range = self.keys.messages_from(self.row.cursor_seq);
        let mut cursor = step.txn.scan(&range.start..&range.end)?;
        while fresh.len() < count && cursor.advance()? {
            let (key, _) = cursor.row().ok_or_else(|| corrupt("message table"))?;
            let seq = trailing_seq(key).ok_or_else(|| corrupt("message key"))?;
            let message = match cursor.value_bytes() {
                Some(row) if step.owed => Some(StoredMessage::decode(seq, row)?),
                _ => None,
            };
            fresh.push((seq, message));
        }
        Ok(fresh)
    }

    /// Makes a message visible outside the cursor's order.
    pub(crate) fn insert_ready<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        key: (u64, u64),
        lane: u32,
    ) {
        let lane = Bytes::copy_from_slice(&lane.to_be_bytes());
        self.ready
            .insert(step.txn, self.keys, &mut self.row.ready_floor, key, lane);
    }

    /// Keeps a message that was sent with a delay until it is due.
    pub(crate) fn insert_delayed<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        due_ms: u64,
        seq: u64,
        tenant: u32,
    ) {
        let tenant = match tenant {
            0 => Bytes::new(),
            tenant => Bytes::copy_from_slice(&tenant.to_be_bytes()),
        };
        let floor = &mut self.row.delay_floor;
        self.delays
            .insert(step.txn, self.keys, floor, (due_ms, seq), tenant);
        self.row.delayed += 1;
        self.row.last_delayed_seq = seq;
    }
}
