//! The channel of a store, one for each runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, Error};
use majordomo::PerRuntime;
use tokio::time::timeout;

use crate::error::{EtcdLeasesError, is_final, is_gone, text};

/// How a cluster is reached.
pub(crate) struct Cluster {
    pub(crate) endpoints: Vec<String>,
    pub(crate) options: ConnectOptions,
    pub(crate) prefix: String,
    /// How long an answer may take.
    pub(crate) within: Duration,
}

impl Cluster {
    fn at(&self) -> String {
        self.endpoints.join(", ")
    }

    pub(crate) fn error(&self, error: &Error) -> EtcdLeasesError {
        let (at, reason) = (self.at(), text(error));
        if is_final(error) {
            return EtcdLeasesError::Refused { at, reason, prefix: self.prefix.clone() };
        }
        EtcdLeasesError::Away { at, reason }
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
        let client = Client::connect(&cluster.endpoints, Some(cluster.options.clone())).await?;
        Ok(Channel { client, is_left: AtomicBool::new(false) })
    };
    match timeout(cluster.within, channels.get(Channel::is_well, connect)).await {
        Ok(connected) => connected.map_err(|error: Error| cluster.error(&error)),
        Err(_) => Err(cluster.silent()),
    }
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
                return Err(cluster.error(&error));
            }
            Err(_) => channel.is_left.store(true, Ordering::Relaxed),
        }
    }
}
