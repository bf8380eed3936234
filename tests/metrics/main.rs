//! Metrics, as Prometheus and registries of users see them.
#![cfg(all(feature = "prometheus", feature = "testing"))]

mod calls;
mod documents;
mod endpoint;
mod leases;
mod life;
mod requests;
mod scraped;
mod told;
