//! OpenTelemetry for programs on [majordomo]: traces and metrics of calls and requests by the semantic conventions, and what is left of
//! them sent in time when the program ends.
//!
//! ```no_run
//! use majordomo::{BoxError, Manager, ManagerOptions};
//! use majordomo_otel::Otel;
//! use tracing_subscriber::prelude::*;
//!
//! # async fn serve() -> Result<(), BoxError> {
//! let otel = Otel::from_env("shop")?;
//! tracing_subscriber::registry().with(otel.layer()).init();
//! // Calls are traced and measured; telemetry is released last by what depends on it.
//! Manager::new(otel.grpc(ManagerOptions::new())).service(otel.service()).run().await?;
//! # Ok(())
//! # }
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

/// Compiles every block of Rust that the page shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/opentelemetry.md")]
mod guide {}
