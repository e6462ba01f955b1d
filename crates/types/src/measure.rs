//! What a hot path leaves behind for an operator to see.
//!
//! Writing is an atomic addition without an order: a figure says how much, never what happened
//! before what. Who reads gets plain values and encodes them elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts what has happened since the process began.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    pub fn increment(&self) {
        self.add(1);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts what is there now.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more, until the guard is dropped.
    pub fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of what a [`Level`] counts.
#[derive(Debug)]
pub struct Entered<'a>(&'a Level);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Upper bounds of a [`DurationHistogram`]'s buckets, in microseconds: from a sync of a fast disk to
/// the longest poll. One more bucket takes what is longer.
pub const BUCKET_BOUNDS_MICROS: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000,
];

const BUCKETS: usize = BUCKET_BOUNDS_MICROS.len() + 1;

/// Counts durations by size.
#[derive(Debug, Default)]
pub struct DurationHistogram {
    buckets: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl DurationHistogram {
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKET_BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was recorded so far. Records that come meanwhile may be in it or not.
    pub fn read(&self) -> DurationCounts {
        DurationCounts {
            counts: std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed)),
            sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)),
        }
    }
}

/// A reading of a [`DurationHistogram`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DurationCounts {
    /// For each of [`BUCKET_BOUNDS_MICROS`] how many were at most that long and longer than the
    /// bound before; then how many were longer than all.
    pub counts: [u64; BUCKETS],
    pub sum: Duration,
}

impl DurationCounts {
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = DurationHistogram::default();
        let micros = [0, 100, 101, 250, 30_000_000, 30_000_001];
        for micros in micros {
            histogram.record(Duration::from_micros(micros));
        }
        let reading = histogram.read();
        assert_eq!(reading.counts[..3], [2, 2, 0]);
        assert_eq!(reading.counts[BUCKETS - 2..], [1, 1]);
        assert_eq!(reading.total(), micros.len() as u64);
        assert_eq!(reading.sum, Duration::from_micros(micros.iter().sum()));
    }
}
