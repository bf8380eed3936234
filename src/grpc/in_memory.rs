//! Calls to a server of this process, without any socket.

use tonic::transport::{Channel, Endpoint};

use crate::server::listen::InMemory;

impl InMemory {
    /// A channel to the server. It connects when it is first used, and again when it has to.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn channel(&self) -> Channel {
        Endpoint::from_static("http://in-memory").connect_with_connector_lazy(self.clone())
    }
}
