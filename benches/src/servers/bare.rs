//! The least that can serve: connections dealt out in turn to threads, hyper, and what tonic generated, or a router of axum's.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tonic::service::Routes;
use tower::Service;

use super::axum::router;
use super::{ANY_PORT, Served, WINDOW, WORKERS, announce};
use crate::grpc::service::{BenchServer, Echoes};

/// As majordomo has it by default.
const MAX_STREAMS: u32 = 1000;
const MAX_HEADERS: u32 = 16 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(60);

/// hyper's connections.
type Http = auto::Builder<TokioExecutor>;

/// Serves gRPC, over HTTP/2 alone.
pub(super) fn serve() -> Served {
    let mut http = http2();
    http.http2().auto_date_header(false);
    serve_by(http.http2_only(), Routes::new(BenchServer::new(Echoes)).prepare())
}

/// Serves HTTP/1.1 and HTTP/2.
pub(super) fn serve_http() -> Served {
    let mut http = http2();
    http.http1().header_read_timeout(None).max_buf_size(MAX_HEADERS as usize).half_close(false);
    serve_by(http, router())
}

/// Serves one service on all workers, as every other contender does: what its clones share by reference counts, all
/// threads count on.
fn serve_by<S, B>(http: Http, service: S) -> Served
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut workers = Vec::with_capacity(WORKERS);
    for _ in 0..WORKERS {
        let (deal, dealt) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (http, service) = (http.clone(), service.clone());
        thread::spawn(move || runtime.block_on(work(dealt, http, service)));
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

async fn work<S, B>(mut dealt: mpsc::UnboundedReceiver<TcpStream>, http: Http, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    while let Some(stream) = dealt.recv().await {
        match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => {
                let (http, service) = (http.clone(), TowerToHyperService::new(service.clone()));
                drop(tokio::spawn(async move {
                    // An error is the peer's, which goes without a word when it has measured.
                    let _ = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                }));
            }
            Err(error) => lost(&error),
        }
    }
}

/// What both have of HTTP/2.
fn http2() -> Http {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(KEEPALIVE)
        .max_header_list_size(MAX_HEADERS);
    http
}

fn lost(error: &io::Error) {
    eprintln!("lost a connection: {error}");
}
