//! Where the peers of a test connect to, whatever carries their bytes, and bare HTTP/2 over it.

mod raw;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use majordomo::clients::InMemory;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

pub use raw::{Raw, RawCall, status_of};

/// The bytes of a connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub type Bytestream = Box<dyn Io>;

/// An address of a server, with all that it takes to connect there.
#[derive(Clone)]
pub enum Place {
    Tcp(SocketAddr),
    Tls(SocketAddr, Arc<ClientConfig>),
    Unix(PathBuf),
    InMemory(InMemory),
}

impl Place {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP",
            Self::Tls(..) => "TLS",
            Self::Unix(_) => "Unix",
            Self::InMemory(_) => "memory",
        }
    }

    /// Connects; where there is TLS, nothing of it has been said.
    pub async fn reach(&self) -> io::Result<Bytestream> {
        Ok(match self {
            Self::Tcp(address) | Self::Tls(address, _) => Box::new(TcpStream::connect(address).await?),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::InMemory(memory) => {
                Box::new(memory.clone().call("http://memory".parse().unwrap()).await?.into_inner())
            }
        })
    }

    /// Connects, and shakes hands where there is TLS: ready for HTTP/2.
    pub async fn open(&self) -> io::Result<Bytestream> {
        let stream = self.reach().await?;
        let Self::Tls(_, config) = self else { return Ok(stream) };
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, stream).await?))
    }

    /// A channel of tonic's, which connects when it is first used.
    pub fn channel(&self) -> Channel {
        let place = self.clone();
        let connector = tower::service_fn(move |_| {
            let place = place.clone();
            async move { place.open().await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector)
    }
}
