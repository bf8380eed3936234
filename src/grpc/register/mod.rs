//! What is served: services, their methods, the layers around them, and which of them answers a call.

pub(crate) mod availability;
mod catching;
pub(crate) mod descriptors;
pub(crate) mod handler;
pub(crate) mod method_kind;
pub(crate) mod methods;
pub mod middleware;
pub(crate) mod registrar;
pub(crate) mod router;
