//! Ordered sets on disk with their lowest keys in memory.
//!
//! Deadlines, returned messages, delays, available groups and expiries are all sets of which only
//! the lowest keys matter now. An [`Index`] keeps them all on disk and a window of the lowest ones
//! in memory, so that the common case reads nothing and the worst case keeps a bounded number.
//!
//! Invariants:
//!
//! 1. The window holds exactly the keys on disk that are covered: all, those up to one, or none.
//! 2. No key on disk has an order below the floor. The floor is persisted with the partition and
//!    depends on the operations alone, never on the window; scans start there.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use squorum_store::{Cursor, StoreError, Txn, View};

use crate::keys::{GenerationKeys, Table};
use crate::rows::corrupt;

/// A key: what it is ordered by, then what makes it unique.
pub(crate) trait IndexKey: Copy + Ord {
    /// The lowest key of an order.
    fn lowest(order: u64) -> Self;
    fn order(self) -> u64;
    fn put(self, key: &mut BytesMut);
    fn decode(suffix: &[u8]) -> Option<Self>;
}

/// An order and a message's position.
impl IndexKey for (u64, u64) {
    fn lowest(order: u64) -> Self {
        (order, 0)
    }

    fn order(self) -> u64 {
        self.0
    }

    fn put(self, key: &mut BytesMut) {
        key.put_u64(self.0);
        key.put_u64(self.1);
    }

    fn decode(suffix: &[u8]) -> Option<Self> {
        let (order, seq) = suffix.split_first_chunk::<8>()?;
        Some((
            u64::from_be_bytes(*order),
            u64::from_be_bytes(*seq.first_chunk::<8>()?),
        ))
    }
}

/// A time of expiry and a hash.
impl IndexKey for (u64, [u8; 16]) {
    fn lowest(order: u64) -> Self {
        (order, [0; 16])
    }

    fn order(self) -> u64 {
        self.0
    }

    fn put(self, key: &mut BytesMut) {
        key.put_u64(self.0);
        key.put_slice(&self.1);
    }

    fn decode(suffix: &[u8]) -> Option<Self> {
        let (order, hash) = suffix.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*order), *hash.first_chunk::<16>()?))
    }
}

#[derive(Clone, Copy, Debug)]
enum Covered<K> {
    Nothing,
    Through(K),
    All,
}

/// One index of one partition. Its floor lives in the partition's row and is passed in.
#[derive(Debug)]
pub(crate) struct Index<K> {
    table: Table,
    window: BTreeMap<K, Bytes>,
    covered: Covered<K>,
    window_entries: usize,
}

impl<K: IndexKey> Index<K> {
    pub(crate) fn new(table: Table, window_entries: usize) -> Index<K> {
        assert!(window_entries >= 2, "a window holds at least two keys");
        Index {
            table,
            window: BTreeMap::new(),
            covered: Covered::Nothing,
            window_entries,
        }
    }

    /// Keys in memory.
    pub(crate) fn len(&self) -> usize {
        self.window.len()
    }

    pub(crate) fn insert<T: Txn>(
        &mut self,
        txn: &mut T,
        keys: GenerationKeys,
        floor: &mut u64,
        key: K,
        value: Bytes,
    ) {
        txn.put_bytes(self.disk_key(keys, key), value.clone());
        *floor = (*floor).min(key.order());
        let covered = match self.covered {
            Covered::All => true,
            Covered::Through(last) => key <= last,
            Covered::Nothing => false,
        };
        if covered {
            self.window.insert(key, value);
            self.shrink();
        }
    }

    pub(crate) fn remove<T: Txn>(&mut self, txn: &mut T, keys: GenerationKeys, key: K) {
        txn.delete_bytes(self.disk_key(keys, key));
        self.window.remove(&key);
    }

    /// Whether the key is there.
    pub(crate) fn contains<V: View>(
        &self,
        view: &V,
        keys: GenerationKeys,
        key: K,
    ) -> Result<bool, StoreError> {
        view.contains(&self.disk_key(keys, key))
    }

    /// The lowest key. Moves the floor to it, or to the end when there is none.
    pub(crate) fn first<V: View>(
        &mut self,
        view: &V,
        keys: GenerationKeys,
        floor: &mut u64,
    ) -> Result<Option<(K, Bytes)>, StoreError> {
        Ok(self.first_many(view, keys, floor, 1)?.pop())
    }

    /// The `count` lowest keys, fewer if there are not so many. Moves the floor as `first` does.
    pub(crate) fn first_many<V: View>(
        &mut self,
        view: &V,
        keys: GenerationKeys,
        floor: &mut u64,
        count: usize,
    ) -> Result<Vec<(K, Bytes)>, StoreError> {
        self.fill(view, keys, *floor, count)?;
        *floor = self
            .window
            .first_key_value()
            .map_or(u64::MAX, |(key, _)| key.order());
        Ok(self
            .window
            .iter()
            .take(count)
            .map(|(key, value)| (*key, value.clone()))
            .collect())
    }

    /// Makes the window hold at least `count` keys, or all there are.
    fn fill<V: View>(
        &mut self,
        view: &V,
        keys: GenerationKeys,
        floor: u64,
        count: usize,
    ) -> Result<(), StoreError> {
        let last = match self.covered {
            Covered::All => return Ok(()),
            Covered::Through(_) if self.window.len() >= count => return Ok(()),
            Covered::Through(last) => Some(last),
            Covered::Nothing => None,
        };
        let start = last.unwrap_or(K::lowest(floor)).max(K::lowest(floor));
        let end = keys.table(self.table).end;
        let mut cursor = view.scan(&self.disk_key(keys, start)..&end)?;
        let wanted = self.window_entries.max(count);
        while let Some((key, value)) = cursor.next()? {
            let suffix = key.get(GenerationKeys::PREFIX_BYTES..);
            let key = suffix
                .and_then(K::decode)
                .ok_or_else(|| corrupt("index key"))?;
            if last == Some(key) {
                continue;
            }
            self.window.insert(key, Bytes::copy_from_slice(value));
            self.covered = Covered::Through(key);
            if self.window.len() >= wanted {
                return Ok(());
            }
        }
        self.covered = Covered::All;
        Ok(())
    }

    /// Lets the higher half of a window that grew too large go: it is on disk.
    fn shrink(&mut self) {
        if self.window.len() <= 2 * self.window_entries {
            return;
        }
        while self.window.len() > self.window_entries {
            self.window.pop_last();
        }
        if let Some((last, _)) = self.window.last_key_value() {
            self.covered = Covered::Through(*last);
        }
    }

    fn disk_key(&self, keys: GenerationKeys, key: K) -> Bytes {
        let mut disk_key = keys.start(self.table);
        key.put(&mut disk_key);
        disk_key.freeze()
    }
}
