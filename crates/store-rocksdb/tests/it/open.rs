use squorum_store::{Store, StoreError, View, WriteBatch};
use squorum_store_rocksdb::RocksStore;

use crate::small;

fn filled(path: &std::path::Path) {
    let store = RocksStore::open(path, &small()).unwrap();
    let mut batch = WriteBatch::new();
    batch.put("key", vec![7; 10_000]);
    store.commit(batch).unwrap();
    store.flush().unwrap();
}

fn names(path: &std::path::Path, part: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap().to_str().unwrap().contains(part))
        .collect()
}

#[test]
fn a_second_handle_on_the_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = RocksStore::open(directory.path(), &small()).unwrap();
    let error = RocksStore::open(directory.path(), &small()).unwrap_err();
    assert!(
        matches!(&error, StoreError::InUse { path, .. } if path == directory.path()),
        "{error}"
    );
    drop(first);
    RocksStore::open(directory.path(), &small()).unwrap();
}

#[test]
fn damage_is_refused_and_nothing_is_deleted() {
    for damaged in ["CURRENT", "MANIFEST", ".sst"] {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path());
        let tables = names(directory.path(), ".sst");
        assert!(!tables.is_empty());
        std::fs::remove_file(&names(directory.path(), damaged)[0]).unwrap();
        if damaged == "CURRENT" {
            // RocksDB itself refuses to begin anew only where a log file lies.
            std::fs::remove_file(&names(directory.path(), ".log")[0]).unwrap();
        }
        let error = RocksStore::open(directory.path(), &small()).unwrap_err();
        println!("{damaged} missing: {error}");
        assert!(matches!(error, StoreError::Corruption(_)), "{error:?}");
        if damaged != ".sst" {
            assert_eq!(
                names(directory.path(), ".sst"),
                tables,
                "table files were deleted"
            );
        }
    }
}

/// As a crash leaves them that came after a replacement's files were linked and before the manifest
/// named them.
#[test]
fn tables_that_the_manifest_does_not_name_are_deleted() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let tables = names(directory.path(), ".sst");
    std::fs::hard_link(&tables[0], directory.path().join("000900.sst")).unwrap();
    let store = RocksStore::open(directory.path(), &small()).unwrap();
    assert_eq!(names(directory.path(), ".sst"), tables);
    assert_eq!(store.get(b"key").unwrap().unwrap().len(), 10_000);
}

#[test]
fn a_flipped_bit_is_found_when_the_row_is_read() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let table = &names(directory.path(), ".sst")[0];
    let mut bytes = std::fs::read(table).unwrap();
    bytes[5_000] ^= 1;
    std::fs::write(table, bytes).unwrap();
    let store = RocksStore::open(directory.path(), &small()).unwrap();
    let error = store.get(b"key").unwrap_err();
    assert!(matches!(error, StoreError::Corruption(_)), "{error:?}");
    let mut cursor = store.scan(b"a"..b"z").unwrap();
    let error = squorum_store::Cursor::next(&mut cursor).unwrap_err();
    assert!(
        matches!(error, StoreError::Corruption(_)),
        "a cursor hides damage: {error:?}"
    );
}
