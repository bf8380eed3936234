//! The beginning of a connection over TLS.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use crate::base::peer_text;
use crate::server::connection::state::Connection;
use crate::server::tls::ServerTls;
use crate::server::tls::material::{H2, HTTP1};

/// Shakes hands, unless that takes too long or the drain begins; `None` where nothing came of it, and the
/// connection is closed.
pub(crate) async fn handshake(
    tls: &ServerTls,
    stream: TcpStream,
    connection: &Connection,
) -> Option<TlsStream<TcpStream>> {
    let worker = &connection.worker;
    let too_late = connection.began() + worker.options.handshake_timeout;
    let shaken = tokio::select! {
        biased;
        () = worker.draining.cancelled() => return None,
        shaken = shake(tls, stream, worker.options.http1.is_none()) => shaken,
        () = sleep_until(too_late) => Err(io::ErrorKind::TimedOut.into()),
    };
    // It is the peer's: there is nothing that anybody here could do about it.
    let told = |error: &io::Error| {
        let error = error.to_string();
        tracing::debug!(error = &*peer_text::shown(&error), "a TLS handshake failed");
    };
    shaken.inspect_err(told).ok()
}

async fn shake(tls: &ServerTls, stream: TcpStream, http2_alone: bool) -> io::Result<TlsStream<TcpStream>> {
    let config = tls.current().await.ok_or_else(|| io::Error::other("TLS was not set up"))?;
    let config = if http2_alone { config } else { either(config) };
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    // rustls itself refuses who offers other protocols; who offers none at all it lets pass. HTTP/1.1 needs no offer.
    if http2_alone && stream.get_ref().1.alpn_protocol() != Some(H2) {
        return Err(io::Error::other("the peer does not offer h2"));
    }
    Ok(stream)
}

/// The same for a server that speaks HTTP/1.1, too. What it is made of is shared.
fn either(config: Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut either = ServerConfig::clone(&config);
    either.alpn_protocols.push(HTTP1.to_vec());
    Arc::new(either)
}
