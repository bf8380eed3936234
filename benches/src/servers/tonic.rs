//! tonic's own server, on either kind of runtime.

use tokio::runtime::Builder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::{ANY_PORT, Served, WORKERS, announce};
use crate::grpc::service::{BenchServer, Echoes};

/// As `#[tokio::main(worker_threads = 2)]`.
pub(super) fn serve_multi_thread() -> Served {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?.block_on(serve())
}

/// As `#[tokio::main(flavor = "current_thread")]`.
pub(super) fn serve_current_thread() -> Served {
    Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Served {
    let incoming = TcpIncoming::bind(ANY_PORT)?.with_nodelay(Some(true));
    announce(incoming.local_addr()?)?;
    Server::builder().add_service(BenchServer::new(Echoes)).serve_with_incoming(incoming).await?;
    Err("tonic's server ended".into())
}
