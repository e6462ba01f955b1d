//! What needs the real state store together with the consensus layer.

#![allow(clippy::unwrap_used, missing_docs)]

use squorum_store_rocksdb::{Options, RocksStore};

/// openraft's own storage suite over the real log and RocksDB.
#[test]
fn storage_suite_on_rocksdb() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let next = std::sync::atomic::AtomicU32::new(0);
    let make_store = move || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let options = Options {
            memtable_bytes: 1 << 20,
            ..Options::default()
        };
        RocksStore::open(&path.join(number.to_string()), &options).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(squorum_consensus::testing::storage_suite(make_store))
        .unwrap();
}
