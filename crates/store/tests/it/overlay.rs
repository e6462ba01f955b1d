use bytes::Bytes;
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store, Txn, View, Write, digest_range};

/// Entries on one overlay and entries on an overlay each: the same digests, the same state.
#[test]
fn entry_digests_do_not_depend_on_grouping() {
    let entries: [&[(&str, Option<&str>)]; 4] = [
        &[("a", Some("1")), ("b", Some("2"))],
        &[("a", None), ("c", Some("3"))],
        &[],
        &[("c", Some("3"))],
    ];
    let apply = |overlay: &mut Overlay<'_, MemoryStore>, entry: &[(&str, Option<&str>)]| {
        for (key, value) in entry {
            match value {
                Some(value) => overlay.put(key.as_bytes(), value.as_bytes()),
                None => overlay.delete(key.as_bytes()),
            }
        }
        overlay.take_entry_digest()
    };

    let together = MemoryStore::new();
    let mut overlay = Overlay::new(&together);
    let digests_together = entries.map(|entry| apply(&mut overlay, entry));
    together.commit(overlay.into_batch()).unwrap();

    let apart = MemoryStore::new();
    let digests_apart = entries.map(|entry| {
        let mut overlay = Overlay::new(&apart);
        let digest = apply(&mut overlay, entry);
        apart.commit(overlay.into_batch()).unwrap();
        digest
    });

    assert_eq!(digests_together, digests_apart);
    assert_eq!(digests_together[2], 0, "an entry without writes");
    assert_ne!(digests_together[0], digests_together[1]);
    let all: std::ops::Range<&[u8]> = b""..b"z";
    assert_eq!(
        digest_range(&together, all.clone()),
        digest_range(&apart, all)
    );
}

/// A value that is already shared goes from the entry to the batch without a copy.
#[test]
fn shared_values_are_not_copied() {
    let store = MemoryStore::new();
    let entry = Bytes::from(vec![7; 1024]);
    let mut overlay = Overlay::new(&store);
    overlay.put_bytes(Bytes::from_static(b"key"), entry.slice(100..200));
    let read = overlay.get(b"key").unwrap().unwrap();
    assert_eq!(read.as_ptr(), entry[100..].as_ptr());
    assert_eq!((overlay.len(), overlay.is_empty()), (1, false));
    let batch = overlay.into_batch();
    assert_eq!(batch.bytes(), 103);
    let Write::Put { value, .. } = &batch.writes()[0] else {
        panic!("a put is a put")
    };
    assert_eq!(value.as_ptr(), entry[100..].as_ptr());
}
