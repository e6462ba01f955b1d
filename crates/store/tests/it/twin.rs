use std::path::Path;

use squorum_store::conformance::{self, Subject};
use squorum_store::memory::{Fault, MemoryStore, Operation};
use squorum_store::{Store, StoreError, View, WriteBatch};

struct Twin(MemoryStore);

impl Subject for Twin {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    fn scratch(&self) -> &Path {
        Path::new("unused")
    }

    fn crash(&mut self, seed: u64) {
        self.0 = self.0.crash(seed);
    }
}

#[test]
fn conforms() {
    for seed in crate::seed()..crate::seed() + crate::size(4, 200) as u64 {
        println!("SQUORUM_SEED={seed}");
        conformance::test_all(|| Twin(MemoryStore::new()), seed, 2_000);
        conformance::test_all(|| Twin(MemoryStore::with_memtable_bytes(2_000)), seed, 500);
    }
}

fn batch(key: &'static str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key, "value");
    batch
}

#[test]
fn a_crash_leaves_any_prefix_and_closes_old_handles() {
    let mut kept = [false; 4];
    for seed in 0..100 {
        let store = MemoryStore::new();
        for key in ["a", "b", "c"] {
            store.commit(batch(key)).unwrap();
        }
        let after = store.crash(seed);
        let found = ["a", "b", "c"].map(|key| after.contains(key.as_bytes()).unwrap());
        let count = found.iter().filter(|found| **found).count();
        assert!(
            found[..count].iter().all(|found| *found),
            "a hole: {found:?}"
        );
        kept[count] = true;
        assert_eq!(store.get(b"a"), Err(StoreError::Closed));
        assert_eq!(store.commit(batch("d")), Err(StoreError::Closed));
        assert_eq!(store.flush(), Err(StoreError::Closed));
    }
    assert_eq!(kept, [true; 4], "some prefix never survives");
}

#[test]
fn faults_strike_once_with_or_without_effect() {
    for takes_effect in [false, true] {
        let store = MemoryStore::new();
        store.inject(Fault {
            operation: Operation::Commit,
            after: 1,
            takes_effect,
        });
        store.commit(batch("a")).unwrap();
        assert!(matches!(store.commit(batch("b")), Err(StoreError::Io(_))));
        assert_eq!(store.contains(b"b").unwrap(), takes_effect);
        store.commit(batch("c")).unwrap();

        store.inject(Fault {
            operation: Operation::Flush,
            after: 0,
            takes_effect,
        });
        assert!(matches!(store.flush(), Err(StoreError::Io(_))));
        let survives = (0..50).all(|_| store.contains(b"a").unwrap());
        assert!(survives);
        store.flush().unwrap();
        assert!(store.crash(0).contains(b"c").unwrap());
    }
}

#[test]
fn memory_is_counted() {
    let store = MemoryStore::new();
    store.commit(batch("a")).unwrap();
    store.commit(batch("a")).unwrap();
    store.flush().unwrap();
    assert_eq!(store.memory_bytes(), 6);
    let mut delete = WriteBatch::new();
    delete.delete("a");
    store.commit(delete).unwrap();
    store.flush().unwrap();
    assert_eq!(store.memory_bytes(), 0);
}
