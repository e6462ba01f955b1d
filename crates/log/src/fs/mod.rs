//! The file system as the log sees it: small enough to be simulated in full (see
//! [`sim`](crate::sim)), large enough to be honest about durability.
//!
//! Contract, for the real one and the twin:
//!
//! 1. Written data is durable after `sync_data` of its file returned `Ok`, never before.
//! 2. A created, renamed or removed name is durable after `sync_dir` of its directory.
//! 3. A failed `sync_data` may have dropped what it should have written; syncing again says nothing.
//! 4. A sector of 512 bytes is written whole or not at all.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod real;

pub use real::RealFileSystem;

/// An open file, readable and writable at any offset from any thread.
pub trait File: Debug + Send + Sync {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// True if the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`, or fails with `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file at least `length_bytes` long, zeros beyond what it had, and the whole of it
    /// durable, so that a later sync of data within that length needs to change no metadata.
    fn preallocate(&self, length_bytes: u64) -> io::Result<()>;

    /// Cuts the file to `length_bytes`.
    fn set_len(&self, length_bytes: u64) -> io::Result<()>;

    /// Makes data and length durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
}

/// Held while a directory is locked; dropping it unlocks.
pub trait DirectoryLock: Debug + Send + Sync {}

/// Files and directories.
pub trait FileSystem: Debug + Send + Sync {
    /// Creates a directory and its parents, durably; an existing one is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Names of the files in a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file, or empties an existing one.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens an existing file.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Renames atomically, replacing the target.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the directory's names durable.
    fn sync_dir(&self, directory: &Path) -> io::Result<()>;

    /// Locks a file for this process, creating it; `WouldBlock` if another one has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>>;
}
