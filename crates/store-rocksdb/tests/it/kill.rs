//! A process that is killed while threads commit, flush and replace a range.
//!
//! The child is this test binary once more. Each of its threads commits numbered batches; batch `n`
//! puts a few rows, deletes those of batch `n - KEPT` and notes which batch of every other thread
//! had been committed before it began. What is found after the kill must be a prefix: every batch
//! whole, no thread with a gap, and with a batch all that its note names. And nothing that a flush
//! or a replacement had acknowledged may be missing.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use squorum_store::{Cursor, Random, Store, View, WriteBatch};
use squorum_store_rocksdb::RocksStore;

use crate::small;

const THREADS: usize = 4;
/// Batches whose rows are live.
const KEPT: u64 = 8;
const ROWS: u64 = 3;
const DIRECTORY: &str = "SQUORUM_KILL_DIRECTORY";

type Numbers = [u64; THREADS];

#[test]
fn a_killed_process_leaves_a_prefix() {
    let mut random = Random::new(crate::seed());
    let directory = tempfile::tempdir().unwrap();
    let mut found = [0; THREADS];
    let mut replaced = 0;
    for round in 0..crate::size(12, 300) {
        // Long lives and short ones, to hit opening and recovery as well.
        let life = Duration::from_millis(1 + random.below(if round % 4 == 0 { 40 } else { 400 }));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::child", "--exact", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        if round == 1 {
            until_all_is_acknowledged(directory.path());
        }
        std::thread::sleep(life);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(
            status.code().is_none(),
            "the child ended by itself: {status}"
        );

        let store = RocksStore::open(&directory.path().join("db"), &small()).unwrap();
        let before = (found, replaced);
        found = check_batches(&store);
        replaced = check_replaced(&store);
        let (flushed, acknowledged) = read_acknowledged(directory.path());
        for thread in 0..THREADS {
            assert!(
                found[thread] >= flushed[thread],
                "{found:?} is left, {flushed:?} was flushed"
            );
            assert!(
                found[thread] >= before.0[thread],
                "what was there before is lost"
            );
        }
        assert!(
            replaced >= acknowledged.max(before.1),
            "a replacement is lost"
        );
    }
    println!("batches {found:?}, replacements {replaced}");
    assert!(
        found.iter().all(|number| *number > 0) && replaced > 0,
        "the children did nothing"
    );
}

/// Waits until one child got as far as to have something of everything stored: on a slow disk the lives
/// of all may be too short for that.
fn until_all_is_acknowledged(directory: &Path) {
    let started = Instant::now();
    loop {
        let (flushed, replaced) = read_acknowledged(directory);
        if flushed.iter().all(|number| *number > 0) && replaced > 0 {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the child does nothing"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The last number of each thread, after checking that the store holds a prefix.
fn check_batches(store: &RocksStore) -> Numbers {
    let mut notes: [Vec<Numbers>; THREADS] = Default::default();
    let mut last = [0; THREADS];
    for thread in 0..THREADS {
        let mut rows = Vec::new();
        let mut cursor = store
            .scan(&row_key(thread, 0, 0)..&row_key(thread + 1, 0, 0))
            .unwrap();
        while let Some((key, value)) = cursor.next().unwrap() {
            rows.push(u64::from_be_bytes(key[1..9].try_into().unwrap()));
            notes[thread].push(decode(value));
        }
        let Some(&highest) = rows.last() else {
            continue;
        };
        let lowest = highest.saturating_sub(KEPT - 1).max(1);
        let expect: Vec<_> = (lowest..=highest)
            .flat_map(|number| [number; ROWS as usize])
            .collect();
        assert_eq!(
            rows, expect,
            "thread {thread} has batches in part or with a gap"
        );
        last[thread] = highest;
    }
    for note in notes.iter().flatten() {
        for thread in 0..THREADS {
            assert!(
                note[thread] <= last[thread],
                "{note:?} was committed before, {last:?} is left"
            );
        }
    }
    last
}

/// The generation that the replaced range shows, after checking that it is whole.
fn check_replaced(store: &RocksStore) -> u64 {
    let mut cursor = store.scan(&replaced_key(0)..&[0xff]).unwrap();
    let mut generations = Vec::new();
    while let Some((_, value)) = cursor.next().unwrap() {
        generations.push(u64::from_be_bytes(value[..8].try_into().unwrap()));
    }
    let Some(&generation) = generations.first() else {
        return 0;
    };
    assert!(
        generations.iter().all(|other| *other == generation),
        "two generations are mixed"
    );
    assert_eq!(
        generations.len() as u64,
        replaced_rows(generation),
        "rows are missing"
    );
    generation
}

/// The child: works until it is killed. Does nothing in an ordinary run of the tests.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    let store = RocksStore::open(&directory.join("db"), &small()).unwrap();
    let start = check_batches(&store);
    let committed = start.map(AtomicU64::new);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, committed) = (&store, &committed);
            scope.spawn(move || commit_for_ever(store, committed, thread));
        }
        scope.spawn(|| replace_for_ever(&store, directory));
        flush_for_ever(&store, &committed, directory);
    });
}

