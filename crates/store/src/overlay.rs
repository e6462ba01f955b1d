//! Pending writes over a base view: what `apply` runs against.
//!
//! One overlay serves one run of entries: their writes gather, reads see them at once, and the
//! whole becomes one [`WriteBatch`]. Between two entries
//! [`take_entry_digest`](Overlay::take_entry_digest) says what the entry before wrote, so that
//! replicas can be compared entry by entry however they grouped the entries into batches.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::iter::Peekable;
use std::ops::{Bound, Range};

use bytes::Bytes;

use crate::digest::WriteDigest;
use crate::{Cursor, Row, StoreError, Txn, View, WriteBatch};

/// Pending rows; `None` is a delete.
type Pending = BTreeMap<Bytes, Option<Bytes>>;

/// A transaction over `base`. Nothing reaches the base before [`into_batch`](Self::into_batch) is
/// committed.
pub struct Overlay<'v, V> {
    base: &'v V,
    pending: Pending,
    digest: WriteDigest,
}

impl<'v, V: View> Overlay<'v, V> {
    pub fn new(base: &'v V) -> Self {
        Self {
            base,
            pending: BTreeMap::new(),
            digest: WriteDigest::default(),
        }
    }

    /// A digest of the writes since the last call (or the start), in the order they were made:
    /// equal on every replica that ran the same entry on the same state. Zero if there were none.
    pub fn take_entry_digest(&mut self) -> u64 {
        self.digest.take()
    }

    /// Number of keys written so far.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The last write to each key, in key order.
    pub fn into_batch(self) -> WriteBatch {
        let mut batch = WriteBatch::with_capacity(self.pending.len());
        for (key, value) in self.pending {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        batch
    }
}

impl<V> fmt::Debug for Overlay<'_, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Overlay")
            .field("pending", &self.pending.len())
            .finish()
    }
}

impl<V: View> View for Overlay<'_, V> {
    type Cursor<'a>
        = OverlayCursor<'a, V::Cursor<'a>>
    where
        Self: 'a;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.pending.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<Self::Cursor<'_>, StoreError> {
        let base: &V = self.base;
        // `BTreeMap::range` panics on a range that ends before it starts.
        let end = range.end.max(range.start);
        let bounds = (Bound::Included(range.start), Bound::Excluded(end));
        Ok(OverlayCursor {
            base: base.scan(range)?,
            pending: self.pending.range::<[u8], _>(bounds).peekable(),
            at: At::Start,
        })
    }
}

impl<V: View> Txn for Overlay<'_, V> {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.put_bytes(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.delete_bytes(Bytes::copy_from_slice(key));
    }

    fn put_bytes(&mut self, key: Bytes, value: Bytes) {
        self.digest.put(&key, &value);
        self.pending.insert(key, Some(value));
    }

    fn delete_bytes(&mut self, key: Bytes) {
        self.digest.delete(&key);
        self.pending.insert(key, None);
    }
}

/// Where the current row of an [`OverlayCursor`] comes from.
#[derive(Debug)]
enum At<'a> {
    Start,
    Base,
    Pending(&'a Bytes, &'a Bytes),
    End,
}

/// Merges the base's rows with pending ones; pending rows win, pending deletes hide.
///
/// Invariants:
/// 1. Unless `at` is `Start`, the base stands on its first row that was not passed yet (or on the
///    current row if `at` is `Base`).
/// 2. `pending` yields only rows that were not passed yet.
pub struct OverlayCursor<'a, C> {
    base: C,
    pending: Peekable<btree_map::Range<'a, Bytes, Option<Bytes>>>,
    at: At<'a>,
}

impl<C> fmt::Debug for OverlayCursor<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OverlayCursor")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl<C: Cursor> Cursor for OverlayCursor<'_, C> {
    fn advance(&mut self) -> Result<bool, StoreError> {
        match self.at {
            At::Start | At::Base => {
                self.base.advance()?;
            }
            At::Pending(..) => {}
            At::End => return Ok(false),
        }
        // Bounded by the pending rows: each round that does not return takes one of them.
        loop {
            let base_key = self.base.row().map(|(key, _)| key);
            let Some(&(key, value)) = self.pending.peek() else {
                self.at = if base_key.is_some() {
                    At::Base
                } else {
                    At::End
                };
                return Ok(base_key.is_some());
            };
            match base_key.map_or(Ordering::Greater, |base| base.cmp(&key[..])) {
                Ordering::Less => {
                    self.at = At::Base;
                    return Ok(true);
                }
                Ordering::Equal => {
                    self.base.advance()?;
                }
                Ordering::Greater => {}
            }
            self.pending.next();
            if let Some(value) = value {
                self.at = At::Pending(key, value);
                return Ok(true);
            }
        }
    }

    fn row(&self) -> Option<Row<'_>> {
        match self.at {
            At::Base => self.base.row(),
            At::Pending(key, value) => Some((key, value)),
            At::Start | At::End => None,
        }
    }

    fn value_bytes(&self) -> Option<Bytes> {
        match self.at {
            At::Base => self.base.value_bytes(),
            At::Pending(_, value) => Some(value.clone()),
            At::Start | At::End => None,
        }
    }
}
