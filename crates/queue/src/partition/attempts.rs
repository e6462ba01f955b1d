//! Receive attempts: a FIFO receive repeated with its attempt id gives the same messages under the
//! same handles, as long as none of them was changed since.

use bytes::Bytes;
use squorum_proto::queue::{AttemptRow, DeliveredMessage};
use squorum_store::{StoreError, Txn};
use squorum_types::limits::RECEIVE_ATTEMPT_WINDOW_MS;

use super::Partition;
use crate::keys::{ORDINARY_LANE, Table};
use crate::rows;
use crate::step::Step;

pub(crate) type AttemptHash = [u8; 16];

impl Partition {
    /// The deliveries that the attempt got before, their visibility timeouts restarted.
    pub(crate) fn replay_attempt<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        hash: AttemptHash,
        visibility_timeout_ms: u64,
    ) -> Result<Option<AttemptRow>, StoreError> {
        let key = self.keys.hashed(Table::Attempt, hash);
        let Some(mut attempt) = rows::get::<AttemptRow, _>(step.txn, &key)? else {
            return Ok(None);
        };
        if attempt.expires_at_ms <= step.now.0 || visibility_timeout_ms == 0 {
            return Ok(None);
        }
        let mut rows_of_deliveries = Vec::with_capacity(attempt.deliveries.len());
        for delivered in &attempt.deliveries {
            match self.delivery_row(step.txn, delivered.seq)? {
                Some(row)
                    if row.delivery_number == delivered.delivery_number
                        && row.deadline_ms == attempt.deadline_ms =>
                {
                    rows_of_deliveries.push((delivered.seq, row));
                }
                _ => return Ok(None),
            }
        }
        attempt.deadline_ms = step.now.plus_ms(visibility_timeout_ms).0;
        for (seq, mut row) in rows_of_deliveries {
            self.take_from_flight(step, seq, &mut row)?;
            self.put_in_flight(step, seq, row, attempt.deadline_ms)?;
            if step.owed {
                let message = self.read_message(step, ORDINARY_LANE, seq)?;
                step.messages.extend(message);
            }
        }
        attempt.repeats += 1;
        rows::put(step.txn, key, &attempt);
        Ok(Some(attempt))
    }

    /// Remembers what an attempt received.
    pub(crate) fn remember_attempt<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        hash: AttemptHash,
        deliveries: &[DeliveredMessage],
        visibility_timeout_ms: u64,
    ) -> Result<(), StoreError> {
        self.forget_attempt(step, hash)?;
        if deliveries.is_empty() || visibility_timeout_ms == 0 {
            return Ok(());
        }
        let attempt = AttemptRow {
            expires_at_ms: step.now.plus_ms(RECEIVE_ATTEMPT_WINDOW_MS).0,
            deadline_ms: step.now.plus_ms(visibility_timeout_ms).0,
            deliveries: deliveries.to_vec(),
            repeats: 0,
            releases: 0,
        };
        rows::put(step.txn, self.keys.hashed(Table::Attempt, hash), &attempt);
        let floor = &mut self.row.attempt_floor;
        let expiry = (attempt.expires_at_ms, hash);
        self.attempt_expiries
            .insert(step.txn, self.keys, floor, expiry, Bytes::new());
        Ok(())
    }

    /// One of the receives that gave an attempt's deliveries is undone. True if that was the last of
    /// them: nobody has the deliveries then. False also when there is no record of them any more.
    pub(crate) fn release_attempt<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        hash: AttemptHash,
        deliveries: &[DeliveredMessage],
    ) -> Result<bool, StoreError> {
        let key = self.keys.hashed(Table::Attempt, hash);
        let attempt = rows::get::<AttemptRow, _>(step.txn, &key)?;
        let Some(mut attempt) = attempt.filter(|attempt| attempt.deliveries == deliveries) else {
            return Ok(false);
        };
        attempt.releases += 1;
        if attempt.releases <= attempt.repeats {
            rows::put(step.txn, key, &attempt);
            return Ok(false);
        }
        self.forget_attempt(step, hash)?;
        Ok(true)
    }

    /// Removes an attempt's record, if there is one.
    pub(crate) fn forget_attempt<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        hash: AttemptHash,
    ) -> Result<(), StoreError> {
        let key = self.keys.hashed(Table::Attempt, hash);
        if let Some(old) = rows::get::<AttemptRow, _>(step.txn, &key)? {
            self.attempt_expiries
                .remove(step.txn, self.keys, (old.expires_at_ms, hash));
            step.txn.delete_bytes(key);
        }
        Ok(())
    }

    /// Removes records whose time is over.
    pub(crate) fn forget_attempts<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
    ) -> Result<(), StoreError> {
        for _ in 0..step.limits.step_budget {
            let floor = &mut self.row.attempt_floor;
            let first = self.attempt_expiries.first(step.txn, self.keys, floor)?;
            match first {
                Some(((expires_at_ms, hash), _)) if expires_at_ms <= step.now.0 => {
                    self.forget_attempt(step, hash)?;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
