//! Meta against a naive reference, its formats, and its rules one by one.
#![allow(clippy::unwrap_used)]

mod calls;
mod campaign;
mod directed;
mod generator;
mod golden;
mod members;
mod model;
mod permissions_and_tags;
mod policies;
mod replica;
mod support;

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
