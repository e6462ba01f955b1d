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
//! twin ([`memory`]) and RocksDB run the same code.

mod batch;
mod error;
pub mod memory;
mod overlay;
mod view;

pub use batch::{Write, WriteBatch};
pub use error::StoreError;
pub use overlay::Overlay;
pub use view::{Cursor, Txn, View};

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
    /// after a crash either the old or the new rows are there. `scratch` is a directory on the
    /// same file system for files under construction.
    fn replace_range(
        &self,
        range: Range<Bytes>,
        rows: &mut dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
        scratch: &Path,
    ) -> Result<(), StoreError>;

    /// Bytes that the store's memory takes now, for metrics.
    fn memory_bytes(&self) -> u64;
}
