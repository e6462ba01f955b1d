use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use rocksdb::{DB, Snapshot};
use self_cell::self_cell;
use squorum_store::{StoreError, View};

use crate::RocksCursor;
use crate::error::store_error;

self_cell!(
    /// A snapshot and the database it belongs to.
    struct Held {
        owner: Arc<DB>,

        #[not_covariant]
        dependent: Snapshot,
    }
);

/// The store at one moment. Keeps the database open and deleted rows from being dropped, so it
/// should not be held for long; its scans leave the block cache to others.
pub struct RocksSnapshot {
    held: Held,
}

impl RocksSnapshot {
    pub(crate) fn new(db: Arc<DB>) -> Self {
        Self {
            held: Held::new(db, |db| db.snapshot()),
        }
    }
}

impl fmt::Debug for RocksSnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = self
            .held
            .with_dependent(|_, snapshot| snapshot.sequence_number());
        formatter
            .debug_struct("RocksSnapshot")
            .field("sequence", &sequence)
            .finish()
    }
}

impl View for RocksSnapshot {
    type Cursor<'a> = RocksCursor<'a>;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.held.with_dependent(|_, snapshot| {
            let value = snapshot.get_pinned(key).map_err(store_error)?;
            Ok(value.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<RocksCursor<'_>, StoreError> {
        Ok(self.held.with_dependent(|db, snapshot| {
            RocksCursor::new(range, |mut options| {
                options.fill_cache(false);
                options.set_snapshot(snapshot);
                db.raw_iterator_opt(options)
            })
        }))
    }
}
