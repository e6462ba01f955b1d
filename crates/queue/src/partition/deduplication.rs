//! Deduplication records: a FIFO message's id blocks the same id for five minutes from the first
//! send, whatever happens to the message.

use bytes::Bytes;
use squorum_proto::queue::DeduplicationRow;
use squorum_store::{StoreError, Txn};
use squorum_types::limits::DEDUPLICATION_WINDOW_MS;

use super::Partition;
use crate::keys::Table;
use crate::rows;
use crate::step::Step;

impl Partition {
    /// The record of the first message with this hash. It may have expired.
    pub(crate) fn deduplication_record<T: Txn>(
        &self,
        step: &Step<'_, T>,
        hash: [u8; 16],
    ) -> Result<Option<DeduplicationRow>, StoreError> {
        rows::get(step.txn, &self.keys.hashed(Table::Deduplication, hash))
    }

    /// Remembers a new message's hash. `expired` is the record that it takes the place of, one that
    /// was not swept yet.
    pub(crate) fn remember_deduplication<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        hash: [u8; 16],
        expired: Option<DeduplicationRow>,
        seq: u64,
        id: Bytes,
    ) {
        let key = self.keys.hashed(Table::Deduplication, hash);
        if let Some(expired) = expired {
            let expiry = (expired.expires_at_ms, hash);
            self.deduplication_expiries
                .remove(step.txn, self.keys, expiry);
        }
        let expires_at_ms = step.now.plus_ms(DEDUPLICATION_WINDOW_MS).0;
        rows::put(
            step.txn,
            key,
            &DeduplicationRow {
                expires_at_ms,
                seq,
                id,
            },
        );
        let floor = &mut self.row.deduplication_floor;
        let expiry = (expires_at_ms, hash);
        self.deduplication_expiries
            .insert(step.txn, self.keys, floor, expiry, Bytes::new());
    }

    /// Removes records whose time is over.
    pub(crate) fn forget_deduplication<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
    ) -> Result<(), StoreError> {
        for _ in 0..step.limits.step_budget {
            let floor = &mut self.row.deduplication_floor;
            let first = self
                .deduplication_expiries
                .first(step.txn, self.keys, floor)?;
            let Some(((expires_at_ms, hash), _)) = first else {
                return Ok(());
            };
            if expires_at_ms > step.now.0 {
                return Ok(());
            }
            let expiry = (expires_at_ms, hash);
            self.deduplication_expiries
                .remove(step.txn, self.keys, expiry);
            step.txn
                .delete_bytes(self.keys.hashed(Table::Deduplication, hash));
        }
        Ok(())
    }
}
