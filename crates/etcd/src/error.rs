//! Why there are no leases to be had of a cluster, and whether that may pass.

use std::error::Error as _;
use std::time::Duration;

use etcd_client::Error;
use majordomo::LeaseError;

/// Why leases cannot be kept, or not now: each names the cluster, what happened, and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EtcdLeasesError {
    /// An endpoint that nothing can connect to.
    #[error(
        "the endpoint {endpoint:?} of etcd cannot be used ({reason}): give one such as http://host:2379, or https:// for all"
    )]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The cluster does not let this program in, or does not let it do what leases need.
    #[error(
        "etcd at {at} refuses ({reason}): see to the user, its password and its role, which must read and write {prefix:?}"
    )]
    Refused {
        /// The endpoints.
        at: String,
        /// What it said.
        reason: String,
        /// The beginning of all keys.
        prefix: String,
    },
    /// No TLS connection comes about: the cluster's certificate, or this program's, will not do, or one of them has no TLS. A store that runs asks again, since certificates
    /// are renewed; at the start of a manager it is refused.
    #[error("etcd at {at} cannot be reached over TLS ({reason}): {mend}")]
    Tls {
        /// The endpoints.
        at: String,
        /// What happened.
        reason: String,
        /// What would work.
        mend: &'static str,
    },
    /// The cluster could not be reached, or broke off, or has no leader.
    #[error(
        "etcd at {at} cannot be asked now ({reason}): see that it is up, has a quorum, and can be reached from here"
    )]
    Away {
        /// The endpoints.
        at: String,
        /// What happened.
        reason: String,
    },
    /// The cluster did not answer in time.
    #[error("etcd at {at} has not answered within {within:?}: see whether it hangs")]
    Silent {
        /// The endpoints.
        at: String,
        /// How long was waited.
        within: Duration,
    },
}

impl From<EtcdLeasesError> for LeaseError {
    fn from(error: EtcdLeasesError) -> Self {
        match error {
            // Certificates are renewed while programs run, and stand by.
            EtcdLeasesError::Away { .. } | EtcdLeasesError::Silent { .. } | EtcdLeasesError::Tls { .. } => {
                Self::away(error)
            }
            _ => Self::refused(error),
        }
    }
}

impl EtcdLeasesError {
    /// What it is before anything runs: then nobody renews a certificate that will not do.
    pub(crate) fn at_start(self) -> LeaseError {
        match self {
            Self::Tls { .. } => LeaseError::refused(self),
            error => error.into(),
        }
    }
}

/// What etcd says, with its code by name; or why it says nothing, with the causes.
pub(crate) fn text(error: &Error) -> String {
    let (mut text, source) = match error {
        Error::GRpcStatus(status) => (format!("{}, {:?}", status.message(), status.code()), status.source()),
        Error::TransportError(error) => (error.to_string(), error.source()),
        error => (error.to_string(), None),
    };
    let mut next = source;
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Most repeat what they are made of.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The numbers of gRPC, since etcd-client does not pass the names on.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const UNIMPLEMENTED: i32 = 12;
}

fn code(error: &Error) -> Option<i32> {
    match error {
        Error::GRpcStatus(status) => Some(status.code().into()),
        _ => None,
    }
}

/// Whether to ask again is of no use: a wrong password, no right to these keys, no etcd at all.
pub(crate) fn is_final(error: &Error) -> bool {
    match error {
        Error::InvalidArgs(_) | Error::InvalidUri(_) | Error::InvalidMetadataValue(_) => true,
        error => matches!(
            code(error),
            Some(
                code::INVALID_ARGUMENT
                    | code::PERMISSION_DENIED
                    | code::FAILED_PRECONDITION
                    | code::UNIMPLEMENTED
            )
        ),
    }
}

/// Whether it was made here, since nothing came from there.
#[cfg(feature = "tls")]
pub(crate) fn is_of_transport(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if status.source().is_some())
}

/// Whether there is no lease of that number any more.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::LeaseKeepAliveError(_)) || code(error) == Some(code::NOT_FOUND)
}
