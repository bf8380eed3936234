//! Tasks with tokio-util's `TaskTracker` and `CancellationToken`: graceful shutdown as tokio's own guide has it.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lifecycle::{Life, Stopwatch};
use super::many_threads;
use crate::cell::Cell;
use crate::measure::Failure;

pub(super) const SETTINGS: &str =
    "a task for each service and resource, two trackers, two tokens; multi-thread runtime";

pub(super) fn lifecycle(cell: &Cell) -> Result<Life, Failure> {
    let count = cell.count("services");
    many_threads()?.block_on(async move {
        let mut watch = Stopwatch::start()?;
        let (services, resources) = (TaskTracker::new(), TaskTracker::new());
        let (stop, release) = (CancellationToken::new(), CancellationToken::new());
        let (up, mut ups) = mpsc::unbounded_channel();
        for _ in 0..count {
            let (stop, release, resources, up) =
                (stop.clone(), release.clone(), resources.clone(), up.clone());
            services.spawn(async move {
                resources.spawn(release.cancelled_owned());
                // Counted as long as anybody counts.
                let _ = up.send(());
                drop(up);
                stop.cancelled().await;
            });
        }
        for _ in 0..count {
            ups.recv().await.ok_or("a service is lost")?;
        }
        watch.running()?;
        stop.cancel();
        services.close();
        services.wait().await;
        release.cancel();
        resources.close();
        resources.wait().await;
        watch.over(count)
    })
}
