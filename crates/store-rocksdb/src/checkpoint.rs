use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rocksdb::DB;
use squorum_store::{StoreError, View};

use crate::error::{open_error, store_error};
use crate::{Options, RocksCursor};

/// A checkpoint that [`RocksStore::checkpoint`](crate::RocksStore::checkpoint) made, opened to be
/// read. It writes nothing but RocksDB's information log. The directory may be deleted once this is
/// dropped.
pub struct CheckpointView {
    db: DB,
    path: PathBuf,
}

impl CheckpointView {
    /// Memtables take nothing here; of the options, the cache and the open files count.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        let database = options.database(&options.block_cache());
        let db = DB::open_for_read_only(&database, directory, false)
            .map_err(|error| open_error(directory, error))?;
        Ok(Self {
            db,
            path: directory.into(),
        })
    }
}

impl fmt::Debug for CheckpointView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CheckpointView")
            .field("path", &self.path)
            .finish()
    }
}

impl View for CheckpointView {
    type Cursor<'a> = RocksCursor<'a>;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let value = self.db.get_pinned(key).map_err(store_error)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<RocksCursor<'_>, StoreError> {
        Ok(RocksCursor::of_database(&self.db, range))
    }
}
