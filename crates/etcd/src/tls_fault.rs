//! Why no TLS connection comes about, and what to do.

use std::error::Error as StdError;
use std::io;

use etcd_client::Error;
use majordomo::grpc::TlsError as FileError;
use tokio_rustls::rustls::pki_types::pem::Error as PemError;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use crate::channel::Cluster;
use crate::error::{EtcdLeasesError, text};

/// What is wrong, before it is known with which cluster.
#[derive(Debug)]
pub(crate) struct TlsFault {
    pub(crate) reason: String,
    pub(crate) mend: &'static str,
}

impl From<FileError> for TlsFault {
    fn from(error: FileError) -> Self {
        Self { reason: format!("{} cannot be used: {}", error.origin, error.reason), mend: error.mend }
    }
}

impl From<TlsError> for TlsFault {
    fn from(error: TlsError) -> Self {
        Self { reason: error.to_string(), mend: mend(&error) }
    }
}

impl From<PemError> for TlsFault {
    fn from(error: PemError) -> Self {
        Self { reason: error.to_string(), mend: "give files in PEM" }
    }
}

impl TlsFault {
    /// The same of a connection that was broken off for it.
    pub(crate) fn in_io(error: &io::Error) -> Option<Self> {
        in_causes(error).map(|mend| Self { reason: error.to_string(), mend })
    }

    pub(crate) fn of(self, cluster: &Cluster) -> EtcdLeasesError {
        EtcdLeasesError::Tls { at: cluster.at(), reason: self.reason, mend: self.mend }
    }

    /// `None` where TLS is not the reason.
    pub(crate) fn in_error(error: &Error) -> Option<Self> {
        let mend = match error {
            // etcd-client connects when it is asked; before that it only looks at what it was told of TLS.
            Error::TransportError(_) => {
                "see to the certificates that are given, and to those of the system (Debian: ca-certificates)"
            }
            Error::GRpcStatus(status) => in_causes(status)?,
            _ => return None,
        };
        Some(Self { reason: text(error), mend })
    }
}

/// What the other side says of our certificate.
const CLIENT: &str = "see to this program's certificate, of EtcdLeases::tls_files: the cluster wants one, or another, or has no TLS in common";

fn in_causes(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(mend(found));
        }
        let io = error.downcast_ref::<io::Error>();
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn mend(error: &TlsError) -> &'static str {
    use CertificateError as Why;
    match error {
        TlsError::InvalidCertificate(Why::UnknownIssuer) => {
            "give the authority that has signed it, by EtcdLeases::tls_files"
        }
        TlsError::InvalidCertificate(Why::NotValidForName | Why::NotValidForNameContext { .. }) => {
            "give the endpoint as its certificate calls it, or that name by EtcdLeases::tls_domain"
        }
        TlsError::InvalidCertificate(Why::Expired | Why::ExpiredContext { .. }) => {
            "renew the cluster's certificate, and see that the clock here is right"
        }
        TlsError::InvalidCertificate(Why::NotValidYet | Why::NotValidYetContext { .. }) => {
            "see that the clocks are right, here and where it was made"
        }
        TlsError::InvalidCertificate(_) => {
            "give the cluster another certificate, one that an authority has signed, and that is none itself"
        }
        TlsError::AlertReceived(_) => CLIENT,
        _ => "see that the cluster has TLS there: an endpoint without begins with http://",
    }
}
