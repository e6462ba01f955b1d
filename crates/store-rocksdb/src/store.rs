use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{Cache, DB, FlushOptions};
use squorum_store::{Store, StoreError, View, Write, WriteBatch};

use crate::error::{file_error, open_error, store_error};
use crate::options::write_options;
use crate::{Options, RocksCursor, RocksSnapshot, replace};

/// Bytes that RocksDB's encoding of a batch adds to a write, at most; and to the batch.
const WRITE_OVERHEAD_BYTES: usize = 11;
const BATCH_HEADER_BYTES: usize = 12;

/// The state of a node in RocksDB. Clones share one database; it closes with the last of them and
/// of their snapshots, and then flushes what is in memory, which blocks.
#[derive(Clone)]
pub struct RocksStore {
    db: Arc<DB>,
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    cache: Cache,
    /// Builds the files of [`Store::replace_range`] as the database builds its own.
    options: rocksdb::Options,
}

impl RocksStore {
    /// Opens the store in directory `path`, or makes a new one if the directory is missing or empty.
    /// What does not look like a whole store is refused, never repaired.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        std::fs::create_dir_all(path).map_err(|error| file_error("create", path, &error))?;
        let cache = options.block_cache();
        let mut database = options.database(&cache);
        database.create_if_missing(is_new(path)?);
        let db = DB::open(&database, path).map_err(|error| open_error(path, error))?;
        let shared = Shared {
            path: path.into(),
            cache,
            options: database,
        };
        Ok(Self {
            db: Arc::new(db),
            shared: Arc::new(shared),
        })
    }

    /// Makes `directory`, which must not exist but its parent must, a copy of the store as it is
    /// now: everything committed before the call, flushed. Files are hard links where they can be,
    /// so `directory` should lie on the same file system; the copy holds on to disk space that the
    /// store itself gives up.
    ///
    /// It is complete once this returns; after a crash in between, delete what is there.
    pub fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        let checkpoint = Checkpoint::new(&self.db).map_err(store_error)?;
        checkpoint.create_checkpoint(directory).map_err(store_error)
    }

    /// A number of RocksDB's own, such as `rocksdb.num-running-compactions`; zero if it has none of
    /// that name.
    pub fn property(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self
            .db
            .property_int_value(name)
            .map_err(store_error)?
            .unwrap_or(0))
    }
}

#[cfg(test)]
impl RocksStore {
    pub(crate) fn db(&self) -> &DB {
        &self.db
    }
}

/// Whether a store may be created in `path`. Table files without the file that names the current
/// manifest are a damaged store: RocksDB would delete them as leftovers of nobody's.
fn is_new(path: &Path) -> Result<bool, StoreError> {
    let mut has_tables = false;
    let entries = std::fs::read_dir(path).map_err(|error| file_error("list", path, &error))?;
    for entry in entries {
        let name = entry
            .map_err(|error| file_error("list", path, &error))?
            .file_name();
        if name == "CURRENT" {
            return Ok(false);
        }
        has_tables |= Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "sst");
    }
    if has_tables {
        return Err(StoreError::Corruption(format!(
            "{} has table files, but its CURRENT file is missing",
            path.display()
        )));
    }
    Ok(true)
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RocksStore")
            .field("path", &self.shared.path)
            .finish()
    }
}

impl View for RocksStore {
    type Cursor<'a> = RocksCursor<'a>;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let value = self.db.get_pinned(key).map_err(store_error)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<RocksCursor<'_>, StoreError> {
        Ok(RocksCursor::of_database(&self.db, range))
    }
}

impl Store for RocksStore {
    type Snapshot = RocksSnapshot;

    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let bytes = BATCH_HEADER_BYTES + batch.bytes() + WRITE_OVERHEAD_BYTES * batch.len();
        let mut encoded = rocksdb::WriteBatch::with_capacity_bytes(bytes);
        for write in batch.writes() {
            match write {
                Write::Put { key, value } => encoded.put(key, value),
                Write::Delete { key } => encoded.delete(key),
            }
        }
        self.db
            .write_opt(encoded, &write_options())
            .map_err(store_error)
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_opt(&options).map_err(store_error)
    }

    fn snapshot(&self) -> RocksSnapshot {
        RocksSnapshot::new(Arc::clone(&self.db))
    }

    fn replace_range(
        &self,
        range: Range<Bytes>,
        rows: &mut dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
        scratch: &Path,
    ) -> Result<(), StoreError> {
        let tables = replace::build(&self.shared.options, range, rows, scratch)?;
        self.flush()?;
        tables.ingest(&self.db)
    }

    /// Memtables (those that snapshots and cursors pin among them), cached blocks, table readers.
    fn memory_bytes(&self) -> u64 {
        let properties = [
            "rocksdb.size-all-mem-tables",
            "rocksdb.estimate-table-readers-mem",
        ];
        let sizes = properties
            .iter()
            .map(|name| self.property(name).unwrap_or(0));
        sizes.sum::<u64>() + self.shared.cache.get_usage() as u64
    }
}
