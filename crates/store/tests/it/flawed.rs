//! Proof that the suite can fail: each flaw breaks one promise, and the suite must panic on it.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;
use squorum_store::conformance::{self, Subject};
use squorum_store::memory::{MemoryCursor, MemorySnapshot, MemoryStore};
use squorum_store::{Store, StoreError, View, WriteBatch};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// A batch is committed in two parts.
    TornBatch,
    /// A flush does nothing.
    LazyFlush,
    /// A batch may survive a crash that an earlier one did not.
    Hole,
    /// A snapshot shows the store as it is.
    LiveSnapshot,
    /// The old rows of a replaced range stay.
    KeptRange,
    /// A replaced range is not durable.
    VolatileRange,
    /// The end of a scan is part of it.
    LongScan,
    /// Deletes are forgotten.
    NoDelete,
}

#[derive(Clone)]
struct Flawed {
    inner: MemoryStore,
    flaw: Flaw,
}

#[derive(Clone)]
enum Frozen {
    Frozen(MemorySnapshot),
    Live(MemoryStore),
}

impl View for Frozen {
    type Cursor<'a> = MemoryCursor;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self {
            Self::Frozen(view) => view.get(key),
            Self::Live(view) => view.get(key),
        }
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<MemoryCursor, StoreError> {
        match self {
            Self::Frozen(view) => view.scan(range),
            Self::Live(view) => view.scan(range),
        }
    }
}

impl View for Flawed {
    type Cursor<'a> = MemoryCursor;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, range: Range<&[u8]>) -> Result<MemoryCursor, StoreError> {
        if self.flaw == Flaw::LongScan && range.start < range.end {
            return self.inner.scan(range.start..&[range.end, &[0]].concat());
        }
        self.inner.scan(range)
    }
}

impl Store for Flawed {
    type Snapshot = Frozen;

    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError> {
        match self.flaw {
            Flaw::TornBatch => {
                for write in batch {
                    let mut part = WriteBatch::new();
                    part.push(write);
                    self.inner.commit(part)?;
                }
                Ok(())
            }
            Flaw::NoDelete => {
                let mut puts = WriteBatch::new();
                puts.extend(
                    batch
                        .into_iter()
                        .filter(|write| write.bytes() > write.key().len()),
                );
                self.inner.commit(puts)
            }
            _ => self.inner.commit(batch),
        }
    }

    fn flush(&self) -> Result<(), StoreError> {
        if self.flaw == Flaw::LazyFlush {
            Ok(())
        } else {
            self.inner.flush()
        }
    }

    fn snapshot(&self) -> Frozen {
        match self.flaw {
            Flaw::LiveSnapshot => Frozen::Live(self.inner.clone()),
            _ => Frozen::Frozen(self.inner.snapshot()),
        }
    }

    fn replace_range(
        &self,
        range: Range<Bytes>,
        rows: &mut dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>>,
        scratch: &Path,
    ) -> Result<(), StoreError> {
        if !matches!(self.flaw, Flaw::KeptRange | Flaw::VolatileRange) {
            return self.inner.replace_range(range, rows, scratch);
        }
        let mut batch = WriteBatch::new();
        for row in squorum_store::CheckedRows::new(range.clone(), rows)? {
            let (key, value) = row?;
            batch.put(key, value);
        }
        if self.flaw == Flaw::VolatileRange {
            self.inner
                .replace_range(range, &mut std::iter::empty(), scratch)?;
            self.inner.commit(batch)
        } else {
            self.inner.commit(batch)?;
            self.inner.flush()
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }
}

impl Subject for Flawed {
    type Store = Self;

    fn store(&self) -> &Self {
        self
    }

    fn scratch(&self) -> &Path {
        Path::new("unused")
    }

    fn crash(&mut self, seed: u64) {
        let before = self.inner.get(&[0]).unwrap();
        self.inner = self.inner.crash(seed);
        if let (Flaw::Hole, Some(counter)) = (self.flaw, before) {
            let mut last = WriteBatch::new();
            last.put(vec![0], counter);
            self.inner.commit(last).unwrap();
        }
    }
}

#[test]
fn the_suite_finds_every_flaw() {
    let run = |flaw| {
        let make = || Flawed {
            inner: MemoryStore::new(),
            flaw,
        };
        catch_unwind(AssertUnwindSafe(|| {
            conformance::test_all(make, crate::seed(), 2_000)
        }))
    };
    assert!(run(Flaw::None).is_ok());
    for flaw in [
        Flaw::TornBatch,
        Flaw::LazyFlush,
        Flaw::Hole,
        Flaw::LiveSnapshot,
        Flaw::KeptRange,
        Flaw::VolatileRange,
        Flaw::LongScan,
        Flaw::NoDelete,
    ] {
        assert!(run(flaw).is_err(), "{flaw:?} went unnoticed");
    }
}
