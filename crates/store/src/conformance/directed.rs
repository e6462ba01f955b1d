use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::Subject;
use crate::{Cursor, Store, StoreError, View, WriteBatch};

type Rows = Vec<(Bytes, Bytes)>;

const ALL: Range<&[u8]> = &[]..&[0xff; 16];

/// A reader beside the writer finds every batch whole: in a snapshot, and in a scan of the store.
pub fn batches_are_seen_whole<S: Subject>(subject: &S, steps: usize) {
    const KEYS: u8 = 8;
    let store = subject.store();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in 0..steps as u64 {
                let mut batch = WriteBatch::new();
                for key in 0..KEYS {
                    batch.put(vec![key], step.to_be_bytes().to_vec());
                }
                store.commit(batch).expect("commit on a healthy store");
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            assert_whole(&rows(store, ALL), KEYS);
            assert_whole(&rows(&store.snapshot(), ALL), KEYS);
        }
    });
    assert_eq!(rows(store, ALL).len(), usize::from(KEYS));
}

fn assert_whole(rows: &Rows, keys: u8) {
    assert!(
        rows.is_empty() || rows.len() == usize::from(keys),
        "part of the first batch is seen"
    );
    assert!(
        rows.windows(2).all(|pair| pair[0].1 == pair[1].1),
        "rows of two batches: {rows:?}"
    );
}

/// Replaces a range between two others; refuses rows that do not fit; a source that fails midway
/// leaves the old rows; all of it holds over crashes.
pub fn replace_range_is_all_or_nothing<S: Subject>(mut subject: S) {
    let mut batch = WriteBatch::new();
    for key in ["a", "b", "b1", "b2", "c"] {
        batch.put(key, "old");
    }
    subject
        .store()
        .commit(batch)
        .expect("commit on a healthy store");
    let old = rows(subject.store(), ALL);

    let broken = StoreError::RowSource("connection lost".into());
    let refused: [Vec<Result<(Bytes, Bytes), StoreError>>; 5] = [
        vec![row("b", "new"), Err(broken.clone())],
        vec![row("b3", "new"), row("b", "new")],
        vec![row("b", "new"), row("b", "newer")],
        vec![row("b", "new"), row("c", "new")],
        vec![row("a", "new")],
    ];
    for rows_given in refused {
        let wants_source_error = rows_given.contains(&Err(broken.clone()));
        let error = replace(&subject, "b".."c", rows_given).expect_err("rows that do not fit");
        match error {
            StoreError::Rows(_) => assert!(!wants_source_error),
            error => assert_eq!(error, broken),
        }
        assert_eq!(
            rows(subject.store(), ALL),
            old,
            "a refused replacement left traces"
        );
    }
    replace(&subject, "b".."b", vec![]).expect_err("an empty range");

    let snapshot = subject.store().snapshot();
    replace(&subject, "b".."c", vec![row("b0", "new"), row("b2", "new")]).expect("fitting rows");
    let expect: Rows = [("a", "old"), ("b0", "new"), ("b2", "new"), ("c", "old")]
        .map(|(key, value)| (Bytes::from(key), Bytes::from(value)))
        .to_vec();
    assert_eq!(rows(subject.store(), ALL), expect);
    assert_eq!(
        rows(&snapshot, ALL),
        old,
        "a snapshot changed when a range was replaced"
    );
    drop(snapshot);
    subject.crash(0);
    assert_eq!(
        rows(subject.store(), ALL),
        expect,
        "a replaced range was lost in a crash"
    );

    replace(&subject, "b".."c", vec![]).expect("no rows at all empty the range");
    subject.crash(1);
    let left = rows(subject.store(), ALL);
    assert_eq!(
        left.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(),
        [b"a", b"c"]
    );
}

fn row(key: &'static str, value: &'static str) -> Result<(Bytes, Bytes), StoreError> {
    Ok((Bytes::from(key), Bytes::from(value)))
}

fn replace<S: Subject>(
    subject: &S,
    range: Range<&'static str>,
    rows: Vec<Result<(Bytes, Bytes), StoreError>>,
) -> Result<(), StoreError> {
    let range = Bytes::from(range.start)..Bytes::from(range.end);
    subject
        .store()
        .replace_range(range, &mut rows.into_iter(), subject.scratch())
}

pub(super) fn rows<V: View>(view: &V, range: Range<&[u8]>) -> Rows {
    let mut rows = Vec::new();
    let mut cursor = view.scan(range).expect("scan of a healthy store");
    while let Some((key, value)) = cursor.next().expect("step of a healthy store") {
        rows.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
    }
    assert!(
        !cursor.advance().expect("step at the end"),
        "a cursor went on after its end"
    );
    rows
}
