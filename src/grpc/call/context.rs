//! What all calls of a server have in common.

use std::sync::Arc;

use crate::grpc::call::call_end::OnCallEnd;
use crate::grpc::logging::Logger;
use crate::grpc::options::GrpcServerOptions;
use crate::metrics::Meter;

/// What calls go by beside the engine's own limits.
#[derive(Debug)]
pub(crate) struct CallContext {
    pub(crate) logger: Arc<Logger>,
    pub(crate) on_call_end: Option<OnCallEnd>,
    /// Beside `proto`.
    pub(crate) content_subtypes: Vec<Box<str>>,
    pub(crate) max_decoding_message_size: u32,
    pub(crate) max_encoding_message_size: u32,
    /// What counts its calls.
    pub(crate) meter: Meter,
}

impl CallContext {
    pub(crate) fn new(options: &GrpcServerOptions, logger: &Arc<Logger>, meter: Meter) -> Self {
        Self {
            logger: Arc::clone(logger),
            on_call_end: options.parts.on_call_end.clone(),
            content_subtypes: options.content_subtypes.clone(),
            max_decoding_message_size: options.max_decoding_message_size,
            max_encoding_message_size: options.max_encoding_message_size,
            meter,
        }
    }
}

impl Default for CallContext {
    fn default() -> Self {
        Self::new(&GrpcServerOptions::default(), &Arc::default(), Meter::default())
    }
}
