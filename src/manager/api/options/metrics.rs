//! What is counted.

use super::ManagerOptions;
use crate::metrics::Meter;
#[cfg(feature = "prometheus")]
use crate::metrics::Metrics;

#[cfg(feature = "prometheus")]
impl ManagerOptions {
    /// Counts into these metrics, which [the guide](crate::guide::metrics) lists: for a registry of your own, or with an option of theirs. Replaces what was
    /// given before. Default: none, and with [`operations`](Self::operations) some that nobody else sees. Nothing is counted without either.
    pub fn metrics(self, metrics: &Metrics) -> Self {
        Self { metrics: Some(metrics.clone()), ..self }
    }

    /// What counts, if anybody is to know.
    pub(crate) fn meter(&self) -> Meter {
        let own = || self.operations.as_ref().map(|_| Metrics::new());
        self.metrics.clone().or_else(own).map_or_else(Meter::default, |metrics| metrics.meter())
    }
}

#[cfg(not(feature = "prometheus"))]
impl ManagerOptions {
    /// Nothing does.
    pub(crate) fn meter(&self) -> Meter {
        Meter::default()
    }
}
