//! Why the server cannot serve.

use std::io;
use std::time::Duration;

use crate::server::error::{ListenError, Lost, cannot_be_had, in_use, lost, unusable};

/// Why the server cannot serve. Each says at which address, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another process listens there, and did not stop while it made sense to wait.
    #[error("{}", in_use(address, *waited, *asked))]
    InUse {
        /// The address as it was given.
        address: String,
        /// How long it was tried.
        waited: Duration,
        /// Whether trying was cut short because shutdown was asked for.
        asked: bool,
        /// What the operating system says.
        source: io::Error,
    },
    /// The address cannot be had.
    #[error("{}", cannot_be_had(address, source))]
    Bind {
        /// The address as it was given.
        address: String,
        /// What the operating system or the name service says.
        source: io::Error,
    },
    /// The address is of no use, for a reason that lies outside of the program.
    #[error("{}", unusable(address, reason, mend))]
    Unusable {
        /// The address as it was given.
        address: String,
        /// What is wrong.
        reason: String,
        /// What would work.
        mend: &'static str,
    },
    /// The address was had, but is not any more: somebody else has begun to listen there.
    #[error("{}", lost(address, source))]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Two services add the same gRPC service.
    #[error("{owner:?} adds the gRPC service {service}, which {first:?} has added already: {mend}")]
    AddedTwice {
        /// The service that adds it.
        owner: String,
        /// Its gRPC name.
        service: String,
        /// The service that had added it before.
        first: String,
        /// What would work.
        mend: &'static str,
    },
    /// A gRPC service is added to a server that serves already.
    #[error(
        "{owner:?} adds the gRPC service {service} too late: add services while handling RegisterOnServer"
    )]
    TooLate {
        /// The service that adds it.
        owner: String,
        /// Its gRPC name.
        service: String,
    },
    /// A gRPC service cannot be called by its name.
    #[error(
        "{owner:?} adds a gRPC service whose name, {service:?}, cannot be part of a path: name it package.Service"
    )]
    Unnameable {
        /// The service that adds it.
        owner: String,
        /// Its gRPC name.
        service: String,
    },
    /// What was given as a file descriptor set is none.
    #[error("{owner:?} adds a file descriptor set that cannot be served: {reason}")]
    DescriptorSet {
        /// The service that adds it.
        owner: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer is for unary or for streaming methods alone, and nothing tells which the methods of a service are.
    #[error(
        "nothing tells which methods of the gRPC service {0} stream, which middleware for one kind of method needs \
         to know: add its file descriptor set by on.server.add_file_descriptor_set(..) while handling \
         RegisterOnServer (tonic_prost_build writes it where file_descriptor_set_path is set), or add the \
         middleware by grpc_server_middleware, for all methods"
    )]
    Undescribed(String),
    /// There is no thread to serve on.
    #[error(
        "could not start a thread for the gRPC server ({0}): raise the limits of the process, or lower GrpcServerOptions::workers"
    )]
    Thread(io::Error),
    /// It was asked to run without having been set up.
    #[error("the gRPC server was run without having been set up: this is a bug in majordomo")]
    NotSetUp,
    /// The thread that accepts connections ended before its time.
    #[error("the gRPC server's accepting thread ended unexpectedly: this is a bug in majordomo")]
    Lost,
}

impl From<ListenError> for ServerError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::InUse { address, waited, asked, source } => {
                Self::InUse { address, waited, asked, source }
            }
            ListenError::Bind { address, source } => Self::Bind { address, source },
            ListenError::Unusable { address, reason, mend } => Self::Unusable { address, reason, mend },
            ListenError::Listen { address, source } => Self::Listen { address, source },
        }
    }
}

impl From<Lost> for ServerError {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}
