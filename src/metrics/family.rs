//! Families of metrics and their series, as prometheus-client takes them.

use std::fmt::Error;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::histogram::Totals;

/// Where families are told.
pub(super) struct Out<'a>(pub(super) DescriptorEncoder<'a>);

impl Out<'_> {
    /// A family of counters; `_total` is added.
    pub(super) fn counters<'a>(&'a mut self, name: &'a str, help: &str) -> Result<Family<'a>, Error> {
        self.family(name, help, None, MetricType::Counter)
    }

    /// A family of histograms; `_seconds` is added.
    pub(super) fn durations<'a>(&'a mut self, name: &'a str, help: &str) -> Result<Family<'a>, Error> {
        self.family(name, help, Some(&Unit::Seconds), MetricType::Histogram)
    }

    pub(super) fn gauges<'a>(&'a mut self, name: &'a str, help: &str) -> Result<Family<'a>, Error> {
        self.family(name, help, None, MetricType::Gauge)
    }

    /// Of times; `_seconds` is added.
    pub(super) fn times<'a>(&'a mut self, name: &'a str, help: &str) -> Result<Family<'a>, Error> {
        self.family(name, help, Some(&Unit::Seconds), MetricType::Gauge)
    }

    /// Of texts that do not change; `_info` is added.
    pub(super) fn infos<'a>(&'a mut self, name: &'a str, help: &str) -> Result<Family<'a>, Error> {
        self.family(name, help, None, MetricType::Info)
    }

    fn family<'a>(
        &'a mut self,
        name: &'a str,
        help: &str,
        unit: Option<&'a Unit>,
        kind: MetricType,
    ) -> Result<Family<'a>, Error> {
        Ok(Family(self.0.encode_descriptor(name, help, unit, kind)?))
    }
}

/// A family, whose series follow.
pub(super) struct Family<'a>(MetricEncoder<'a>);

impl Family<'_> {
    pub(super) fn counter(&mut self, labels: &impl EncodeLabelSet, value: u64) -> Result<(), Error> {
        self.0.encode_family(labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    pub(super) fn duration(
        &mut self,
        labels: &impl EncodeLabelSet,
        totals: &Totals,
        bounds: &[f64],
    ) -> Result<(), Error> {
        let buckets = totals.buckets(bounds);
        let mut series = self.0.encode_family(labels)?;
        series.encode_histogram::<NoLabelSet>(totals.sum(), totals.count(), &buckets, None)
    }

    pub(super) fn gauge(&mut self, labels: &impl EncodeLabelSet, value: u64) -> Result<(), Error> {
        self.0.encode_family(labels)?.encode_gauge(&value)
    }

    pub(super) fn time(&mut self, labels: &impl EncodeLabelSet, time: Duration) -> Result<(), Error> {
        self.0.encode_family(labels)?.encode_gauge(&time.as_secs_f64())
    }
    /// The only series of a family that has no labels.
    pub(super) fn only_time(&mut self, time: Duration) -> Result<(), Error> {
        self.0.encode_gauge(&time.as_secs_f64())
    }

    pub(super) fn info(&mut self, labels: &impl EncodeLabelSet) -> Result<(), Error> {
        self.0.encode_info(labels)
    }
}
