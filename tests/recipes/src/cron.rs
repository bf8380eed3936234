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
    let cron = restartable_fn(id, move |run: Run| {
        let work = work.clone();
        async move {
            let mut next = Instant::now();
            loop {
                tokio::select! {
                    biased;
                    () = run.shutdown.requested() => return Ok(()),
                    () = sleep_until(next) => work().await?,
                }
                // Ticks that came meanwhile are left out, not made up for.
                while next <= Instant::now() {
                    next += period;
                }
            }
        }
    });
    cron.restart(RestartPolicy::on_failure())
}
