use std::fmt;
use std::ops::{Bound, Range};
use std::sync::Arc;

use bytes::Bytes;

use super::state::Rows;
use crate::{Cursor, Row, StoreError};

/// Rows of one state of the twin. Holds that state, so commits go on beside it; the first of them
/// copies the map, which is why cursors should not outlive the scan they serve.
pub struct MemoryCursor {
    rows: Arc<Rows>,
    /// Where the next row is looked for.
    from: Bound<Bytes>,
    end: Bytes,
    current: Option<(Bytes, Bytes)>,
}

impl MemoryCursor {
    pub(super) fn new(rows: Arc<Rows>, range: Range<&[u8]>) -> Self {
        Self {
            rows,
            from: Bound::Included(Bytes::copy_from_slice(range.start)),
            // `BTreeMap::range` panics on a range that ends before it starts.
            end: Bytes::copy_from_slice(range.end.max(range.start)),
            current: None,
        }
    }
}

impl fmt::Debug for MemoryCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryCursor")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Cursor for MemoryCursor {
    fn advance(&mut self) -> Result<bool, StoreError> {
        let bounds = (self.from.as_ref(), Bound::Excluded(&self.end));
        let row = self.rows.range::<Bytes, _>(bounds).next();
        self.current = row.map(|(key, value)| (key.clone(), value.clone()));
        self.from = match &self.current {
            Some((key, _)) => Bound::Excluded(key.clone()),
            None => Bound::Included(self.end.clone()),
        };
        Ok(self.current.is_some())
    }

    fn row(&self) -> Option<Row<'_>> {
        self.current
            .as_ref()
            .map(|(key, value)| (&key[..], &value[..]))
    }

    fn value_bytes(&self) -> Option<Bytes> {
        self.current.as_ref().map(|(_, value)| value.clone())
    }
}
