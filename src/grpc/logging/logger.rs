//! How the calls of a server are logged: the options, and the types of messages.

use crate::grpc::logging::options::GrpcLogging;
use crate::grpc::logging::types::Types;
use crate::grpc::register::descriptors::DescriptorSet;

/// How the calls of a server are logged.
#[derive(Debug, Default)]
pub(crate) struct Logger {
    /// `None`: not at all, but for panics.
    pub(crate) options: Option<GrpcLogging>,
    /// None, unless messages are shown.
    pub(crate) types: Types,
}

impl Logger {
    /// The descriptor sets are asked for only where messages are to be shown.
    pub(crate) fn new(options: Option<GrpcLogging>, sets: impl FnOnce() -> Vec<DescriptorSet>) -> Self {
        let types = match &options {
            Some(options) if options.shows_messages() => {
                Types::new(sets().iter().flat_map(DescriptorSet::files))
            }
            _ => Types::default(),
        };
        Self { options, types }
    }
}
