use std::path::{Path, PathBuf};
use std::time::Duration;

use squorum_store::conformance::{self, Subject};
use squorum_store_rocksdb::{Options, RocksStore};
use tempfile::TempDir;

struct Real {
    directory: TempDir,
    options: Options,
    crashes: usize,
    /// `None` only while a crash changes it.
    store: Option<RocksStore>,
}

impl Real {
    fn new(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = RocksStore::open(&directory.path().join("0"), &options).unwrap();
        Self {
            directory,
            options,
            crashes: 0,
            store: Some(store),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(self.crashes.to_string())
    }
}

impl Subject for Real {
    type Store = RocksStore;

    fn store(&self) -> &RocksStore {
        self.store.as_ref().unwrap()
    }

    fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// What a killed process leaves is what its files hold at that moment: they are copied while
    /// nothing moves, before the store can close in good order.
    fn crash(&mut self, _seed: u64) {
        wait_for_background_work(self.store());
        let (old, _) = (self.path(), self.crashes += 1);
        std::fs::create_dir(self.path()).unwrap();
        for entry in std::fs::read_dir(&old).unwrap() {
            let name = entry.unwrap().file_name();
            std::fs::copy(old.join(&name), self.path().join(&name)).unwrap();
        }
        self.store = None;
        std::fs::remove_dir_all(old).unwrap();
        self.store = Some(RocksStore::open(&self.path(), &self.options).unwrap());
    }
}

fn wait_for_background_work(store: &RocksStore) {
    let pending = [
        "rocksdb.num-running-flushes",
        "rocksdb.num-running-compactions",
        "rocksdb.mem-table-flush-pending",
        "rocksdb.compaction-pending",
        "rocksdb.num-immutable-mem-table",
    ];
    let mut quiet = 0;
    // Work that ends may start other work, so it must be quiet for a while.
    while quiet < 3 {
        let busy = pending.iter().any(|name| store.property(name).unwrap() > 0);
        quiet = if busy { 0 } else { quiet + 1 };
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn conforms() {
    for seed in crate::seed()..crate::seed() + crate::size(2, 40) as u64 {
        println!("SQUORUM_SEED={seed}");
        conformance::test_all(
            || Real::new(crate::small()),
            seed,
            crate::size(1_000, 4_000),
        );
        conformance::test_all(|| Real::new(Options::default()), seed, 300);
    }
}
