//! The order to take another service.

use std::fmt;

use actix::Message;

use super::order_error::OrderError;
use super::pending_service::PendingService;
use crate::service::{GenericService, ServiceSpec};

/// Hand another service to a running manager: it is set up and run at once, after those that it depends on. Answered when it
/// runs; with an error when it was refused, or could not be set up: then all that it started has been released.
///
/// ```
/// use majordomo::{AddService, Manager, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn};
///
/// # #[actix::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let patient = |id| service_fn(id, |run| async move { run.shutdown.requested().await; Ok(()) });
/// let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(patient("first")).start();
/// manager.send(WaitUntilRunning).await??;
/// manager.send(AddService::new(patient("second"))).await??;
/// manager.do_send(StartShutdown);
/// manager.send(WaitForShutdown).await??;
/// # Ok(())
/// # }
/// ```
#[derive(Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct AddService(pub(crate) PendingService);

impl AddService {
    /// A service with a main loop. gRPC services cannot be added to a server that serves.
    pub fn new<A: GenericService>(service: impl Into<ServiceSpec<A>>) -> Self {
        Self(PendingService::generic(service.into()))
    }
}

impl fmt::Debug for AddService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AddService").field(&self.0.id).finish()
    }
}
