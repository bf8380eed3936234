//! Why no TLS connection comes about, and what to do.

use std::error::Error;
use std::io;

/// What is wrong, before it is known with which database.
#[derive(Debug)]
pub(crate) struct TlsFault {
    pub(crate) reason: String,
    pub(crate) mend: &'static str,
}

#[cfg(feature = "tls")]
impl From<majordomo::grpc::TlsError> for TlsFault {
    fn from(error: majordomo::grpc::TlsError) -> Self {
        Self { reason: format!("{} cannot be used: {}", error.origin, error.reason), mend: error.mend }
    }
}

/// What to do, where TLS is the reason: a certificate, or that there is none. A network that breaks off meanwhile is not.
pub(crate) fn mend(error: &tokio_postgres::Error) -> Option<&'static str> {
    #[cfg(feature = "tls")]
    if let Some(known) = by_rustls::mend(error) {
        return Some(known);
    }
    // The kinds of errors have no other names.
    if error.to_string() != "error performing TLS handshake" {
        return None;
    }
    let reason = error.source()?;
    if reason.downcast_ref::<io::Error>().is_some_and(|error| error.kind() != io::ErrorKind::InvalidData) {
        return None;
    }
    Some(if reason.to_string() == "server does not support TLS" {
        "switch its TLS on, or say sslmode=disable where nobody can listen in"
    } else {
        "see to the certificates of both, and which TLS they have"
    })
}

#[cfg(feature = "tls")]
mod by_rustls {
    use std::error::Error;
    use std::io;

    use tokio_rustls::rustls::{CertificateError, Error as TlsError};

    pub(super) fn mend(error: &tokio_postgres::Error) -> Option<&'static str> {
        use CertificateError as Why;
        Some(match found(error)? {
            TlsError::InvalidCertificate(why) => match why {
                Why::UnknownIssuer => "give the authority that has signed it, by sslrootcert=FILE",
                Why::NotValidForName | Why::NotValidForNameContext { .. } => {
                    "give the host as the certificate calls it, or say sslmode=verify-ca where any server of that authority will do"
                }
                Why::Expired | Why::ExpiredContext { .. } => {
                    "renew the server's certificate, and see that the clock here is right"
                }
                Why::NotValidYet | Why::NotValidYetContext { .. } => {
                    "see that the clocks are right, here and where it was made"
                }
                _ => {
                    "give the server another certificate, one that an authority has signed, and that is none itself"
                }
            },
            TlsError::AlertReceived(_) => {
                "see to this program's certificate, which sslcert and sslkey name: the server wants another, or has no TLS in common"
            }
            _ => "see that the server has TLS 1.2 or 1.3, and is a PostgreSQL",
        })
    }

    /// An error of I/O keeps what it was made of for itself.
    fn found(error: &tokio_postgres::Error) -> Option<&TlsError> {
        let mut next = error.source();
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }
}
