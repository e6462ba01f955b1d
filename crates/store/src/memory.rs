//! The in-memory twin: a [`Store`] with the crash behaviour of the real one, for tests and
//! simulation.
//!
//! Invariants:
//! 1. `live` is `durable` with every batch of `unflushed` applied in order.
//! 2. What a crash leaves is `durable` plus a prefix of `unflushed`: never a hole, never half a
//!    batch.
//! 3. After a crash the old handles answer [`StoreError::Closed`]; the process they stood for is
//!    gone.
//!
//! Like the real store's memtable, `unflushed` is bounded: beyond `memtable_bytes` the oldest
//! batches become durable by themselves.

mod cursor;
mod fault;
mod state;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

pub use self::cursor::MemoryCursor;
pub use self::fault::{Fault, Operation};
use self::state::{Rows, State};
use crate::{CheckedRows, Store, StoreError, View, Write, WriteBatch};

/// Unflushed bytes that a twin keeps unless told otherwise.
const MEMTABLE_BYTES: usize = 8 << 20;

/// A store in memory. Clones share one state.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::with_memtable_bytes(MEMTABLE_BYTES)
    }

    /// A store whose oldest batches become durable by themselves once more than `memtable_bytes`
    /// wait for a flush.
    pub fn with_memtable_bytes(memtable_bytes: usize) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(memtable_bytes))),
        }
    }

    /// The store as a new process finds it after this one died: everything flushed and, chosen by
    /// `seed`, some prefix of the batches committed since. This handle and its clones are closed.
    pub fn crash(&self, seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.state.lock().crash(seed))),
        }
    }

    /// Makes a later operation fail; see [`Fault`]. Replaces a fault that has not struck yet.
    pub fn inject(&self, fault: Fault) {
        self.state.lock().fault = Some(fault);
    }

    /// Takes back a fault that has not struck yet.
    pub fn clear_fault(&self) {
        self.state.lock().fault = None;
    }

    /// Whether a fault is still to strike.
    pub fn has_fault(&self) -> bool {
        self.state.lock().fault.is_some()
    }

    fn rows(&self) -> Result<Arc<Rows>, StoreError> {
        Ok(Arc::clone(&self.state.lock().open()?.live))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryStore")
            .finish_non_exhaustive()
    }
}

impl View for MemoryStore {
    type Cursor<'a> = MemoryCursor;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state.lock().open()?.live.get(key).cloned())
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<MemoryCursor, StoreError> {
        Ok(MemoryCursor::new(self.rows()?, range))
    }
}

impl Store for MemoryStore {
    type Snapshot = MemorySnapshot;

    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.run(Operation::Commit, |state| state.commit(batch))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.state.lock().run(Operation::Flush, State::flush)
    }

    /// A snapshot of a closed store is empty.
    fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot {
            rows: self.rows().unwrap_or_default(),
        }
    }

    fn replace_range(
        &self,
        range: Range<Bytes>,
        rows: &mut dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
        _scratch: &Path,
    ) -> Result<(), StoreError> {
        let puts = CheckedRows::new(range.clone(), rows)?
            .map(|row| row.map(|(key, value)| Write::Put { key, value }))
            .collect::<Result<Vec<_>, _>>()?;
        self.state
            .lock()
            .run(Operation::ReplaceRange, |state| state.replace(range, puts))
    }

    fn memory_bytes(&self) -> u64 {
        self.state.lock().memory_bytes()
    }
}

/// The rows of a [`MemoryStore`] at one moment.
#[derive(Clone)]
pub struct MemorySnapshot {
    rows: Arc<Rows>,
}

impl fmt::Debug for MemorySnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemorySnapshot")
            .field("rows", &self.rows.len())
            .finish()
    }
}

impl View for MemorySnapshot {
    type Cursor<'a> = MemoryCursor;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<MemoryCursor, StoreError> {
        Ok(MemoryCursor::new(Arc::clone(&self.rows), range))
    }
}
