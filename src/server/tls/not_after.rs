//! When a certificate ends.

use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

/// When the first of these certificates ends; `None` where none of them says so.
///
/// rustls tells the end of a certificate that is checked after it. Nothing ends after the year 9999.
pub(crate) fn end_of(chain: &[CertificateDer<'_>]) -> Option<SystemTime> {
    let year_10_000 = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_800));
    let end = |certificate| {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let nobody = RootCertStore::empty();
        match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], year_10_000, &[]) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(not_after.as_secs()))
            }
            _ => None,
        }
    };
    chain.iter().filter_map(end).min()
}
