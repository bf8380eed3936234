//! Reflection, `grpc.reflection.v1` and `v1alpha`: what the server serves, for clients without its contracts.
//!
//! Listed is every gRPC service that is served. Files, symbols and extensions are found in the descriptor
//! sets that services registered, byte for byte as they were given, each file with those that it imports.
//! What is not found is answered so, and the stream goes on. A stream ends, with status OK, when the drain
//! begins: it holds up no shutdown.

mod service;

pub(crate) use crate::grpc::register::descriptors::DescriptorSet;
pub(crate) use service::Reflection;
pub(crate) use tonic_reflection::pb::v1::server_reflection_server::ServerReflectionServer as V1;
pub(crate) use tonic_reflection::pb::v1alpha::server_reflection_server::ServerReflectionServer as V1Alpha;
