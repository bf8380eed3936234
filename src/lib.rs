//! A lifecycle manager for the services of one program: it sets them up, runs them, restarts what fails, and ends all of them within one
//! deadline.
//!
//! ```
//! use majordomo::{Exit, Manager, ManagerOptions, Run, service_fn};
//!
//! #[actix::main]
//! async fn main() -> Exit {
//!     let mailer = service_fn("mailer", |run: Run| async move {
//! #       return Ok(());
//! #       #[allow(unreachable_code)]
//!         run.shutdown.requested().await; // Ctrl-C, SIGTERM, or another service failed
//!         Ok(())
//!     });
//!     let options = ManagerOptions::new().grpc_ping_service(false);
//!     // The exit code tells what failed, and a report who held the shutdown back.
//!     Manager::new(options).service(mailer).run().await.into()
//! }
//! ```
//!
//! # Services as actors
//!
//! A service with state, messages and resources of its own is an ordinary [actix] actor. The manager sends it [`Setup`], [`Run`] and
//! [`Shutdown`]:
//!
//! ```
//! use actix::prelude::*;
//! use majordomo::{BoxError, GenericService, Run, Service, Setup, Shutdown, resource_fn};
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
//!             run.shutdown.requested().await;
//!             Ok(())
//!         })
//!     }
//! }
//! impl Handler<Shutdown> for Mailer {
//!     type Result = Result<(), BoxError>;
//!     fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result { Ok(()) }
//! }
//! ```
//!
//! gRPC services are [tonic]'s: see [`GrpcService`].
//!
//! # Where to go on
//!
//! - [`guide`]: a first hour, and a page for each part.
//! - [`Manager`] for the stages of a life; [`Service`], [`GenericService`], [`GrpcService`] and [`Resource`] for what your actors are sent.
//! - [`ManagerOptions`] for the limits, [`ManagerError`] for what comes back, [`events`] for everything that happens in between.
//!
//! Cargo features: `tls` (on by default; TLS at the gRPC server's addresses of TCP, by rustls, and [files](clients) for clients), `prometheus` ([metrics](guide::metrics)) and `testing` (what tests of your own
//! services need). The oldest Rust is 1.88.
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
pub mod guide;
mod handover;
pub mod http;
mod lifecycle;
mod manager;
#[cfg(feature = "prometheus")]
pub mod metrics;
#[cfg(not(feature = "prometheus"))]
mod metrics;
mod notify;
mod operations;
mod process;
mod report;
mod server;
mod service;
pub mod sockets;
mod supervision;
#[cfg(feature = "testing")]
pub mod testing;

pub use grpc::builtin::ping;
pub use grpc::{
    DEFAULT_GRPC_ADDRESS, GrpcAddress, GrpcLogging, GrpcRegistrar, GrpcServerOptions, GrpcService,
    GrpcServiceFn, RegisterOnServer, grpc_service_fn,
};
pub use handover::Handover;
pub use http::{http_service, http_service_fn};
pub use lifecycle::{
    BudgetError, Cause, ErrorStage, HandoverEnd, Outcome, ReloadEnd, ReloadStep, RestartCause, RestartMode,
    SignalKind, Stage, Step, WaitsFor,
};
pub use manager::{
    AddService, ForceShutdown, GetStatus, HandoverStatus, LeaseCondition, LeaseStatus, Manager,
    ManagerOptions, ManagerPlan, ManagerStatus, NestedManager, OrderError, PlannedService, Reload,
    RemoveService, ResourceCondition, ResourceStatus, RestartService, RestartStatus, ServiceCondition,
    ServiceStatus, SetupRetryStatus, StartHandover, StartShutdown, StepDown, StopService, Subscribe,
    SuccessorStatus, WaitForShutdown, WaitUntilRunning, WatchedFile, nested, watched_file,
};
pub use operations::Operations;
pub use process::{Exit, exit};
pub use report::{
    BoxError, ConfigError, ForcedError, ForeignStopError, HandoverError, Hold, ManagerError, NoAnswerError,
    PanicError, ReloadError, ResourceEnding, ResourceReport, RestartReport, ReturnedError, ServiceError,
    ServiceReport, ServicesErrors, ShutdownReport, StageError, StepReport, StuckError, SuccessorEnd,
};
pub use service::{
    CommitReload, GenericService, Lease, LeaseError, LeaseGrant, LeaseLostError, LeaseRefusedError,
    LeaseRequest, LeaseStore, LeaseTermsError, PerRuntime, PrepareReload, Release, RequireError, Resource,
    ResourceError, ResourceFn, ResourceSpec, Resources, RestartPolicy, RestartPolicyError, RestartableFn,
    Run, Service, ServiceFn, ServiceSpec, Setup, Shutdown, ShutdownSignal, WithSetup, provider_fn,
    resource_fn, resource_fn_with, restartable_fn, service_fn, service_with_setup,
};

/// Compiles every block of Rust that the page shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
