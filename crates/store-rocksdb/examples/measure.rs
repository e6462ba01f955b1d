//! What the store costs, for a person to read: `cargo run --release -p squorum-store-rocksdb
//! --example measure -- [directory] [GiB]`. Wall time, processor time of all threads and device
//! bytes per operation, and resident memory against the budget.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use squorum_store::{Cursor, Overlay, Random, Store, Txn, View, WriteBatch};
use squorum_store_rocksdb::{Options, RocksStore};

const VALUE_BYTES: usize = 1024;
/// Linux's clock ticks per second, in `/proc/self/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let gib: f64 = arguments.next().map_or(2.0, |gib| gib.parse().unwrap());
    let directory = tempfile::tempdir_in(root).unwrap();
    let rows = (gib * 1024.0 * 1024.0) as u64;

    println!(
        "{:<44} {:>9} {:>9} {:>9}",
        "per operation", "wall us", "cpu us", "written B"
    );
    commits(&directory.path().join("commits"));
    for backlog in [1_000, 100_000, 500_000] {
        churn(&directory.path().join(format!("churn-{backlog}")), backlog);
    }
    paced(&directory.path().join("paced"));
    backlog(&directory.path().join("backlog"), rows);
}

fn commits(path: &Path) {
    let store = RocksStore::open(path, &Options::default()).unwrap();
    let mut random = Random::new(1);
    let mut number = 0;
    for rows in [1, 10, 100] {
        measure(
            &format!("commit of {rows} rows, flushes included"),
            300_000 / rows,
            |_| {
                let mut batch = WriteBatch::with_capacity(rows as usize);
                for _ in 0..rows {
                    batch.put(key(number), value(&mut random));
                    number += 1;
                }
                store.commit(batch).unwrap();
            },
        );
    }
    measure("overlay: 10 puts, digest, commit", 30_000, |_| {
        let mut overlay = Overlay::new(&store);
        for _ in 0..10 {
            overlay.put_bytes(key(number).into(), value(&mut random).into());
            number += 1;
        }
        assert_ne!(overlay.take_entry_digest(), 0);
        store.commit(overlay.into_batch()).unwrap();
    });
    let shared = bytes::Bytes::from(value(&mut random));
    measure("overlay: 10 puts of shared values, digest", 100_000, |_| {
        let mut overlay = Overlay::new(&store);
        for row in 0..10 {
            overlay.put_bytes(key(row).into(), shared.clone());
        }
        assert_ne!(overlay.take_entry_digest(), 0);
        std::hint::black_box(overlay.into_batch());
    });
    measure("(making the value alone)", 300_000, |_| {
        std::hint::black_box(value(&mut random));
    });
    let newest = number;
    measure("get of a row in the memtable", 100_000, |_| {
        let number = newest - 1 - random.below(10_000);
        assert!(store.get(&key(number)).unwrap().is_some());
    });
    measure("get of a row that never was", 100_000, |_| {
        assert!(
            store
                .get(&key(newest + random.below(10_000)))
                .unwrap()
                .is_none()
        );
    });
    measure("get of a row on disk, page cache", 20_000, |_| {
        assert!(store.get(&key(random.below(newest / 2))).unwrap().is_some());
    });
    measure("scan: open and first row", 20_000, |_| {
        let start = random.below(newest / 2);
        let mut cursor = store.scan(&key(start)..&key(newest)).unwrap();
        assert!(cursor.next().unwrap().is_some());
    });
    let mut cursor = store.scan(&key(0)..&key(newest)).unwrap();
    measure("scan: next row", newest - 1, |_| {
        assert!(cursor.next().unwrap().is_some())
    });
}

/// A queue with `backlog` messages: each step sends one and consumes the oldest, which is looked
/// for from exactly where it is.
fn churn(path: &Path, backlog: u64) {
    let store = RocksStore::open(path, &Options::default()).unwrap();
    let mut random = Random::new(2);
    let step = |number: u64, random: &mut Random| {
        let mut batch = WriteBatch::new();
        batch.put(key(number), value(random));
        if let Some(head) = number.checked_sub(backlog) {
            let mut cursor = store.scan(&key(head)..&key(u64::MAX)).unwrap();
            assert_eq!(cursor.next().unwrap().unwrap().0, key(head));
            batch.delete(key(head));
        }
        store.commit(batch).unwrap();
    };
    (0..backlog).for_each(|number| step(number, &mut random));
    let steps = 600_000;
    measure(
        &format!("churn at a backlog of {backlog}"),
        steps,
        |index| {
            step(backlog + index, &mut random);
        },
    );
    let head = steps;
    measure("    seek to the live head", 20_000, |_| {
        let mut cursor = store.scan(&key(head)..&key(u64::MAX)).unwrap();
        assert!(cursor.next().unwrap().is_some());
    });
    measure("    seek from the start, over the dead", 3, |_| {
        let mut cursor = store.scan(&key(0)..&key(u64::MAX)).unwrap();
        assert!(cursor.next().unwrap().is_some());
    });
}

