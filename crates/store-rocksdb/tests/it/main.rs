//! The real store: the suite it shares with the twin, what opening refuses, checkpoints, and
//! processes killed while they write.
#![allow(clippy::unwrap_used)]

mod checkpoint;
mod conformance;
mod kill;
mod memory;
mod open;

use squorum_store_rocksdb::Options;

/// A size for the run: `short` unless `SQUORUM_LONG` is set.
fn size(short: usize, long: usize) -> usize {
    if std::env::var_os("SQUORUM_LONG").is_some() {
        long
    } else {
        short
    }
}

/// The seed to play, from `SQUORUM_SEED`.
fn seed() -> u64 {
    std::env::var("SQUORUM_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1)
}

/// The smallest memtables there are, so that they are flushed all the time.
fn small() -> Options {
    Options {
        memtable_bytes: 0,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}
