//! Services as actors: messages, lives, restarts.

use std::time::Duration;

use actix::prelude::*;
use majordomo::testing::{paused, start_paused};
use majordomo::{
    BoxError, Manager, ManagerOptions, RestartPolicy, Run, ServiceSpec, StartShutdown, WaitForShutdown,
    WaitUntilRunning,
};
use tokio::sync::oneshot;

use crate::Failure;
use crate::worker::{Ask, Crash, Tell, Worker};

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// Starts the manager, does that, and stops it.
async fn around(
    manager: Addr<Manager>,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    manager.send(WaitUntilRunning).await??;
    work.await?;
    manager.send(StartShutdown).await?;
    Ok(manager.send(WaitForShutdown).await??)
}

/// Both on one thread.
fn driven(
    drive: impl AsyncFnOnce(Addr<Worker>) -> Result<(), BoxError> + Send + 'static,
) -> Result<(), Failure> {
    System::new().block_on(async {
        let (worker, target) = Worker::known();
        let driver = majordomo::service_fn("driver", move |_: Run| async move { drive(target.await?).await });
        let manager = Manager::new(options().service_threads(1)).service(worker).service(driver).start();
        let (over, ended) = oneshot::channel::<()>();
        drop(over);
        around(manager, async {
            let _ = ended.await;
            Ok(())
        })
        .await
    })
}

pub(crate) fn ask(count: u32) -> Result<(), Failure> {
    driven(async move |target| {
        for _ in 0..count {
            target.send(Ask).await?;
        }
        Ok(())
    })
}

pub(crate) fn tell(count: u32) -> Result<(), Failure> {
    driven(async move |target| {
        for _ in 0..count / 1000 {
            for _ in 0..1000 {
                target.do_send(Tell);
            }
            target.send(Ask).await?;
        }
        Ok(())
    })
}

/// So many services with a resource each; all on one thread, since how threads meet is a matter of chance.
pub(crate) fn start_and_stop(count: u32) -> Result<(), Failure> {
    paused(|| async move {
        let workers = (0..count).map(|n| Worker { has_resource: true, ..Worker::new(format!("s{n}")) });
        let options = options().max_shutdown_duration(Duration::from_secs(600));
        around(start_paused(workers.fold(Manager::new(options), Manager::service)), async { Ok(()) }).await
    })
}

/// On one thread, too.
pub(crate) fn restart(count: u32) -> Result<(), Failure> {
    // What a panic prints is the terminal's.
    std::panic::set_hook(Box::new(|_| {}));
    paused(|| async move {
        let (worker, target) = Worker::known();
        let at_once = RestartPolicy::on_failure().unlimited().backoff(Duration::ZERO, Duration::ZERO);
        let manager = Manager::new(options()).service(ServiceSpec::new(worker).restart(at_once));
        around(start_paused(manager), async {
            let target = target.await?;
            for _ in 0..count {
                target.do_send(Crash);
                target.send(Ask).await?;
            }
            Ok(())
        })
        .await
    })
}
