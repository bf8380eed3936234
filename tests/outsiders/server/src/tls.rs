//! TLS of the server: the one place that knows how to ask for it.

use std::path::PathBuf;

use majordomo::GrpcServerOptions;
use majordomo::grpc::ServerTls;
use serde::Deserialize;

/// Certificates, as PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    /// Clients have to show a certificate of this authority.
    pub(crate) client_ca: Option<PathBuf>,
    /// Those that show none are served, too.
    #[serde(default)]
    pub(crate) client_auth_optional: bool,
}

/// The options with TLS.
pub(crate) fn with(server: GrpcServerOptions, tls: &Tls) -> GrpcServerOptions {
    let mut identity = ServerTls::from_files(&tls.cert, &tls.key);
    if let Some(authority) = &tls.client_ca {
        identity = identity.client_ca_files([authority]).client_auth_optional(tls.client_auth_optional);
    }
    server.tls(identity)
}
