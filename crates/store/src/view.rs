use std::ops::Range;

use bytes::Bytes;

use crate::StoreError;

/// A key and its value, lent by a cursor.
pub type Row<'a> = (&'a [u8], &'a [u8]);

/// Reads of an ordered map.
pub trait View {
    type Cursor<'a>: Cursor
    where
        Self: 'a;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The rows of `range` in key order, none if its start is not below its end. Start exactly at
    /// the first row wanted: a scan over deleted rows is paid for one by one.
    ///
    /// Every cursor sees one state of the view, that of the moment `scan` was called.
    fn scan(&self, range: Range<&[u8]>) -> Result<Self::Cursor<'_>, StoreError>;

    fn contains(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(key)?.is_some())
    }
}

/// Rows in key order. A lending iterator: a row is valid until the next step.
///
/// Callers use [`next`](Self::next); [`advance`](Self::advance) and [`row`](Self::row) are its two
/// halves, so that cursors can be merged without copying rows.
pub trait Cursor {
    /// Steps to the next row (at first: to the first one). False at the end, and ever after.
    fn advance(&mut self) -> Result<bool, StoreError>;

    /// The row that the last [`advance`](Self::advance) stepped to; `None` before the first step
    /// and at the end.
    fn row(&self) -> Option<Row<'_>>;

    /// The value of [`row`](Self::row) as shared bytes: without a copy where the cursor has it so.
    fn value_bytes(&self) -> Option<Bytes> {
        self.row().map(|(_, value)| Bytes::copy_from_slice(value))
    }

    #[allow(
        clippy::should_implement_trait,
        reason = "lends, so it cannot be an Iterator"
    )]
    fn next(&mut self) -> Result<Option<Row<'_>>, StoreError> {
        self.advance()?;
        Ok(self.row())
    }
}

/// A view that also takes writes, which later reads of the same transaction see.
pub trait Txn: View {
    fn put(&mut self, key: &[u8], value: &[u8]);

    fn delete(&mut self, key: &[u8]);

    /// [`put`](Self::put) for what is already in shared buffers: a value that is a slice of the
    /// entry costs no copy.
    fn put_bytes(&mut self, key: Bytes, value: Bytes) {
        self.put(&key, &value);
    }

    /// [`delete`](Self::delete) for a key that is already in a shared buffer.
    fn delete_bytes(&mut self, key: Bytes) {
        self.delete(&key);
    }
}
