//! What the testing kit reads and sets.

use super::given::GivenOptions;
use crate::grpc::InMemory;
use crate::manager::api::options::ManagerOptions;

impl ManagerOptions {
    /// As far as tests need to know.
    pub(crate) fn given(&self) -> GivenOptions {
        GivenOptions {
            tls: self.grpc_server.speaks_tls(),
            in_memory: self.grpc_server.parts.in_memory.first().cloned(),
            error_generator: self.grpc_server.parts.error_generator.clone(),
            shutdown: self.max_shutdown_duration,
            ..GivenOptions::default()
        }
    }

    /// A port that nobody else has, unless an address was given.
    pub(crate) fn or_any_port(&mut self) {
        if self.grpc_server.parts.in_memory.is_empty() {
            self.grpc_server.parts.addresses.get_or_insert_with(|| vec!["127.0.0.1:0".to_owned()]);
        }
    }

    /// No sockets: reached in memory alone.
    pub(crate) fn without_sockets(&mut self) {
        (self.grpc_server.parts.addresses, self.operations) = (None, None);
        if self.grpc_server.parts.in_memory.is_empty() {
            self.grpc_server.parts.in_memory.push(InMemory::new());
        }
    }

    /// No address but this.
    pub(crate) fn in_memory_alone(&mut self, memory: InMemory) {
        (self.grpc_server.parts.addresses, self.grpc_server.parts.in_memory) = (None, vec![memory]);
    }
}
