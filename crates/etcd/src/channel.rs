//! The channel of a store, one for each runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, Error};
use majordomo::PerRuntime;
use tokio::time::timeout;

#[cfg(feature = "tls")]
use crate::error::is_of_transport;
use crate::error::{EtcdLeasesError, is_final, is_gone, text};
#[cfg(feature = "tls")]
use crate::look::look;
#[cfg(feature = "tls")]
use crate::tls::Tls;
#[cfg(feature = "tls")]
use crate::tls_fault::TlsFault;

/// How a cluster is reached.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) endpoints: Vec<String>,
    pub(crate) options: ConnectOptions,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
    pub(crate) prefix: String,
    /// How long an answer may take.
    pub(crate) within: Duration,
}

impl Cluster {
    pub(crate) fn at(&self) -> String {
        self.endpoints.join(", ")
    }

    pub(crate) fn is_https(endpoint: &str) -> bool {
        endpoint.starts_with("https://")
    }

    pub(crate) fn error(&self, error: &Error) -> EtcdLeasesError {
        #[cfg(feature = "tls")]
        if let Some(fault) = TlsFault::in_error(error) {
            return fault.of(self);
        }
        let (at, reason) = (self.at(), text(error));
        if is_final(error) {
            return EtcdLeasesError::Refused { at, reason, prefix: self.prefix.clone() };
        }
        EtcdLeasesError::Away { at, reason }
    }

    /// A channel, which connects when it is asked something.
    async fn connect(&self) -> Result<Client, EtcdLeasesError> {
        let options = self.options.clone();
        #[cfg(feature = "tls")]
        let options = match self.endpoints.first() {
            // All are, or none.
            Some(first) if Self::is_https(first) => {
                self.tls.add_to(options).await.map_err(|fault| fault.of(self))?
            }
            _ => options,
        };
        Client::connect(&self.endpoints, Some(options)).await.map_err(|error| self.error(&error))
    }

    /// What is wrong, and where it did not answer, whether that is for TLS.
    async fn why(&self, error: &Error) -> EtcdLeasesError {
        let why = self.error(error);
        #[cfg(feature = "tls")]
        if matches!(why, EtcdLeasesError::Away { .. })
            && is_of_transport(error)
            && let Ok(Some(fault)) = timeout(self.within, look(self)).await
        {
            return fault.of(self);
        }
        why
    }

    fn silent(&self) -> EtcdLeasesError {
        EtcdLeasesError::Silent { at: self.at(), within: self.within }
    }
}

/// A channel that reconnects by itself.
pub(crate) struct Channel {
    client: Client,
    /// It did not answer, or broke: another may fare better.
    is_left: AtomicBool,
}

impl Channel {
    fn is_well(&self) -> bool {
        !self.is_left.load(Ordering::Relaxed)
    }
}

async fn channel(
    channels: &PerRuntime<Channel>,
    cluster: &Cluster,
) -> Result<(Arc<Channel>, bool), EtcdLeasesError> {
    let connect = async {
        let client = cluster.connect().await?;
        Ok(Channel { client, is_left: AtomicBool::new(false) })
    };
    let connected = timeout(cluster.within, channels.get(Channel::is_well, connect)).await;
    connected.unwrap_or_else(|_| Err(cluster.silent()))
}

/// Asks something that may be asked again: once more by a new channel, where the old one turns out to be of no use. `Ok(Err(..))`: what etcd answers of a
/// lease that is gone.
pub(crate) async fn ask<T, F>(
    channels: &PerRuntime<Channel>,
    cluster: &Cluster,
    question: impl Fn(Client) -> F,
) -> Result<Result<T, Error>, EtcdLeasesError>
where
    F: Future<Output = Result<T, Error>> + Send,
{
    loop {
        let (channel, is_new) = channel(channels, cluster).await?;
        let Ok(answer) = timeout(cluster.within, question(channel.client.clone())).await else {
            channel.is_left.store(true, Ordering::Relaxed);
            return Err(cluster.silent());
        };
        match answer {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) if is_gone(&error) => return Ok(Err(error)),
            Err(error) if is_new || is_final(&error) => {
                channel.is_left.store(true, Ordering::Relaxed);
                return Err(cluster.why(&error).await);
            }
            Err(_) => channel.is_left.store(true, Ordering::Relaxed),
        }
    }
}
