//! Services that depend on others: started after them, stopped before them, restarted with them.
//!
//! ```text
//! cargo run --example 07_dependencies
//! ```
//!
//! ```text
//!   web -----> cache -----> database
//!   metrics -> database     (survives its restart)
//! ```
//!
//! Prints the plan without starting anything, then lets the database fail once and shows who goes down with it.

mod printer;

use std::time::Duration;

use majordomo::{
    BoxError, Exit, Manager, ManagerError, ManagerOptions, RestartPolicy, RestartableFn, ServiceSpec,
    StartShutdown, Subscribe, WaitForShutdown, WaitUntilRunning, events::LifecycleEvent, restartable_fn,
};
use printer::say;

/// A service that runs until it is asked to stop.
fn patient(id: &'static str) -> ServiceSpec<RestartableFn> {
    let service = restartable_fn(id, |run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    ServiceSpec::new(service).restart(RestartPolicy::never())
}

/// One that fails soon after its first start, and never again.
fn fails_once(id: &'static str) -> RestartableFn {
    let mut failed = false;
    restartable_fn(id, move |run| {
        let fails = !std::mem::replace(&mut failed, true);
        async move {
            let fails_soon = async {
                if fails {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = run.shutdown.requested() => Ok(()),
                () = fails_soon => Err::<(), BoxError>("lost the disk".into()),
            }
        }
    })
}

/// The manager, not yet started.
pub(crate) fn manager() -> Manager {
    let policy = RestartPolicy::on_failure().backoff(Duration::from_millis(20), Duration::from_secs(1));
    Manager::new(ManagerOptions::new().grpc_ping_service(false))
        .service(patient("web").depends_on("cache"))
        .service(patient("cache").depends_on("database"))
        .service(patient("metrics").depends_on("database").survives_restart_of("database"))
        .service(ServiceSpec::new(fails_once("database")).restart(policy))
}

#[actix::main]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    result.into()
}

async fn run() -> Result<(), ManagerError> {
    let manager = manager();
    say(format!("{}\n", manager.plan().expect("the plan can work")));

    let manager = manager.start();
    manager.send(WaitUntilRunning).await??;
    let mut events = manager.send(Subscribe).await?;
    while let Some(timed) = events.recv().await {
        say(&timed);
        if matches!(&timed.event, LifecycleEvent::RestartFinished { service, .. } if &**service == "web") {
            manager.do_send(StartShutdown);
        }
    }
    manager.send(WaitForShutdown).await?
}