fn commit_for_ever(store: &RocksStore, committed: &[AtomicU64; THREADS], thread: usize) {
    let mut number = committed[thread].load(Ordering::SeqCst);
    loop {
        number += 1;
        let mut note = [0; THREADS];
        for (other, note) in note.iter_mut().enumerate() {
            *note = committed[other].load(Ordering::SeqCst);
        }
        let mut batch = WriteBatch::new();
        for row in 0..ROWS {
            let mut value = encode(note);
            value.resize(value.len() + (number % 7 * 100) as usize, 0);
            batch.put(row_key(thread, number, row), value);
            if let Some(old) = number.checked_sub(KEPT) {
                batch.delete(row_key(thread, old, row));
            }
        }
        store.commit(batch).unwrap();
        committed[thread].store(number, Ordering::SeqCst);
    }
}

fn flush_for_ever(store: &RocksStore, committed: &[AtomicU64; THREADS], directory: &Path) {
    let mut file = appended(&directory.join("flushed"));
    loop {
        let mut numbers = [0; THREADS];
        for (thread, number) in numbers.iter_mut().enumerate() {
            *number = committed[thread].load(Ordering::SeqCst);
        }
        store.flush().unwrap();
        // One write, so a kill leaves a whole record or none that counts.
        file.write_all(&encode(numbers)).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn replace_for_ever(store: &RocksStore, directory: &Path) {
    let mut file = appended(&directory.join("replaced"));
    let mut generation = check_replaced(store);
    loop {
        generation += 1;
        let mut rows = (0..replaced_rows(generation)).map(|row| {
            let mut value = generation.to_be_bytes().to_vec();
            value.resize(500, 0);
            Ok((
                replaced_key(row * (1 + generation % 3)).into(),
                Bytes::from(value),
            ))
        });
        let range = replaced_key(0).into()..Bytes::from_static(&[0xff]);
        store
            .replace_range(range, &mut rows, &directory.join("scratch"))
            .unwrap();
        file.write_all(&generation.to_be_bytes()).unwrap();
    }
}

fn replaced_rows(generation: u64) -> u64 {
    1 + generation * 37 % 200
}

fn replaced_key(row: u64) -> Vec<u8> {
    [&[THREADS as u8 + 1][..], &row.to_be_bytes()].concat()
}

fn row_key(thread: usize, number: u64, row: u64) -> Vec<u8> {
    [
        &[thread as u8][..],
        &number.to_be_bytes(),
        &row.to_be_bytes(),
    ]
    .concat()
}

fn encode(numbers: Numbers) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn decode(bytes: &[u8]) -> Numbers {
    std::array::from_fn(|thread| u64::from_be_bytes(bytes[thread * 8..][..8].try_into().unwrap()))
}

fn appended(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// The last whole records of what the children acknowledged.
fn read_acknowledged(directory: &Path) -> (Numbers, u64) {
    let flushed = std::fs::read(directory.join("flushed")).unwrap_or_default();
    let replaced = std::fs::read(directory.join("replaced")).unwrap_or_default();
    (
        flushed
            .chunks_exact(THREADS * 8)
            .next_back()
            .map_or([0; THREADS], decode),
        replaced
            .chunks_exact(8)
            .next_back()
            .map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap())),
    )
}
