//! Services that come and go while the manager runs: one for each tenant, added, restarted, stopped and removed by message.
//!
//! ```text
//! cargo run --example 08_dynamic
//! ```

mod printer;

use majordomo::{
    AddService, Exit, GetStatus, Manager, ManagerError, ManagerOptions, OrderError, RemoveService,
    RestartPolicy, RestartService, RestartableFn, ServiceSpec, StartShutdown, StopService, WaitForShutdown,
    WaitUntilRunning, restartable_fn,
};
use printer::{complain, say};

/// A service for one tenant, which needs the directory.
pub(crate) fn tenant(name: &str) -> ServiceSpec<RestartableFn> {
    let id = format!("tenant {name}");
    let service = restartable_fn(id.clone(), move |run| {
        say(format!("{id} is served"));
        async move {
            run.shutdown.requested().await;
            Ok(())
        }
    });
    ServiceSpec::new(service).restart(RestartPolicy::on_failure()).depends_on("directory")
}

/// The manager, not yet started.
pub(crate) fn manager() -> Manager {
    let directory = restartable_fn("directory", |run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    Manager::new(ManagerOptions::new().grpc_ping_service(false))
        .service(ServiceSpec::new(directory).restart(RestartPolicy::on_failure()))
}

#[actix::main]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    result.into()
}

async fn run() -> Result<(), ManagerError> {
    let manager = manager().start();
    manager.send(WaitUntilRunning).await??;

    if let Err(refused) = serve(&manager).await {
        complain(refused);
    }
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await?
}

async fn serve(manager: &actix::Addr<Manager>) -> Result<(), Box<dyn std::error::Error>> {
    manager.send(AddService::new(tenant("red"))).await??;
    manager.send(AddService::new(tenant("blue"))).await??;
    // An id is taken as long as its service is there.
    match manager.send(AddService::new(tenant("red"))).await? {
        Err(OrderError::Id(id)) => say(format!("refused: {id} is there already")),
        other => say(format!("{other:?}")),
    }
    manager.send(RestartService("tenant red".into())).await??;
    manager.send(StopService("tenant blue".into())).await??;
    say(manager.send(GetStatus).await?);
    // Nobody whom others depend on is removed from under them.
    if let Err(needed) = manager.send(RemoveService("directory".into())).await? {
        say(format!("refused: {needed}"));
    }
    manager.send(RemoveService("tenant blue".into())).await??;
    manager.send(AddService::new(tenant("blue"))).await??;
    Ok(())
}
