//! OpenTelemetry for programs on [majordomo]: traces and metrics of calls and requests by the semantic conventions, and what is left of
//! them sent in time when the program ends.
//!
//! ```no_run
//! use majordomo::{Exit, Manager, ManagerOptions, ServiceSpec};
//! use majordomo_otel::Otel;
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! # fn web() -> majordomo::ServiceSpec<majordomo::RestartableFn> { unimplemented!() }
//! #[actix::main]
//! async fn main() -> Exit {
//!     let otel = match Otel::from_env("shop") {
//!         Ok(otel) => otel,
//!         Err(error) => return Exit::from(Err(error)),
//!     };
//!     let subscriber = tracing_subscriber::registry().with(otel.layer());
//!     tracing::subscriber::set_global_default(subscriber).expect("nobody was before");
//!     Manager::new(otel.grpc(ManagerOptions::new()))
//!         .service(otel.service()) // released last
//!         .service(ServiceSpec::new(web()).depends_on("telemetry"))
//!         .run()
//!         .await
//!         .into()
//! }
//! ```
//!
//! [The guide](majordomo::guide::opentelemetry) has the variables of the environment, what is measured, clients, and what becomes of it where
//! the collector is slow or dead.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

pub mod client;
mod delivery;
mod error;
mod exporters;
mod flush;
mod instruments;
mod otel;
mod propagation;
mod sending;
mod server;
mod settings;
mod status;

pub use client::ClientLayer;
pub use error::{OtelError, TelemetryLost};
pub use otel::{Otel, OtelOptions};
pub use settings::Protocol;
