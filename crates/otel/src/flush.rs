//! The end: what is left is sent, as far as there is time.
//!
//! ```text
//!   released                                 given up        the manager's deadline
//!      |-- spans and metrics, side by side ------|-- a tenth ------|
//! ```
//!
//! It is sent from a thread of its own: the actor that waits for it can be forced, and a runtime of one thread goes on.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use majordomo::{BoxError, Release};
use tokio::sync::oneshot;

use crate::error::TelemetryLost;
use crate::otel::Shared;

/// No longer than the SDK itself waits for its queue.
const LONGEST: Duration = Duration::from_secs(5);

/// Sends what is left.
pub(crate) async fn release(shared: Arc<Shared>, release: Release) -> Result<(), BoxError> {
    let limit = limit(release.shutdown.deadline(), tokio::time::Instant::now().into());
    let (done, flushed) = oneshot::channel();
    let tolerates_loss = shared.tolerates_loss;
    let run = move || drop(done.send(flush(&shared, limit)));
    thread::Builder::new().name("otel-flush".into()).spawn(run)?;
    match flushed.await.map_err(|_| "the thread that flushes telemetry panicked")? {
        Err(lost) if tolerates_loss => tracing::warn!(error = %lost, "telemetry was lost"),
        flushed => flushed?,
    }
    Ok(())
}

/// The share of what is left.
fn limit(deadline: Option<Instant>, now: Instant) -> Duration {
    deadline.map_or(LONGEST, |at| (at.saturating_duration_since(now) * 9 / 10).min(LONGEST))
}

fn flush(shared: &Shared, limit: Duration) -> Result<(), TelemetryLost> {
    let Some(sending) = &shared.sending else { return Ok(()) };
    sending.give_up_at(Some(Instant::now() + limit));
    let of_spans = shared.delivery.ended();
    let metrics = thread::scope(|scope| {
        let metrics = scope.spawn(|| shared.meters.force_flush());
        // What it says is less than what was counted.
        let _ = shared.tracers.force_flush();
        metrics.join().map_or(true, |flushed| flushed.is_err())
    });
    let spans = of_spans.saturating_sub(shared.delivery.arrived());
    // What comes from now on has nowhere to go, and holds up nobody.
    sending.give_up_at(Some(Instant::now()));
    if spans == 0 && !metrics {
        return Ok(());
    }
    let reason = shared
        .delivery
        .reason()
        .unwrap_or_else(|| "the queue was full, or there was no time left".to_owned());
    Err(TelemetryLost { spans, of_spans, metrics, endpoint: shared.endpoint.clone(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g08_it_takes_nine_tenths_of_what_is_left_and_never_more_than_five_seconds() {
        let now = Instant::now();
        assert_eq!(limit(Some(now + Duration::from_secs(1)), now), Duration::from_millis(900));
        assert_eq!(limit(Some(now + Duration::from_secs(60)), now), LONGEST);
        assert_eq!(limit(Some(now), now + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(limit(None, now), LONGEST);
    }
}
