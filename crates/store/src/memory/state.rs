use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{Fault, Operation};
use crate::{Random, StoreError, Write, WriteBatch};

pub(super) type Rows = BTreeMap<Bytes, Bytes>;

/// What a twin holds; see the invariants of [`super`].
pub(super) struct State {
    pub(super) live: Arc<Rows>,
    durable: Rows,
    unflushed: VecDeque<WriteBatch>,
    unflushed_bytes: usize,
    live_bytes: u64,
    memtable_bytes: usize,
    pub(super) fault: Option<Fault>,
    closed: bool,
}

impl State {
    pub(super) fn new(memtable_bytes: usize) -> Self {
        Self {
            live: Arc::default(),
            durable: Rows::new(),
            unflushed: VecDeque::new(),
            unflushed_bytes: 0,
            live_bytes: 0,
            memtable_bytes,
            fault: None,
            closed: false,
        }
    }

    pub(super) fn open(&self) -> Result<&Self, StoreError> {
        if self.closed {
            Err(StoreError::Closed)
        } else {
            Ok(self)
        }
    }

    /// Runs an operation unless the store is closed or a fault strikes it.
    pub(super) fn run(
        &mut self,
        operation: Operation,
        effect: impl FnOnce(&mut Self),
    ) -> Result<(), StoreError> {
        self.open()?;
        let strikes = match &mut self.fault {
            Some(fault) if fault.operation == operation && fault.after == 0 => self.fault.take(),
            Some(fault) if fault.operation == operation => {
                fault.after -= 1;
                None
            }
            _ => None,
        };
        if strikes.is_none_or(|fault| fault.takes_effect) {
            effect(self);
        }
        match strikes {
            Some(fault) => Err(StoreError::Io(format!("injected fault: {fault:?}"))),
            None => Ok(()),
        }
    }

    pub(super) fn commit(&mut self, batch: WriteBatch) {
        // Copies the map only if a snapshot or a cursor still holds it.
        let live = Arc::make_mut(&mut self.live);
        for write in batch.writes() {
            self.live_bytes = self.live_bytes.wrapping_add_signed(apply(live, write));
        }
        self.unflushed_bytes += batch.bytes();
        self.unflushed.push_back(batch);
        while self.unflushed_bytes > self.memtable_bytes {
            self.flush_oldest();
        }
    }

    pub(super) fn flush(&mut self) {
        while !self.unflushed.is_empty() {
            self.flush_oldest();
        }
    }

    fn flush_oldest(&mut self) {
        if let Some(batch) = self.unflushed.pop_front() {
            self.unflushed_bytes -= batch.bytes();
            for write in batch.writes() {
                apply(&mut self.durable, write);
            }
        }
    }

    pub(super) fn replace(&mut self, range: Range<Bytes>, puts: Vec<Write>) {
        let mut batch = WriteBatch::with_capacity(puts.len());
        batch.extend(
            self.live
                .range(range)
                .map(|(key, _)| Write::Delete { key: key.clone() }),
        );
        batch.extend(puts);
        self.commit(batch);
        self.flush();
    }

    pub(super) fn crash(&mut self, seed: u64) -> Self {
        let choices = self.unflushed.len() as u64 + 1;
        for _ in 0..Random::new(seed).below(choices) {
            self.flush_oldest();
        }
        self.closed = true;
        self.unflushed.clear();
        self.unflushed_bytes = 0;
        let durable = std::mem::take(&mut self.durable);
        self.live = Arc::default();
        Self {
            live_bytes: durable
                .iter()
                .map(|(key, value)| row_bytes(key, value))
                .sum(),
            live: Arc::new(durable.clone()),
            durable,
            ..Self::new(self.memtable_bytes)
        }
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.live_bytes + self.unflushed_bytes as u64
    }
}

fn row_bytes(key: &Bytes, value: &Bytes) -> u64 {
    (key.len() + value.len()) as u64
}

/// Applies one write and answers by how much it changed the bytes of `rows`.
fn apply(rows: &mut Rows, write: &Write) -> i64 {
    let (added, old) = match write {
        Write::Put { key, value } => (
            row_bytes(key, value),
            rows.insert(key.clone(), value.clone()),
        ),
        Write::Delete { key } => (0, rows.remove(key)),
    };
    let removed = old.map_or(0, |old| row_bytes(write.key(), &old));
    added as i64 - removed as i64
}
