use std::path::PathBuf;

use thiserror::Error;

/// Why a store could not do what it was asked. Whoever sees one from [`Store::commit`] or
/// [`Store::flush`] must end the process: what memory holds and what the disk holds may differ.
///
/// [`Store::commit`]: crate::Store::commit
/// [`Store::flush`]: crate::Store::flush
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The device or file system refused; the operation may have happened in part on disk, never
    /// visibly.
    #[error("store input or output failed: {0}")]
    Io(String),

    #[error("no space left for the store: {0}")]
    NoSpace(String),

    /// What is on disk is not what was written. Never repaired by deleting.
    #[error("store is corrupt: {0}")]
    Corruption(String),

    /// Another process, or another handle of this one, has the directory open.
    #[error("store {path} is in use by another process: {reason}")]
    InUse { path: PathBuf, reason: String },

    /// The directory does not hold a store that this version can open.
    #[error("store {path} cannot be opened: {reason}")]
    Incompatible { path: PathBuf, reason: String },

    /// The rows handed to [`Store::replace_range`](crate::Store::replace_range) are out of order,
    /// doubled or outside the range.
    #[error("rows for the range are not acceptable: {0}")]
    Rows(String),

    /// The iterator of rows handed to [`Store::replace_range`](crate::Store::replace_range) failed.
    #[error("rows for the range could not be read: {0}")]
    RowSource(String),

    /// The store was closed, or its (simulated) process has crashed.
    #[error("store is closed")]
    Closed,
}
