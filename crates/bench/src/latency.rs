use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Latencies to three digits, from 1 µs to an hour.
#[derive(Debug)]
pub(crate) struct Latencies {
    histogram_us: Histogram<u64>,
}

impl Latencies {
    pub(crate) fn new() -> Latencies {
        Latencies {
            histogram_us: Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
                .expect("the bounds are valid constants"),
        }
    }

    pub(crate) fn record(&mut self, elapsed: Duration) {
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.histogram_us.saturating_record(elapsed_us);
    }

    /// `None` when nothing was recorded.
    pub(crate) fn summary(&self) -> Option<Latency> {
        let ms = |us: u64| us as f64 / 1000.0;
        let at = |quantile| ms(self.histogram_us.value_at_quantile(quantile));
        (!self.histogram_us.is_empty()).then(|| Latency {
            count: self.histogram_us.len(),
            mean: (self.histogram_us.mean()).round() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(self.histogram_us.max()),
        })
    }
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Latency {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.summary(), None);
        for ms in 1..=1_000 {
            latencies.record(Duration::from_millis(ms));
        }
        let summary = latencies.summary().unwrap();
        let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.002;
        assert_eq!(summary.count, 1_000);
        for (value, wanted) in [
            (summary.mean, 500.5),
            (summary.p50, 500.0),
            (summary.p90, 900.0),
            (summary.p99, 990.0),
            (summary.p999, 999.0),
            (summary.max, 1_000.0),
        ] {
            assert!(near(value, wanted), "{value} is not {wanted}");
        }
    }

    #[test]
    fn more_than_an_hour_counts_as_an_hour() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(86_400));
        assert!(latencies.summary().unwrap().max >= 3_600_000.0);
    }
}
