//! The test suite of every [`Store`]: run by the tests of the twin and of the real store, so that
//! what simulation proves on the one holds on the other. Panics at the first breach.
//!
//! Checked against a plain map: reads and scans of store, overlay and snapshot; snapshots that
//! never change; batches that are seen and kept whole; a crash that leaves a prefix and loses
//! nothing flushed; ranges replaced all or nothing.

mod directed;
mod model;

use std::path::Path;

pub use self::directed::{batches_are_seen_whole, replace_range_is_all_or_nothing};
pub use self::model::matches_the_model;
use crate::Store;

/// A store under test, and the means to crash it.
pub trait Subject {
    type Store: Store;

    fn store(&self) -> &Self::Store;

    /// A directory for [`Store::replace_range`].
    fn scratch(&self) -> &Path;

    /// Ends the store's process without warning and opens what it left. All handles, cursors and
    /// snapshots of the old one are gone by then, except for those in the subject.
    fn crash(&mut self, seed: u64);
}

/// Runs the whole suite on stores that `make` gives, empty ones. `steps` is the length of the
/// random run; 2,000 takes a second or so on the twin.
pub fn test_all<S: Subject>(mut make: impl FnMut() -> S, seed: u64, steps: usize) {
    matches_the_model(make(), seed, steps);
    batches_are_seen_whole(&make(), 20 * steps);
    replace_range_is_all_or_nothing(make());
}
