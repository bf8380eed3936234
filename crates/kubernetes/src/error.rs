//! Why there are no leases to be had of a cluster, and whether that may pass.

use std::time::Duration;

use kube::Error;
use majordomo::LeaseError;

/// Why leases cannot be kept, or not now: each names the cluster, what happened, and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubernetesLeasesError {
    /// Nothing says which cluster it is.
    #[error(
        "no cluster of Kubernetes is known here ({reason}): run this in a pod with a service account, or set KUBECONFIG"
    )]
    Config {
        /// What was tried.
        reason: String,
    },
    /// No object can be called so.
    #[error("a lease of Kubernetes cannot be called {name:?}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What the API takes.
        reason: &'static str,
    },
    /// The API does not let this program in, or does not let it do what leases need.
    #[error(
        "Kubernetes at {at} refuses ({reason}): see to the service account, whose role must get, create and update leases of coordination.k8s.io in the namespace {namespace:?}"
    )]
    Refused {
        /// The cluster.
        at: String,
        /// What it said.
        reason: String,
        /// Where the leases are.
        namespace: String,
    },
    /// The API could not be reached, or broke off, or cannot do it now.
    #[error(
        "Kubernetes at {at} cannot be asked now ({reason}): see that it is up, and can be reached from here"
    )]
    Away {
        /// The cluster.
        at: String,
        /// What happened.
        reason: String,
    },
    /// The API did not answer in time.
    #[error("Kubernetes at {at} has not answered within {within:?}: see whether it hangs")]
    Silent {
        /// The cluster.
        at: String,
        /// How long was waited.
        within: Duration,
    },
    /// The epoch cannot grow any more.
    #[error(
        "the lease {name:?} of Kubernetes has had so many holders that its leaseTransitions cannot grow: use another name"
    )]
    Worn {
        /// The lease.
        name: String,
    },
}

impl From<KubernetesLeasesError> for LeaseError {
    fn from(error: KubernetesLeasesError) -> Self {
        match error {
            KubernetesLeasesError::Away { .. } | KubernetesLeasesError::Silent { .. } => Self::away(error),
            _ => Self::refused(error),
        }
    }
}

/// What the API says, with its code.
pub(crate) fn text(error: &Error) -> String {
    match error {
        Error::Api(status) => format!("{}, {} {}", status.message, status.code, status.reason),
        error => error.to_string(),
    }
}

/// The code of HTTP, where the API has answered.
pub(crate) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Whether to ask again is of no use: no right, or an object that the API does not take.
pub(crate) fn is_final(error: &Error) -> bool {
    matches!(code(error), Some(400 | 401 | 403 | 404 | 405 | 422))
}
