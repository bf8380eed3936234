//! An actor-based supervisor runtime for the services of one program.
//!
//! Give your services to a [`Manager`]. It sets them up and runs them. When the program ends, or a service fails,
//! it stops all of them within one deadline and releases their resources in order. If a service held the shutdown
//! back, the report names it. Services and resources are ordinary [actix] actors; gRPC is [tonic]'s.
//!
//! ```
//! use actix::prelude::*;
//! use majordomo::{
//!     BoxError, Exit, GenericService, Manager, ManagerOptions, Run, Service, Setup, Shutdown, resource_fn,
//! };
//!
//! struct Mailer;
//! impl Actor for Mailer { type Context = Context<Self>; }
//! impl Service for Mailer { fn id(&self) -> String { "mailer".into() } }
//! impl GenericService for Mailer {}
//!
//! impl Handler<Setup> for Mailer {
//!     type Result = Result<(), BoxError>;
//!     fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
//!         // Released when no service runs any more, the last started first.
//!         setup.resources.start("connection", resource_fn(|| async { Ok(()) }))?;
//!         Ok(())
//!     }
//! }
//! impl Handler<Run> for Mailer {
//!     type Result = ResponseFuture<Result<(), BoxError>>;
//!     fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
//!         Box::pin(async move {
//! #           return Ok(());
//! #           #[allow(unreachable_code)]
//!             run.shutdown.requested().await;
//!             Ok(())
//!         })
//!     }
//! }
//! impl Handler<Shutdown> for Mailer {
//!     type Result = Result<(), BoxError>;
//!     fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result { Ok(()) }
//! }
//!
//! #[actix::main]
//! async fn main() -> Exit {
//!     // Ctrl-C, SIGTERM or a failure ends it; the exit code tells which.
//!     Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(Mailer).run().await.into()
//! }
//! ```
//!
//! Cargo features: `tls` (on by default; TLS at the gRPC server's addresses of TCP, by rustls) and `testing` (what tests of your own
//! services need). The oldest Rust is 1.88. The guide is in the folder `docs` of the package, which begins with
//! `docs/getting-started.md`.
//!
//! Where to go on: [`Manager`] for the stages of a life, [`Service`], [`GenericService`], [`GrpcService`]
//! and [`Resource`] for what your actors are sent, [`ManagerOptions`] for the limits, [`ManagerError`] for
//! what comes back, [`events`] for everything that happens in between.
//!
//! [actix]: https://docs.rs/actix
//! [tonic]: https://docs.rs/tonic

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

#[cfg(not(unix))]
compile_error!(
    "majordomo works on Unix only, and is tested on Linux: signals, Unix sockets and inherited descriptors are part \
     of it. Windows is not supported"
);

pub mod api_errors;
mod base;
pub mod clients;
pub mod events;
pub mod grpc;
mod lifecycle;
mod manager;
mod process;
mod report;
mod server;
mod service;
mod supervision;
#[cfg(feature = "testing")]
pub mod testing;

pub use grpc::builtin::ping;
pub use grpc::{
    DEFAULT_GRPC_ADDRESS, GrpcAddress, GrpcLogging, GrpcRegistrar, GrpcServerOptions, GrpcService,
    RegisterOnServer,
};
pub use lifecycle::{
    BudgetError, Cause, ErrorStage, Outcome, RestartCause, RestartMode, SignalKind, Stage, Step,
};
pub use manager::{
    AddService, ForceShutdown, GetStatus, Manager, ManagerOptions, ManagerPlan, ManagerStatus, NestedManager,
    OrderError, PlannedService, RemoveService, ResourceStatus, RestartService, RestartStatus, ServiceStatus,
    StartShutdown, StopService, Subscribe, WaitForShutdown, WaitUntilRunning, nested,
};
pub use process::{Exit, exit};
pub use report::{
    BoxError, ConfigError, ForcedError, ForeignStopError, Hold, ManagerError, NoAnswerError, PanicError,
    ResourceEnding, ResourceReport, RestartReport, ReturnedError, ServiceError, ServiceReport,
    ServicesErrors, ShutdownReport, StageError, StepReport, StuckError,
};
pub use service::{
    GenericService, Release, Resource, ResourceError, ResourceFn, ResourceSpec, Resources, RestartPolicy,
    RestartPolicyError, RestartableFn, Run, Service, ServiceFn, ServiceSpec, Setup, Shutdown, ShutdownSignal,
    resource_fn, restartable_fn, service_fn,
};

/// Compiles every block of Rust that these pages show.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($(#[$when:meta])* $page:ident = $file:literal;)*) => {
            $($(#[$when])* #[doc = include_str!(concat!("../", $file))] struct $page;)*
        };
    }

    pages! {
        Readme = "README.md";
        ComingFromGo = "docs/coming-from-go.md";
        Errors = "docs/errors.md";
        GettingStarted = "docs/getting-started.md";
        #[cfg(feature = "tls")]
        Grpc = "docs/grpc.md";
        Operations = "docs/operations.md";
        Resources = "docs/resources.md";
        Services = "docs/services.md";
        Shutdown = "docs/shutdown.md";
        Supervision = "docs/supervision.md";
        #[cfg(feature = "testing")]
        Testing = "docs/testing.md";
    }
}
