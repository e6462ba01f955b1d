//! The [`Store`](squorum_store::Store) over RocksDB: the only crate that knows it.
//!
//! RocksDB runs without its write-ahead log; the Raft log takes its place. Why that keeps the
//! promises of `squorum-store` (checked in the sources of RocksDB 11.8, `db/db_impl` unless said):
//!
//! 1. *A batch is whole.* A write group enters one memtable: a leader switches memtables before its
//!    group starts (`PreprocessWrite`) and readers see a group only once its last sequence number
//!    is published. A flush writes a memtable as one file, and the file exists from the moment the
//!    manifest names it.
//! 2. *A crash leaves a prefix.* There is one column family, so one line of memtables. A switch runs
//!    alone in the write thread (`SwitchMemtable`), so each memtable holds a closed range of
//!    sequence numbers, above those of the one before; flushes are entered in the manifest strictly
//!    in that order (`MemTableList::TryInstallMemtableFlushResults`). `unordered_write`,
//!    `two_write_queues` and in-place updates, which would break this, are off, and so is pipelined
//!    writing: it overlaps writes to a log that is not there.
//! 3. *A flush is durable.* It switches the memtable and waits until the manifest names everything
//!    up to it; file, directory and manifest are synced on the way. A memtable that an automatic
//!    flush has in hand is waited for too.
//! 4. *A failed flush loses nothing*: the memtables stay, but RocksDB would try again by itself;
//!    whoever sees the error ends the process (design: an fsync is never retried).
//!
//! Threads: everything here blocks. A commit may wait for memtables to be flushed, never call it
//! from an async worker. An iterator or snapshot pins the memtables and files it sees: while one is
//! held, memory can exceed the budget by what was flushed meanwhile.

mod checkpoint;
mod cursor;
mod error;
mod options;
mod replace;
mod snapshot;
mod store;

pub use checkpoint::CheckpointView;
pub use cursor::RocksCursor;
pub use options::Options;
pub use snapshot::RocksSnapshot;
pub use store::RocksStore;
