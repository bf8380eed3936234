//! Leases of Kubernetes, of an API server of the tests' own: written after the documentation of the API, and no real cluster.

mod api;
mod contract;
mod refused;
mod times;

use std::time::Duration;

use majordomo::LeaseRequest;

fn request(lease: &str, holder: &str) -> LeaseRequest {
    LeaseRequest::new(lease, holder, Duration::from_secs(60))
}
