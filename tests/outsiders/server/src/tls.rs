//! TLS of the server: the one place that knows how to ask for it.

use std::path::PathBuf;

use majordomo::GrpcServerOptions;
use serde::Deserialize;

/// Certificates, as PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only shown, as long as there is no TLS")]
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
///
/// # Errors
/// Why there is none. The suites of TLS are skipped by this text.
pub(crate) fn with(_: GrpcServerOptions, tls: &Tls) -> Result<GrpcServerOptions, String> {
    Err(format!("TLS is not built into the server yet: {tls:?} cannot be served"))
}
