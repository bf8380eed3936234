//! Something every so often.

use std::future::Future;
use std::time::Duration;

use majordomo::{BoxError, RestartPolicy, RestartableFn, Run, ServiceSpec, restartable_fn};
use tokio::time::{Instant, sleep_until};

pub fn every<F, Fut>(id: &str, period: Duration, work: F) -> ServiceSpec<RestartableFn>
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    assert!(!period.is_zero(), "{id} would have no time between two ticks");
    let cron = restartable_fn(id, move |run: Run| {
        let work = work.clone();
        async move {
            let mut next = Instant::now();
            loop {
                tokio::select! {
                    biased;
                    () = run.shutdown.requested() => return Ok(()),
                    () = sleep_until(next) => if let Err(error) = work().await {
                        // An hour without the database is no reason to end: there is another tick.
                        tracing::error!(error, "it failed, and is tried again at its next time");
                    },
                }
                // Ticks that came meanwhile are left out, not made up for.
                while next <= Instant::now() {
                    next += period;
                }
            }
        }
    });
    // After a panic.
    cron.restart(RestartPolicy::on_failure().unlimited())
}
