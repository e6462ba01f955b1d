//! The write-ahead log of a node, shared by all its Raft groups.
//!
//! One directory of preallocated, recycled segments; one writer thread that drains the appends,
//! votes, truncations and purges of *all* groups into one write and one `fdatasync`, then runs the
//! completions: group commit across groups. The log knows neither Raft nor queues: an entry is a
//! [`LogId`] and opaque bytes, a vote is opaque bytes.
//!
//! ```text
//!  Log (handle) ── append, save_vote, … ──► State: queue, in-memory tail, sparse index
//!                                              │ batch
//!  writer thread = Stepper ◄───────────────────┘
//!     └─ Writer (pure but for its file system): encode → write → sync → marker → free segments
//! ```
//!
//! What it promises:
//!
//! 1. An entry is readable when `append` returns; its completion runs after it is synced.
//! 2. Operations reach the disk in the order in which they were submitted; what a crash leaves is
//!    a prefix of that order which holds at least everything that was completed.
//! 3. The first failed write or sync poisons the log: no completion succeeds after it, and nothing
//!    is retried, because a second `fsync` says yes to data that the first one lost.
//! 4. Loss of synced data is noticed at [`Log::open`], never repaired by deleting or truncating:
//!    see [`OpenError`]. Only what was never known to be synced is cut as a torn tail.
//! 5. Memory is bounded: queue, tail and index each have a budget.
//!
//! The formats are in `format`, the rules of recovery in `recovery`, those of the file system in
//! `fs`, its simulated twin in [`sim`].

mod directory;
mod entry;
mod error;
mod format;
mod fs;
mod group;
mod health;
mod index;
mod log;
mod marker;
mod operation;
mod options;
mod queue;
mod reader;
mod recovery;
mod segment;
mod shared;
pub mod sim;
mod state;
mod stepper;
mod tail;
mod writer;
mod writer_thread;

#[cfg(test)]
mod campaign;

pub use entry::{Entry, LogId};
pub use error::{LogError, OpenError};
pub use fs::{DirectoryLock, File, FileSystem, RealFileSystem};
pub use group::GroupState;
pub use health::Health;
pub use log::{Completion, Log};
pub use options::{OnFatal, Options};
pub use squorum_types::GroupId;
pub use stepper::Stepper;
