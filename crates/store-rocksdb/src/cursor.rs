use std::fmt;
use std::ops::Range;

use rocksdb::{DB, DBRawIterator, ReadOptions};
use squorum_store::{Cursor, Row, StoreError};

use crate::error::store_error;
use crate::options::scan_options;

/// Rows of one state of the store. Pins that state's memtables and files: drop it soon.
pub struct RocksCursor<'a> {
    /// `None` for an empty range.
    iterator: Option<DBRawIterator<'a>>,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Start,
    Row,
    End,
}

impl<'a> RocksCursor<'a> {
    /// `open` makes the iterator, of a database or a snapshot.
    pub(crate) fn new(
        range: Range<&[u8]>,
        open: impl FnOnce(ReadOptions) -> DBRawIterator<'a>,
    ) -> Self {
        let iterator = (range.start < range.end).then(|| {
            let mut iterator = open(scan_options(range.end));
            iterator.seek(range.start);
            iterator
        });
        Self {
            iterator,
            at: At::Start,
        }
    }

    pub(crate) fn of_database(db: &'a DB, range: Range<&[u8]>) -> Self {
        Self::new(range, |options| db.raw_iterator_opt(options))
    }
}

impl fmt::Debug for RocksCursor<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RocksCursor")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Cursor for RocksCursor<'_> {
    fn advance(&mut self) -> Result<bool, StoreError> {
        let Some(iterator) = &mut self.iterator else {
            self.at = At::End;
            return Ok(false);
        };
        match self.at {
            At::Start => {}
            At::Row => iterator.next(),
            At::End => return Ok(false),
        }
        if iterator.valid() {
            self.at = At::Row;
            return Ok(true);
        }
        // An iterator that met an error looks like one at its end.
        self.at = At::End;
        iterator.status().map_err(store_error)?;
        Ok(false)
    }

    fn row(&self) -> Option<Row<'_>> {
        match (self.at, &self.iterator) {
            (At::Row, Some(iterator)) => iterator.item(),
            _ => None,
        }
    }
}
