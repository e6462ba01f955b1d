//! The conformance suite on the twin, and on twins with a flaw each, which it must find.
#![allow(clippy::unwrap_used)]

mod flawed;
mod overlay;
mod twin;

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
