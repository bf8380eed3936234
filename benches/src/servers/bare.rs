//! The least that can serve: connections dealt out in turn to threads, hyper, and what tonic generated.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

use super::{ANY_PORT, Served, WINDOW, WORKERS, announce};
use crate::grpc::service::{BenchServer, Echoes};

/// As majordomo has it by default.
const MAX_STREAMS: u32 = 1000;
const MAX_HEADERS: u32 = 16 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Serves one service on all workers, as every other contender does: what its clones share by reference counts, all
/// threads count on.
pub(super) fn serve() -> Served {
    let service = Routes::new(BenchServer::new(Echoes)).prepare();
    let mut workers = Vec::with_capacity(WORKERS);
    for _ in 0..WORKERS {
        let (deal, dealt) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let service = service.clone();
        thread::spawn(move || runtime.block_on(work(dealt, service)));
        workers.push(deal);
    }
    let listener = std::net::TcpListener::bind(ANY_PORT)?;
    announce(listener.local_addr()?)?;
    for worker in workers.iter().cycle() {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        worker.send(stream).map_err(|_| "a worker has ended")?;
    }
    Err("there are no workers".into())
}

async fn work<S>(mut dealt: mpsc::UnboundedReceiver<TcpStream>, service: S)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    while let Some(stream) = dealt.recv().await {
        match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => drop(tokio::spawn(connection(stream, service.clone()))),
            Err(error) => lost(&error),
        }
    }
}

fn connection<S>(stream: tokio::net::TcpStream, service: S) -> impl Future<Output = ()>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(KEEPALIVE)
        .max_header_list_size(MAX_HEADERS)
        .auto_date_header(false);
    async move {
        // An error is the peer's, which goes without a word when it has measured.
        let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await;
    }
}

fn lost(error: &io::Error) {
    eprintln!("lost a connection: {error}");
}
