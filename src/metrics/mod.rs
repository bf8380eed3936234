//! What is counted of calls, and what is told of services, for Prometheus.
//!
//! ```text
//!   workers: calls, as they end -----------> tables, one a worker --+
//!   manager: events -----------------------> a fold of them --------+-- when scraped --> /metrics, or a registry of a user's
//!   servers: open calls and connections -----------------------------+
//! ```
//!
//! A call is counted where it is logged and accounted for anyway: once, when its outcome is known. Nothing here ticks, and nobody waits for
//! a manager: what it has told is there to be read, on any thread, also after its end.
//!
//! Labels are never a peer's choice: a method that no descriptor set tells of is `_OTHER`, and so is a method of HTTP that is none of the known ones; a
//! route is what the program itself calls it.
//!
//! Without the cargo feature `prometheus` all of this is `off.rs`: nothing is kept, and nothing is asked.

#[cfg(feature = "prometheus")]
mod collect;
#[cfg(feature = "prometheus")]
mod core;
#[cfg(feature = "prometheus")]
mod exposition;
mod facts;
#[cfg(feature = "prometheus")]
mod family;
#[cfg(feature = "prometheus")]
mod go_names;
#[cfg(feature = "prometheus")]
mod handle;
#[cfg(feature = "prometheus")]
mod histogram;
#[cfg(feature = "prometheus")]
mod kind;
#[cfg(feature = "prometheus")]
mod labels;
#[cfg(feature = "prometheus")]
mod leases;
#[cfg(feature = "prometheus")]
mod life;
#[cfg(feature = "prometheus")]
mod lock;
#[cfg(feature = "prometheus")]
mod meter;
#[cfg(feature = "prometheus")]
mod methods;
#[cfg(not(feature = "prometheus"))]
mod off;
#[cfg(feature = "prometheus")]
mod requests;

#[cfg(feature = "prometheus")]
pub use handle::Metrics;

#[cfg(feature = "prometheus")]
pub(crate) use exposition::Format;
pub(crate) use facts::RequestFacts;
#[cfg(feature = "prometheus")]
pub(crate) use meter::Meter;
#[cfg(feature = "prometheus")]
pub(crate) use methods::MethodMeter;
#[cfg(not(feature = "prometheus"))]
pub(crate) use off::{Meter, MethodMeter, RequestMeter};
#[cfg(feature = "prometheus")]
pub(crate) use requests::RequestMeter;

/// Reads how many connections and calls of a server are open; `None` while it does not run.
pub(crate) type ReadLoad = std::sync::Arc<dyn Fn() -> Option<(usize, usize)> + Send + Sync>;
