//! Metrics, in the format that whoever scrapes them prefers.

use http::{HeaderMap, Response, StatusCode};

#[cfg(feature = "prometheus")]
use super::accept::prefers_open_metrics;
use super::answer;
use super::refusal::Refusal;
#[cfg(feature = "prometheus")]
use crate::metrics::Format;
use crate::metrics::Meter;

#[cfg(feature = "prometheus")]
pub(super) fn answer(meter: &Meter, headers: &HeaderMap) -> Result<Response<answer::Body>, Refusal> {
    let format = if prefers_open_metrics(headers) { Format::OpenMetrics } else { Format::Prometheus };
    match meter.exposition(format) {
        Ok(text) => Ok(answer::whole(StatusCode::OK, format.media_type(), text)),
        Err(error) => {
            let error = format!("the metrics cannot be written: {error}");
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error, "report this as a bug"))
        }
    }
}

#[cfg(not(feature = "prometheus"))]
pub(super) fn answer(_: &Meter, _: &HeaderMap) -> Result<Response<answer::Body>, Refusal> {
    let hint = "build it with the feature prometheus of majordomo; GET /status has what they are read from";
    Err(Refusal::new(StatusCode::NOT_FOUND, "this build has no metrics", hint))
}
