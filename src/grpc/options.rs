//! What can be set about the server.

use std::num::NonZeroUsize;
use std::thread;

use crate::error::ConfigError;

/// Options of the gRPC server. Their values are checked when the manager starts, before anything runs.
#[derive(Debug, Clone, Default)]
pub struct GrpcServerOptions {
    workers: Option<usize>,
    health_service: Option<bool>,
    reflection_service: Option<bool>,
}

impl GrpcServerOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads serve connections. Default: as many as the process may use cores. At least 1.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Whether the server answers [`grpc.health.v1`](crate::grpc::health). Default: yes.
    pub fn health_service(self, on: bool) -> Self {
        Self { health_service: Some(on), ..self }
    }

    /// Whether the server answers `grpc.reflection.v1` and `v1alpha` from the descriptor sets that services
    /// add by [`GrpcRegistrar::add_file_descriptor_set`](crate::GrpcRegistrar::add_file_descriptor_set).
    /// Default: as [`ManagerOptions::grpc_ping_service`](crate::ManagerOptions::grpc_ping_service).
    pub fn reflection_service(self, on: bool) -> Self {
        Self { reflection_service: Some(on), ..self }
    }

    /// Whether there is reflection unless it was said.
    pub(crate) fn reflection_by_default(self, on: bool) -> Self {
        Self { reflection_service: self.reflection_service.or(Some(on)), ..self }
    }

    /// Refuses values that cannot work.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.workers == Some(0) {
            return Err(ConfigError::Option {
                option: "GrpcServerOptions::workers",
                value: "0".to_owned(),
                mend: "give at least 1, or leave it out for one a core",
            });
        }
        Ok(())
    }

    pub(super) fn tells_health(&self) -> bool {
        self.health_service.unwrap_or(true)
    }

    pub(super) fn reflects(&self) -> bool {
        self.reflection_service.unwrap_or(true)
    }

    pub(super) fn worker_count(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.workers.unwrap_or_else(cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g01_a_server_without_workers_is_refused_by_name() {
        let error = GrpcServerOptions::new().workers(0).validate().unwrap_err().to_string();
        assert!(error.contains("GrpcServerOptions::workers is 0"), "{error}");
        GrpcServerOptions::new().workers(1).validate().unwrap();
        GrpcServerOptions::new().validate().unwrap();
    }
}