/// Commits at a steady 50 MB/s: how long the slowest wait while a checkpointer flushes.
fn paced(path: &Path) {
    let store = RocksStore::open(path, &Options::default()).unwrap();
    let mut random = Random::new(4);
    let period = std::time::Duration::from_millis(2);
    let checkpointed = store.clone();
    let checkpointer = std::thread::spawn(move || {
        for _ in 0..20 {
            std::thread::sleep(std::time::Duration::from_millis(500));
            checkpointed.flush().unwrap();
        }
    });
    let start = Instant::now();
    let mut waits_us: Vec<u128> = (0..5_000_u32)
        .map(|turn| {
            let mut batch = WriteBatch::with_capacity(100);
            for row in 0..100 {
                batch.put(key(u64::from(turn) * 100 + row), value(&mut random));
            }
            std::thread::sleep((period * turn).saturating_sub(start.elapsed()));
            let commit = Instant::now();
            store.commit(batch).unwrap();
            commit.elapsed().as_micros()
        })
        .collect();
    checkpointer.join().unwrap();
    waits_us.sort_unstable();
    let at = |per_mille: usize| waits_us[(waits_us.len() - 1) * per_mille / 1_000];
    println!(
        "100 rows at 50 MB/s, us: p50 {}, p99 {}, p99.9 {}, most {}",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

fn backlog(path: &Path, rows: u64) {
    let options = Options::default();
    let budget = options.memtable_bytes + options.block_cache_bytes;
    let store = RocksStore::open(path, &options).unwrap();
    println!(
        "budget: {} MiB; resident before the backlog {} MiB",
        budget >> 20,
        resident_mib()
    );
    let mut random = Random::new(3);
    let mut slowest = 0.0_f64;
    measure("backlog: row, in batches of 100", rows, |number| {
        if number % 100 == 0 {
            let mut batch = WriteBatch::with_capacity(100);
            (0..100).for_each(|row| batch.put(key(number + row), value(&mut random)));
            let start = Instant::now();
            store.commit(batch).unwrap();
            slowest = slowest.max(start.elapsed().as_secs_f64());
        }
        if number % (rows / 4).max(1) == 0 {
            println!("    {number} rows: {}", memory(&store));
        }
    });
    println!(
        "    slowest commit {:.1} ms; {}",
        slowest * 1e3,
        memory(&store)
    );
    let start = Instant::now();
    store.flush().unwrap();
    println!("    flush {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut cursor = store.scan(&key(0)..&key(rows)).unwrap();
    measure(
        "drain: read and delete a row, by 100",
        rows / 100,
        |hundred| {
            let mut batch = WriteBatch::with_capacity(100);
            for row in 0..100 {
                assert!(cursor.next().unwrap().is_some());
                batch.delete(key(hundred * 100 + row));
            }
            store.commit(batch).unwrap();
            if hundred % 100 == 0 {
                let next = (hundred + 1) * 100;
                cursor = store.scan(&key(next)..&key(rows)).unwrap();
            }
            if hundred % (rows / 400).max(1) == 0 {
                println!("    {} rows: {}", hundred * 100, memory(&store));
            }
        },
    );
    drop(cursor);
    store.flush().unwrap();
    println!(
        "    drained: {}, {} MiB on disk",
        memory(&store),
        disk_mib(path)
    );
    std::thread::sleep(std::time::Duration::from_secs(5));
    println!("    five seconds later: {} MiB on disk", disk_mib(path));
    drop(store);
    let start = Instant::now();
    drop(RocksStore::open(path, &options).unwrap());
    println!(
        "    opened again in {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
}

fn measure(name: &str, times: u64, mut operation: impl FnMut(u64)) {
    let (start, cpu, written) = (Instant::now(), cpu_seconds(), written_bytes());
    (0..times).for_each(&mut operation);
    let per = |total: f64| total / times as f64;
    println!(
        "{name:<44} {:>9.2} {:>9.2} {:>9.0}",
        per(start.elapsed().as_secs_f64() * 1e6),
        per((cpu_seconds() - cpu) * 1e6),
        per((written_bytes() - written) as f64),
    );
}

fn key(number: u64) -> Vec<u8> {
    [&[1, 2, 3, 4][..], &number.to_be_bytes()].concat()
}

/// Bytes of which about a half are random, as in encoded text.
fn value(random: &mut Random) -> Vec<u8> {
    let mut value = Vec::with_capacity(VALUE_BYTES);
    while value.len() < VALUE_BYTES {
        value.extend_from_slice(&random.next_u64().to_le_bytes());
        value.extend_from_slice(b"squorum ");
    }
    value
}

fn proc_field(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn resident_mib() -> u64 {
    proc_field("/proc/self/status", "VmRSS:") >> 10
}

fn memory(store: &RocksStore) -> String {
    let peak = proc_field("/proc/self/status", "VmHWM:") >> 10;
    let counted = store.memory_bytes() >> 20;
    format!(
        "resident {} MiB (peak {peak}), counted {counted} MiB",
        resident_mib()
    )
}

fn written_bytes() -> u64 {
    proc_field("/proc/self/io", "write_bytes:")
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / TICKS_PER_SECOND
}

fn disk_mib(path: &Path) -> u64 {
    let files = std::fs::read_dir(path).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum::<u64>()
        >> 20
}
