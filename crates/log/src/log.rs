//! The handle of a log, and the thread behind it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use parking_lot::Mutex;
use squorum_types::GroupId;
use squorum_types::measure::DurationCounts;

use crate::entry::{Entry, LogId};
use crate::error::{LogError, OpenError};
use crate::format::record::HEADER_BYTES;
use crate::fs::FileSystem;
use crate::group::GroupState;
use crate::health::Health;
use crate::operation::Operation;
use crate::options::Options;
use crate::reader;
use crate::recovery;
use crate::shared::Shared;
use crate::stepper::Stepper;
use crate::writer_thread;

/// Told how an operation ended: `Ok` when it is durable. Runs on the writer thread, in the order of
/// submission: it must be short, and must not submit anything itself, which could wait for the very
/// thread it runs on.
pub type Completion = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// A handle of the log; clones are the same log. Closing it, or dropping the last clone, lets the
/// writer finish what was submitted and end.
///
/// Operations return an error, and drop the completion, if they were not accepted; else they take
/// effect at once in memory and their completion runs once. They block while the queue is full.
#[derive(Clone, Debug)]
pub struct Log {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// `None` if the log is stepped by hand.
    thread: Option<Mutex<Option<JoinHandle<()>>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.state.lock().is_closing = true;
        self.shared.work.notify_all();
        self.shared.room.notify_all();
    }
}

impl Log {
    /// Opens or creates the log in `directory`, reading it whole, and starts its writer thread.
    ///
    /// Errors: see [`OpenError`]; nothing was lost by an attempt that failed.
    pub fn open(
        fs: Arc<dyn FileSystem>,
        directory: impl Into<PathBuf>,
        options: Options,
    ) -> Result<Log, OpenError> {
        let recovered = recovery::open(fs, directory.into(), options.clone())?;
        let (shared, writer) = Shared::new(recovered, options);
        let stepper = Stepper::new(Arc::clone(&shared), writer);
        let writer_shared = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("squorum-log".to_owned())
            .spawn(move || writer_thread::run(&writer_shared, stepper))
            .map_err(|source| OpenError::Io {
                action: "starting the writer",
                path: String::new(),
                source,
            })?;
        Ok(Log {
            handle: Arc::new(Handle {
                shared,
                thread: Some(Mutex::new(Some(thread))),
            }),
        })
    }

    /// Like [`open`](Self::open), but without a thread: nothing reaches the disk before the caller
    /// steps. The queue is not bounded then.
    pub fn open_stepped(
        fs: Arc<dyn FileSystem>,
        directory: impl Into<PathBuf>,
        options: Options,
    ) -> Result<(Log, Stepper), OpenError> {
        let recovered = recovery::open(fs, directory.into(), options.clone())?;
        let (shared, writer) = Shared::new(recovered, options);
        let stepper = Stepper::new(Arc::clone(&shared), writer);
        Ok((
            Log {
                handle: Arc::new(Handle {
                    shared,
                    thread: None,
                }),
            },
            stepper,
        ))
    }

    /// Appends entries to a group. They are readable on return and durable when `done` hears `Ok`.
    ///
    /// The first entry's index must be one more than the group's last, unless the group has none
    /// and was never purged; the others follow it. Panics otherwise.
    pub fn append(
        &self,
        group: GroupId,
        entries: Vec<Entry>,
        done: Completion,
    ) -> Result<(), LogError> {
        let limit_bytes = self.handle.shared.options.payload_bytes_max();
        let largest = entries
            .iter()
            .map(|entry| entry.payload.len())
            .max()
            .unwrap_or(0);
        if largest > limit_bytes {
            return Err(LogError::TooLarge {
                bytes: largest,
                limit_bytes,
            });
        }
        self.submit(group, Operation::Append { group, entries }, done)
    }

    /// Drops a group's entries after `kept`; `None` drops all that are not purged.
    pub fn truncate_after(
        &self,
        group: GroupId,
        kept: Option<LogId>,
        done: Completion,
    ) -> Result<(), LogError> {
        self.submit(group, Operation::TruncateAfter { group, kept }, done)
    }

    /// Drops a group's entries up to and including `upto`, which may lie beyond the last one: then
    /// the next entry follows `upto`. Going back is ignored. Whether nobody needs them any more is
    /// the caller's to know.
    pub fn purge(&self, group: GroupId, upto: LogId, done: Completion) -> Result<(), LogError> {
        self.submit(group, Operation::Purge { group, upto }, done)
    }

