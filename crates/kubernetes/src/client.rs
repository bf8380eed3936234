//! The client of a store, one for each runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, Config, Error};
use majordomo::PerRuntime;
use tokio::time::timeout;

use crate::error::{KubernetesLeasesError, is_final, text};

/// How a cluster is reached, and where its leases are.
pub(crate) struct Cluster {
    pub(crate) config: Config,
    pub(crate) namespace: String,
    /// How long an answer may take.
    pub(crate) within: Duration,
    /// Whether it has let this program read and write: a server that starts may refuse for a moment whom it let in before.
    pub(crate) has_read: AtomicBool,
    pub(crate) has_written: AtomicBool,
}

impl Cluster {
    /// What became of a question that `has_worked` before, or has not.
    pub(crate) fn error(&self, error: &Error, has_worked: &AtomicBool) -> KubernetesLeasesError {
        let (at, reason) = (self.config.cluster_url.to_string(), text(error));
        if is_final(error) && !has_worked.load(Ordering::Relaxed) {
            return KubernetesLeasesError::Refused { at, reason, namespace: self.namespace.clone() };
        }
        KubernetesLeasesError::Away { at, reason }
    }

    fn silent(&self) -> KubernetesLeasesError {
        KubernetesLeasesError::Silent { at: self.config.cluster_url.to_string(), within: self.within }
    }
}

/// A client that did not fail.
pub(crate) struct Connected {
    leases: Api<Lease>,
    is_left: AtomicBool,
}

/// Asks the API. `Ok(Err(..))`: what it answered itself.
pub(crate) async fn ask<T, F>(
    clients: &PerRuntime<Connected>,
    cluster: &Cluster,
    question: impl FnOnce(Api<Lease>) -> F,
) -> Result<Result<T, Error>, KubernetesLeasesError>
where
    F: Future<Output = Result<T, Error>> + Send,
{
    let connect = async {
        let client = Client::try_from(cluster.config.clone())?;
        Ok(Connected { leases: Api::namespaced(client, &cluster.namespace), is_left: AtomicBool::new(false) })
    };
    let is_well = |connected: &Connected| !connected.is_left.load(Ordering::Relaxed);
    let (connected, _) = clients
        .get(is_well, connect)
        .await
        .map_err(|error: Error| cluster.error(&error, &cluster.has_read))?;
    let connected: Arc<Connected> = connected;
    match timeout(cluster.within, question(connected.leases.clone())).await {
        Ok(answer @ (Ok(_) | Err(Error::Api(_)))) => Ok(answer),
        // Another may fare better.
        Ok(Err(error)) => {
            connected.is_left.store(true, Ordering::Relaxed);
            Err(cluster.error(&error, &cluster.has_read))
        }
        Err(_) => {
            connected.is_left.store(true, Ordering::Relaxed);
            Err(cluster.silent())
        }
    }
}
