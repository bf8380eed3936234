//! Metrics that are not there: the same names, and nothing behind them.

use std::time::Duration;

use super::{ReadLoad, RequestFacts};
use crate::base::EndedBy;
use crate::events::{EventSender, Name};
use crate::lifecycle::RestartPolicy;

#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(());

#[derive(Debug, Clone, Default)]
pub(crate) struct MethodMeter(());

#[derive(Debug, Clone, Default)]
pub(crate) struct RequestMeter(());

impl Meter {
    pub(crate) fn observer(&self) -> Option<EventSender> {
        None
    }

    pub(crate) fn add_service(
        &self,
        _: &Name,
        _: &RestartPolicy,
        _: Option<&Name>,
        _: impl FnOnce() -> Option<ReadLoad>,
    ) {
    }

    pub(crate) fn method(&self, _: Option<&str>, _: &'static str) -> MethodMeter {
        MethodMeter::default()
    }

    pub(crate) fn requests(&self) -> RequestMeter {
        RequestMeter::default()
    }
}

impl MethodMeter {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn began(&self) {}

    pub(crate) fn counts_messages(&self) -> bool {
        false
    }

    pub(crate) fn received(&self, _: u64) {}

    pub(crate) fn sent(&self, _: u64) {}

    pub(crate) fn ended(&self, _: usize, _: EndedBy, _: impl FnOnce() -> Duration) {}
}

impl RequestMeter {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn ended<'a>(&self, _: EndedBy, _: impl FnOnce() -> RequestFacts<'a>) {}
}
