//! Ordered key-value state under the replicated state machines.
//!
//! A [`Store`] holds the applied state of every group of a node, each group in a key range of its
//! own. It has no write-ahead log: the Raft log is its log. Three promises carry recovery:
//!
//! 1. A [`WriteBatch`] is applied whole or not at all, now and after a crash.
//! 2. After a crash the store holds a *prefix* of the committed batches, in commit order over all
//!    groups, and at least everything committed before the last [`Store::flush`] that returned.
//! 3. A [`Store::Snapshot`] never changes, whatever is committed after it was taken.
//!
//! State machines see only [`View`] and [`Txn`]; they are generic over both, so that the in-memory
//! twin ([`memory`]) and RocksDB run the same code. [`conformance`] is the test suite of both.

mod batch;
pub mod conformance;
mod digest;
mod error;
pub mod memory;
mod overlay;
mod random;
mod rows;
mod view;

pub use batch::{Write, WriteBatch};
pub use digest::{chain_digest, digest_range};
pub use error::StoreError;
pub use overlay::{Overlay, OverlayCursor};
pub use random::Random;
pub use rows::CheckedRows;
pub use view::{Cursor, Row, Txn, View};

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

/// A crash-consistent ordered map shared by all groups of a node. Cheap to clone.
pub trait Store: View + Clone + Send + Sync + 'static {
    /// An unchanging view of the store.
    type Snapshot: View + Send + Sync + 'static;

    /// Applies a batch: visible to every later read when this returns, durable only after
    /// [`flush`](Self::flush).
    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError>;

    /// Writes everything committed before the call to disk and syncs it. Blocks; may take long.
    fn flush(&self) -> Result<(), StoreError>;

    /// The store as it is now.
    fn snapshot(&self) -> Self::Snapshot;

    /// Replaces everything in `range` by `rows`, which come in key order, all or nothing:
    /// after a crash either the old or the new rows are there, and once this returns the new ones
    /// and everything committed before the call. `scratch` is a directory on the same file system
    /// for files under construction; what a crash leaves in it is of no use to anybody.
    ///
    /// Nobody may commit to the range meanwhile (the group installs a snapshot and applies
    /// nothing). Commits outside the range go on, and may be lost in a crash that keeps the rows:
    /// promise 2 orders batches among themselves.
    fn replace_range(
        &self,
        range: Range<Bytes>,
        rows: &mut dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
        scratch: &Path,
    ) -> Result<(), StoreError>;

    /// Bytes that the store's memory takes now, for metrics.
    fn memory_bytes(&self) -> u64;
}
