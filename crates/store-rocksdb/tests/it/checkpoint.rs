use squorum_store::{Store, View, WriteBatch};
use squorum_store_rocksdb::{CheckpointView, RocksStore};

use crate::small;

#[test]
fn a_checkpoint_holds_what_was_committed_and_nothing_later() {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksStore::open(&directory.path().join("store"), &small()).unwrap();
    let write = |key: &'static str, value: &'static str| {
        let mut batch = WriteBatch::new();
        batch.put(key, value);
        store.commit(batch).unwrap();
    };
    write("a", "flushed");
    store.flush().unwrap();
    write("b", "in memory");
    let path = directory.path().join("checkpoint");
    store.checkpoint(&path).unwrap();
    write("a", "later");
    write("c", "later");
    store.flush().unwrap();
    assert!(
        store.checkpoint(&path).is_err(),
        "a checkpoint never overwrites another"
    );

    let view = CheckpointView::open(&path, &small()).unwrap();
    assert_eq!(view.get(b"a").unwrap().unwrap(), "flushed");
    assert_eq!(view.get(b"b").unwrap().unwrap(), "in memory");
    assert_eq!(view.get(b"c").unwrap(), None);
    let digest = squorum_store::digest_range(&view, b"a"..b"z").unwrap();
    drop(view);
    let view = CheckpointView::open(&path, &small()).unwrap();
    assert_eq!(
        squorum_store::digest_range(&view, b"a"..b"z").unwrap(),
        digest
    );
}
