//! The server's end.

use std::time::Duration;

use actix::Addr;
use majordomo::{
    GetStatus, GrpcServerOptions, Manager, ManagerError, ManagerOptions, WaitForShutdown, WaitUntilRunning,
};

use crate::database::Database;
use crate::errors;
use crate::printer::say;
use crate::service::Hat;

/// A manager that serves at this address once it is started.
pub(crate) fn manager(address: &str, database: Database) -> Manager {
    let errors = errors::of_server();
    let server = GrpcServerOptions::new()
        // Also for a database that does not answer.
        .request_timeout(Duration::from_secs(10))
        .reflection_service(true);
    let options = ManagerOptions::new()
        .grpc_server_address(address)
        .grpc_server(server)
        .grpc_ping_service(false)
        // Errors and panics of handlers are rich ...
        .error_generator(errors.clone())
        // ... and so is nothing.
        .err_not_found_middleware();
    Manager::new(options).grpc_service(Hat::new(database, errors))
}

/// Where it serves, once it does.
///
/// # Errors
/// Why it does not.
pub(crate) async fn addresses(manager: &Addr<Manager>) -> Result<Vec<String>, ManagerError> {
    manager.send(WaitUntilRunning).await??;
    let status = manager.send(GetStatus).await?;
    Ok(status.grpc_addresses.iter().map(ToString::to_string).collect())
}

/// Serves until it is told to stop.
pub(crate) async fn serve(address: &str, database: Database) -> Result<(), ManagerError> {
    let manager = manager(address, database).start();
    for address in addresses(&manager).await? {
        say(format!("serving at {address}"));
    }
    manager.send(WaitForShutdown).await?
}
