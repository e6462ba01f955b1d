use std::ops::Range;

use bytes::Bytes;

use crate::StoreError;

/// Reads of an ordered map.
pub trait View {
    type Cursor<'a>: Cursor
    where
        Self: 'a;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The rows of `range` in key order. Start exactly at the first row wanted: a scan over deleted
    /// rows is paid for one by one.
    fn scan(&self, range: Range<&[u8]>) -> Result<Self::Cursor<'_>, StoreError>;
}

/// Rows in key order. A lending iterator: a row is valid until the next call.
pub trait Cursor {
    #[allow(clippy::should_implement_trait, reason = "lends, so it cannot be an Iterator")]
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>, StoreError>;
}

/// A view that also takes writes, which later reads of the same transaction see.
pub trait Txn: View {
    fn put(&mut self, key: &[u8], value: &[u8]);

    fn delete(&mut self, key: &[u8]);
}
