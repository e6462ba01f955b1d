use std::ops::Range;

use bytes::Bytes;

use crate::StoreError;

type Row = Result<(Bytes, Bytes), StoreError>;

/// Rows for [`Store::replace_range`](crate::Store::replace_range), each checked to lie within the
/// range and above the one before. Every store reads its rows through this.
pub struct CheckedRows<'a> {
    range: Range<Bytes>,
    before: Option<Bytes>,
    rows: &'a mut dyn Iterator<Item = Row>,
}

impl<'a> CheckedRows<'a> {
    /// Refuses an empty range.
    pub fn new(
        range: Range<Bytes>,
        rows: &'a mut dyn Iterator<Item = Row>,
    ) -> Result<Self, StoreError> {
        if range.start >= range.end {
            return Err(StoreError::Rows(format!("range {range:?} is empty")));
        }
        Ok(Self {
            range,
            before: None,
            rows,
        })
    }

    fn check(&mut self, key: &Bytes) -> Result<(), StoreError> {
        if !self.range.contains(key) {
            return Err(StoreError::Rows(format!(
                "key {key:?} is outside {:?}",
                self.range
            )));
        }
        match self.before.replace(key.clone()) {
            Some(before) if before >= *key => {
                Err(StoreError::Rows(format!("key {key:?} follows {before:?}")))
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for CheckedRows<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CheckedRows")
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Iterator for CheckedRows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        Some(self.rows.next()?.and_then(|(key, value)| {
            self.check(&key)?;
            Ok((key, value))
        }))
    }
}
