//! The way of test clients to a manager's gRPC server, wherever that is bound.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix::{Addr, WeakAddr};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tower::Service;

use crate::grpc::GrpcAddress;
use crate::manager::{Manager, ManagerSnapshot, RunOnManager};

/// Connects to the gRPC server of a manager, which it asks for the address whenever it connects: so a channel may be made
/// before the server is bound. It does not keep the manager alive.
#[derive(Clone)]
pub(super) struct Connector(WeakAddr<Manager>);

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    pub(super) fn new(manager: &Addr<Manager>) -> Self {
        Self(manager.downgrade())
    }

    async fn connect(self, uri: Uri) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let snapshot = match self.0.upgrade() {
            Some(manager) => manager.send(RunOnManager::new(Manager::snapshot)).await.ok(),
            None => None,
        };
        let snapshot = snapshot.ok_or_else(|| refused("the manager is gone"))?;
        if snapshot.result.is_some() {
            return Err(refused("the manager has ended"));
        }
        let addresses = &snapshot.addresses;
        // Where a socket speaks TLS, which is not spoken here, the place in memory does not.
        let wanted = addresses.iter().find(|address| match address {
            GrpcAddress::InMemory => snapshot.given.tls,
            address => !snapshot.given.tls && address.as_tcp().is_some(),
        });
        let stream = match wanted.or(addresses.first()) {
            Some(address) => open(address, &snapshot, uri).await?,
            None => return Err(refused(&format!("the gRPC server does not serve yet: {}", snapshot.stage))),
        };
        Ok(TokioIo::new(stream))
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, format!("connection refused: {why}"))
}

async fn open(address: &GrpcAddress, snapshot: &ManagerSnapshot, uri: Uri) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        GrpcAddress::Tcp(address) => Box::new(TcpStream::connect(reachable(*address)).await?),
        GrpcAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        GrpcAddress::UnixAbstract(name) => {
            // tokio takes a leading NUL for the abstract namespace.
            Box::new(UnixStream::connect(Path::new(&format!("\0{name}"))).await?)
        }
        GrpcAddress::InMemory => {
            let memory = snapshot.given.in_memory.clone();
            let mut memory = memory.ok_or_else(|| refused("the place in memory is unknown"))?;
            Box::new(memory.call(uri).await?.into_inner())
        }
    })
}

/// All interfaces are reached by the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
