//! Replacing a key range all or nothing.
//!
//! The new rows are built as table files. Each file covers its own part of the range, holds a range
//! tombstone over that part and the new rows in it; a tombstone does not touch the rows of its own
//! file, since all of a file share one sequence number. Together the parts cover the range without
//! a gap, and the database takes all files in one manifest entry. So old rows vanish and new ones
//! appear in the same step, for readers and over a crash.
//!
//! What a crash leaves, step by step:
//!
//! 1. Files being built: they lie in the scratch directory, the database knows nothing of them.
//! 2. Everything committed before is flushed, so no older row is left in a memtable.
//! 3. Files hard-linked into the database and synced, manifest not yet written: opening the database
//!    deletes links that the manifest does not name.
//! 4. Manifest written: the replacement is done. Names left in the scratch directory are links to
//!    files the database owns, and deleting them does no harm.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rocksdb::{DB, IngestExternalFileOptions, SstFileWriter};
use squorum_store::{CheckedRows, StoreError};

use crate::error::{file_error, store_error};

/// Bytes of rows after which the next table file is begun.
const TABLE_BYTES: usize = 64 << 20;

type Rows<'a> = dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>> + 'a;

/// Table files that replace a range, not yet part of a database. They are deleted on drop.
pub(crate) struct Tables {
    directory: PathBuf,
    files: Vec<PathBuf>,
}

/// Builds and syncs the files for `range` in a fresh directory below `scratch`.
pub(crate) fn build(
    options: &rocksdb::Options,
    range: Range<Bytes>,
    rows: &mut Rows<'_>,
    scratch: &Path,
) -> Result<Tables, StoreError> {
    build_parts(options, range, rows, scratch, TABLE_BYTES)
}

fn build_parts(
    options: &rocksdb::Options,
    range: Range<Bytes>,
    rows: &mut Rows<'_>,
    scratch: &Path,
    part_bytes: usize,
) -> Result<Tables, StoreError> {
    let mut rows = CheckedRows::new(range.clone(), rows)?.peekable();
    let mut tables = Tables::new(scratch)?;
    let mut start = range.start;
    loop {
        let path = tables.next_file();
        let mut writer = SstFileWriter::create(options);
        writer.open(&path).map_err(store_error)?;
        let mut bytes = 0;
        while bytes < part_bytes
            && let Some(row) = rows.next()
        {
            let (key, value) = row?;
            bytes += key.len() + value.len();
            writer.put(key, value).map_err(store_error)?;
        }
        let next_start = match rows.peek() {
            Some(Ok((key, _))) => Some(key.clone()),
            Some(Err(error)) => return Err(error.clone()),
            None => None,
        };
        let end = next_start.as_ref().unwrap_or(&range.end);
        writer.delete_range(&start, end).map_err(store_error)?;
        // Syncs the file.
        writer.finish().map_err(store_error)?;
        match next_start {
            Some(next) => start = next,
            None => return Ok(tables),
        }
    }
}

impl Tables {
    fn new(scratch: &Path) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(scratch).map_err(|error| file_error("create", scratch, &error))?;
        loop {
            // A directory of this name may be left from an earlier process.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let directory = scratch.join(format!("range-{}-{number}", std::process::id()));
            match std::fs::create_dir(&directory) {
                Ok(()) => {
                    return Ok(Self {
                        directory,
                        files: Vec::new(),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(file_error("create", &directory, &error)),
            }
        }
    }

    fn next_file(&mut self) -> PathBuf {
        let path = self.directory.join(format!("{:06}.sst", self.files.len()));
        self.files.push(path.clone());
        path
    }

    /// Puts the files into `db`, all or nothing.
    pub(crate) fn ingest(self, db: &DB) -> Result<(), StoreError> {
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        options.set_snapshot_consistency(true);
        options.set_allow_global_seqno(true);
        // Commits to other ranges since the flush may be in the memtable; they must not be refused.
        options.set_allow_blocking_flush(true);
        let files = self.files.iter().collect();
        db.ingest_external_file_opts(&options, files)
            .map_err(store_error)
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // If this fails, the files are waste in a scratch directory, no more.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use squorum_store::{Cursor, Store, View, WriteBatch};

    use super::*;
    use crate::{Options, RocksStore};

    /// Many files, one row each: their tombstones together leave no old row, not even between two
    /// new ones, and none of them takes a new row of another file.
    #[test]
    fn parts_cover_the_range_without_a_gap() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::default();
        let store = RocksStore::open(&directory.path().join("db"), &options).unwrap();
        let key = |number: u32| Bytes::copy_from_slice(&number.to_be_bytes());
        // Old rows at every number, in several levels and in the memtable.
        for third in 0..3 {
            let mut batch = WriteBatch::new();
            (0..100)
                .filter(|number| number % 3 == third)
                .for_each(|number| {
                    batch.put(key(number), "old");
                });
            store.commit(batch).unwrap();
            if third < 2 {
                store.flush().unwrap();
            }
        }
        let mut rows = (10..90)
            .step_by(5)
            .map(|number| Ok((key(number), Bytes::from("new"))));
        let database = options.database(&options.block_cache());
        let scratch = directory.path().join("scratch");
        let tables = build_parts(&database, key(8)..key(92), &mut rows, &scratch, 1).unwrap();
        assert_eq!(tables.files.len(), 16);
        tables.ingest(store.db()).unwrap();
        assert_eq!(
            std::fs::read_dir(&scratch).unwrap().count(),
            0,
            "scratch is left full"
        );

        let mut cursor = store.scan(&[0; 4]..&[9; 4]).unwrap();
        let mut found = Vec::new();
        while let Some((key, value)) = cursor.next().unwrap() {
            found.push((u32::from_be_bytes(key.try_into().unwrap()), value == b"new"));
        }
        let expect: Vec<_> = (0..100)
            .filter_map(|number| match number {
                8..92 => ((10..90).contains(&number) && number % 5 == 0).then_some((number, true)),
                _ => Some((number, false)),
            })
            .collect();
        assert_eq!(found, expect);
    }
}
