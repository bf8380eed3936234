//! A look at a cluster that could not be asked, by a connection of its own: whether TLS is the reason, which may be lost on the way here.
//!
//! ```text
//!   https   handshake --done--> preface of HTTP/2 --an alert--> this program's certificate will not do
//!               '--broke off--> preface without TLS --an answer of HTTP/2--> it has no TLS there
//!   http    handshake --done, or for want of a certificate not--> it has TLS there
//! ```
//!
//! In TLS 1.3 a server says what it thinks of a client's certificate when the handshake is over for the client, at the same time as that begins to ask.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::Error;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::channel::Cluster;
use crate::tls_fault::TlsFault;

/// How a client of HTTP/2 begins, with settings of its own, which are none.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The type of a frame of HTTP/2, and where in a frame it is.
const SETTINGS: (u8, usize) = (4, 3);

const NO_TLS: &str = "an endpoint without TLS begins with http://, for all; or switch it on there";

/// Looks at one endpoint after the other. `None`: nothing was found, or nobody is there, or somebody looks already.
pub(crate) async fn look(cluster: &Cluster) -> Option<TlsFault> {
    // Bound: one connection more, for however many leases.
    let _alone = cluster.tls.looking.try_lock().ok()?;
    for endpoint in &cluster.endpoints {
        if let Some(fault) = look_at(cluster, endpoint).await {
            return Some(fault);
        }
    }
    None
}

async fn look_at(cluster: &Cluster, endpoint: &str) -> Option<TlsFault> {
    let uri: http::Uri = endpoint.parse().ok()?;
    let is_https = Cluster::is_https(endpoint);
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let place = (host, uri.port_u16().unwrap_or(if is_https { 443 } else { 80 }));
    // What etcd-client has been told itself is not known here.
    let config = match cluster.tls.config().await? {
        Ok(config) => config,
        Err(fault) => return Some(fault),
    };
    let name = ServerName::try_from(cluster.tls.domain.as_deref().unwrap_or(host)).ok()?.to_owned();
    let stream = TcpStream::connect(place).await.ok()?;
    let shaken = TlsConnector::from(config).connect(name, stream).await;
    if !is_https {
        let has_tls = shaken.map_or_else(|error| is_of_certificate(&error), |_| true);
        let mend = "give all endpoints as https://";
        return has_tls.then(|| TlsFault { reason: format!("{endpoint} answers with TLS"), mend });
    }
    let error = match shaken {
        Ok(stream) => begin(stream).await.err()?,
        Err(error) => error,
    };
    if let Some(fault) = TlsFault::in_io(&error) {
        return Some(fault);
    }
    let answer = begin(TcpStream::connect(place).await.ok()?).await.ok()?;
    let is_plain = answer.get(SETTINGS.1) == Some(&SETTINGS.0);
    is_plain.then(|| TlsFault { reason: format!("{endpoint} answers without TLS"), mend: NO_TLS })
}

/// Whether the other side speaks TLS, and only what it shows, or is shown, will not do.
fn is_of_certificate(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(error, Some(Error::InvalidCertificate(_) | Error::AlertReceived(_)))
}

/// Begins to speak HTTP/2, and tells how the answer begins.
async fn begin(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Vec<u8>> {
    // Where that fails, too, there may be something to read: why.
    let _ = stream.write_all(PREFACE).await;
    let _ = stream.flush().await;
    let mut answer = vec![0; PREFACE.len()];
    let length = stream.read(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}