    /// Saves a group's vote, at most [`Options::VOTE_BYTES_MAX`] bytes. `done` hears `Ok` when both
    /// the log and the marker have it.
    pub fn save_vote(&self, group: GroupId, vote: Bytes, done: Completion) -> Result<(), LogError> {
        if vote.len() > Options::VOTE_BYTES_MAX {
            let limit_bytes = Options::VOTE_BYTES_MAX;
            return Err(LogError::TooLarge {
                bytes: vote.len(),
                limit_bytes,
            });
        }
        self.submit(group, Operation::Vote { group, vote }, done)
    }

    /// Notes a group's committed id. It rides along with the next batch and causes none.
    pub fn save_committed(&self, group: GroupId, committed: LogId) {
        let mut state = self.handle.shared.state.lock();
        if let Some(known) = state.groups.get_mut(&group) {
            known.record.committed = Some(committed);
            state.queue.commit(group, committed);
        }
    }

    /// The group's live entries in `range`, in order and without a hole from the first on, as many
    /// as fit into `max_bytes` (payloads and 48 bytes each), but at least one if there is any.
    /// Reads the disk for what is not in memory, and verifies it.
    pub fn read(
        &self,
        group: GroupId,
        range: Range<u64>,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, LogError> {
        reader::read(&self.handle.shared, group, range, max_bytes)
    }

    /// Whether [`read`](Self::read) from index `from` on needs no disk.
    pub fn has_in_memory(&self, group: GroupId, from: u64) -> bool {
        let state = self.handle.shared.state.lock();
        let first = state.tails.first_index(group);
        first.is_some_and(|first| first <= from)
    }

    /// Whether an operation with so many bytes of payload is taken at once; else submitting it blocks
    /// until the writer has caught up.
    pub fn has_room(&self, bytes: usize) -> bool {
        let shared = &self.handle.shared;
        let state = shared.state.lock();
        state.queue.has_room(bytes, shared.options.queue_bytes)
    }

    /// The group's state, as submitted so far. A group that was never written to has the default.
    pub fn state(&self, group: GroupId) -> GroupState {
        self.handle.shared.state.lock().group_state(group)
    }

    /// The groups that the log knows, in order.
    pub fn groups(&self) -> Vec<GroupId> {
        self.handle
            .shared
            .state
            .lock()
            .groups
            .keys()
            .copied()
            .collect()
    }

    pub fn health(&self) -> Health {
        self.handle.shared.state.lock().health()
    }

    /// How long each batch took to write and sync, the marker of a vote included. Batches that
    /// failed are not in it.
    pub fn sync_times(&self) -> DurationCounts {
        self.handle.shared.sync_times.read()
    }

    /// Largest payload that [`append`](Self::append) accepts, in bytes.
    pub fn payload_bytes_max(&self) -> usize {
        self.handle.shared.options.payload_bytes_max()
    }

    /// Refuses new operations, writes what is queued, and ends the writer thread. Must not be
    /// called on that thread.
    pub fn close(self) -> Result<(), LogError> {
        let shared = &self.handle.shared;
        shared.state.lock().is_closing = true;
        shared.work.notify_all();
        shared.room.notify_all();
        if let Some(thread) = &self.handle.thread
            && let Some(thread) = thread.lock().take()
            && thread.join().is_err()
        {
            return Err(LogError::Poisoned {
                reason: "the writer panicked".into(),
            });
        }
        let failure = shared.state.lock().failure.clone();
        failure.map_or(Ok(()), Err)
    }

    fn submit(
        &self,
        group: GroupId,
        operation: Operation,
        done: Completion,
    ) -> Result<(), LogError> {
        let shared = &self.handle.shared;
        let mut state = shared.state.lock();
        loop {
            if let Some(refusal) = state.refusal() {
                return Err(refusal);
            }
            let bytes = operation.bytes();
            if self.handle.thread.is_none()
                || state.queue.has_room(bytes, shared.options.queue_bytes)
            {
                break;
            }
            shared.room.wait(&mut state);
        }
        let limit = shared.options.groups_max();
        if !state.groups.contains_key(&group) && state.groups.len() >= limit {
            return Err(LogError::TooManyGroups { limit });
        }
        state.accept(&operation);
        let ticket = state.tails.ticket();
        state.queue.push(operation, ticket, done);
        drop(state);
        shared.work.notify_one();
        Ok(())
    }
}

const _: () = assert!(HEADER_BYTES == 48, "the documentation of Log::read says so");
