//! Model tests of a shard's state machine, and golden tests of its formats.
#![allow(clippy::unwrap_used)]

mod acknowledgements;
mod bounds;
mod campaign;
mod drain;
mod fair;
mod generator;
mod golden;
mod history;
mod model;
mod outcome;
mod peek;
mod replica;
mod run;
mod shrink;
mod story;
mod transfers;

/// A size for the run: `short` unless `SQUORUM_LONG` is set.
fn size(short: usize, long: usize) -> usize {
    if std::env::var_os("SQUORUM_LONG").is_some() {
        long
    } else {
        short
    }
}

/// The one seed to play, from `SQUORUM_SEED`.
fn seed() -> Option<u64> {
    std::env::var("SQUORUM_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
}
