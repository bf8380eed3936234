//! TLS of the server: the one place that knows how to ask for it.

use std::path::PathBuf;

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

/// What a server shows, and asks for.
pub(crate) fn identity(tls: &Tls) -> ServerTls {
    let identity = ServerTls::from_files(&tls.cert, &tls.key);
    match &tls.client_ca {
        Some(authority) => {
            identity.client_ca_files([authority]).client_auth_optional(tls.client_auth_optional)
        }
        None => identity,
    }
}
