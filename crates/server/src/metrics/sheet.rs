//! One metric a call, in the encoder's terms.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use squorum_types::measure::{BUCKET_BOUNDS_MICROS, DurationCounts};

/// Labels of one series.
pub(super) type Labels<'a> = [(&'a str, &'a str)];

/// What a scrape writes on. Names carry their units; those of counters are given without `_total`.
#[derive(Debug)]
pub(super) struct Sheet<'a>(DescriptorEncoder<'a>);

impl<'a> Sheet<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Sheet<'a> {
        Sheet(encoder)
    }

    pub(super) fn info(&mut self, name: &str, help: &str, labels: &Labels<'_>) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Info)?;
        metric.encode_info(&labels)
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    /// A gauge of several series.
    pub(super) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// A counter of seconds.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// A counter of several series.
    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            let mut metric = metric.encode_family(&labels)?;
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    pub(super) fn durations(
        &mut self,
        name: &str,
        help: &str,
        durations: &DurationCounts,
    ) -> fmt::Result {
        let kind = MetricType::Histogram;
        let metric = self.0.encode_descriptor(name, help, None, kind)?;
        histogram(metric, durations)
    }

    /// A histogram of several series.
    pub(super) fn duration_series<'s, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, &'s DurationCounts)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, durations) in series {
            histogram(metric.encode_family(&labels)?, durations)?;
        }
        Ok(())
    }
}

fn histogram(mut metric: MetricEncoder<'_>, durations: &DurationCounts) -> fmt::Result {
    let sum_seconds = durations.sum.as_secs_f64();
    let buckets = buckets(durations);
    metric.encode_histogram::<NoLabelSet>(sum_seconds, durations.total(), &buckets, None)
}

/// Upper bounds in seconds and what is between them.
fn buckets(durations: &DurationCounts) -> Vec<(f64, u64)> {
    let bounds = BUCKET_BOUNDS_MICROS.iter();
    let bounds = bounds.map(|micros| *micros as f64 / 1e6);
    let bounds = bounds.chain([f64::INFINITY]);
    bounds.zip(durations.counts).collect()
}
