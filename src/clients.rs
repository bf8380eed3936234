//! Helpers for the clients of a server: waiting for it, reaching it without a socket, files for TLS.

use std::error::Error;
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::time::sleep;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::base::peer_text::shown;
pub use crate::grpc::InMemory;
#[cfg(feature = "tls")]
pub use crate::server::tls::{TlsFiles, TlsPem};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// No server answered in time.
///
/// It comes from the functions here that wait. Its text has the address and the last failure: see whether the server runs there, or
/// wait longer.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "no gRPC server answered within {timeout:?}: see that it runs, and that the channel leads to it; the last attempt: {last}"
)]
#[non_exhaustive]
pub struct WaitError {
    /// How long was waited.
    pub timeout: Duration,
    /// What became of the last attempt.
    pub last: String,
}

/// Waits until the server behind `channel` answers calls, whatever it answers. It asks the
/// standard health check, which has no effect on a server, and need not know it.
///
/// While connecting fails, or the answer is UNAVAILABLE, as proxies say it, it asks again: after 10 ms at
/// first, every 250 ms in the end. Must be called on a tokio runtime with timers.
///
/// # Errors
/// [`WaitError`] when there was no such answer within `timeout`.
pub async fn wait_for_grpc_server(channel: Channel, timeout: Duration) -> Result<(), WaitError> {
    let mut last = "it is still waiting for its answer".to_owned();
    let mut pause = FIRST_PAUSE;
    let answered = tokio::time::timeout(timeout, async {
        while let Err(status) = probe(channel.clone()).await {
            last = describe(&status);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
    let answered = answered.await;
    answered.map_err(|_| WaitError { timeout, last })
}

/// `Ok` if a server answered.
async fn probe(channel: Channel) -> Result<(), Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let health = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    // The empty message asks for the server as a whole; unknown fields of the answer are passed over.
    let codec = ProstCodec::<(), ()>::default();
    match client.unary(Request::new(()), health, codec).await {
        Ok(_) => Ok(()),
        // A status that was made on this side carries what it was made of.
        Err(status) if status.source().is_none() && status.code() != Code::Unavailable => Ok(()),
        Err(status) => Err(status),
    }
}

/// The status and all that led to it, without saying anything twice.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = match status.message() {
        "" => status.code().to_string(),
        message => shown(message).into_owned(),
    };
    let mut cause = status.source();
    while let Some(error) = cause {
        let line = error.to_string();
        let line = shown(&line);
        if !text.contains(&*line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    text
}
