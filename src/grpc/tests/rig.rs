//! A server as an actor on a watched thread, and a gRPC service that does as it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix::{Addr, Arbiter};
use http::uri::PathAndQuery;
use http::{Request, Response};
use hyper::body::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tonic::codegen::BoxStream;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::error::BoxError;
use crate::grpc::router::Router;
use crate::grpc::{Gauge, GrpcRegistrar, GrpcServerOptions, Server, ServerAddress};
use crate::ping::PingService;
use crate::service::{Asking, Deadlines, Registry, Resources, Run, Setup, Shutdown, ShutdownSignal};
use crate::supervision::{Control, Notice, Pool, Tag, dispatch, launch};

pub(super) type Ended = tokio::task::JoinHandle<Result<(), BoxError>>;

/// A server that runs.
pub(super) struct Rig {
    pub(super) address: SocketAddr,
    pub(super) stage: Stage,
    pub(super) run: Ended,
}

/// What a manager has at hand.
pub(super) struct Stage {
    pub(super) server: Addr<Server>,
    pub(super) deadlines: Arc<Deadlines>,
    pub(super) signal: ShutdownSignal,
    pub(super) resources: Resources,
    pub(super) gone: oneshot::Receiver<()>,
    pub(super) serving: oneshot::Receiver<SocketAddr>,
    control: Arc<Control>,
    pool: Arc<Pool>,
}

impl Stage {
    pub(super) fn new(address: &str, registrar: GrpcRegistrar) -> Self {
        Self::with(address, registrar, GrpcServerOptions::new().workers(2))
    }

    pub(super) fn with(address: &str, registrar: GrpcRegistrar, options: GrpcServerOptions) -> Self {
        let pool = Arc::new(Pool::new(1, Arbiter::current(), dispatch::current()));
        let deadlines = Arc::<Deadlines>::default();
        let signal = ShutdownSignal::new(Arc::clone(&deadlines), Asking::Service);
        let registry = Registry::new("grpc".into(), 0, Arc::clone(&pool), Arc::clone(&deadlines), |_, _| ());
        let (tell_serving, serving) = oneshot::channel();
        let (tell_gone, gone) = oneshot::channel();
        let tell_gone = Mutex::new(Some(tell_gone));
        let server = Server::new(
            vec![ServerAddress::parse(address).unwrap()],
            options,
            registrar,
            Gauge::default(),
            Box::new(move |at| tell_serving.send(at[0].as_tcp().unwrap()).unwrap()),
        );
        let observer = Box::new(move |notice| {
            if let (Notice::Gone(_), Some(gone)) = (notice, tell_gone.lock().unwrap().take()) {
                let _ = gone.send(());
            }
        });
        let thread = pool.shared(0).unwrap();
        let (server, control) = launch(&thread, Tag::next(), move || server, observer);
        let resources = Resources::new(Arc::new(registry));
        Self { server, deadlines, signal, resources, gone, serving, control, pool }
    }

    pub(super) fn set_up(&self) -> Ended {
        let (resources, shutdown) = (self.resources.clone(), self.signal.clone());
        let setup = Setup { resources, shutdown, span: tracing::Span::none() };
        let answer = self.server.send(setup);
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    pub(super) fn run(&self) -> Ended {
        let (resources, shutdown) = (self.resources.clone(), self.signal.clone());
        let answer = self.server.send(Run { resources, shutdown, span: tracing::Span::none() });
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    /// Asks for the shutdown as the manager does.
    pub(super) fn shut_down(&self, limit: impl Into<Option<Duration>>) -> Ended {
        self.deadlines.set(limit.into().map(|limit| Instant::now() + limit), None);
        self.deadlines.request();
        let answer = self.server.send(Shutdown { shutdown: self.signal.clone() });
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    /// Ends the actor's thread.
    pub(super) async fn end_thread(&self) {
        self.pool.stop().await;
    }

    /// Drops the actor.
    pub(super) async fn force(&mut self) {
        self.signal.force();
        self.control.force();
        (&mut self.gone).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.pool.stop());
    }
}

impl Rig {
    /// A server with two workers, of the ping service and of [`Probe`].
    pub(super) async fn serve(probe: &Probe) -> Self {
        Self::serve_with(probe, GrpcServerOptions::new().workers(2)).await
    }

    pub(super) async fn serve_with(probe: &Probe, options: GrpcServerOptions) -> Self {
        let registrar = GrpcRegistrar::new();
        registrar.add_service(probe.clone());
        PingService.register(&registrar);
        let mut stage = Stage::with("127.0.0.1:0", registrar, options);
        stage.set_up().await.unwrap().unwrap();
        let run = stage.run();
        let address = (&mut stage.serving).await.unwrap();
        Self { address, stage, run }
    }

    pub(super) async fn channel(&self) -> Channel {
        endpoint(self.address).connect().await.unwrap()
    }

    /// Resolves when the listener is closed: the drain has begun.
    pub(super) async fn draining(&self) {
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap()
}

/// The gRPC service `test.Probe`: each method tells that it was entered, then does as it is called.
#[derive(Clone)]
pub(super) struct Probe {
    entered: mpsc::UnboundedSender<Option<SocketAddr>>,
    /// Lets `Hold` go.
    pub(super) go: CancellationToken,
    /// Cancelled when what `Hold` holds is dropped.
    pub(super) dropped: CancellationToken,
    unblocked: Arc<Mutex<Receiver<()>>>,
}

/// What tests hold of a [`Probe`].
pub(super) struct Probed {
    pub(super) probe: Probe,
    pub(super) entered: mpsc::UnboundedReceiver<Option<SocketAddr>>,
    /// Dropped, lets `Block` go.
    pub(super) unblock: Sender<()>,
}

impl Probed {
    pub(super) fn new() -> Self {
        let (entered, receiver) = mpsc::unbounded_channel();
        let (unblock, unblocked) = channel();
        let probe = Probe {
            entered,
            go: CancellationToken::new(),
            dropped: CancellationToken::new(),
            unblocked: Arc::new(Mutex::new(unblocked)),
        };
        Self { probe, entered: receiver, unblock }
    }
}

/// How long an answer of `Big` is.
pub(super) const BIG: usize = 1 << 20;

/// How long an answer of `Medium` is: less than HTTP/2's first windows, and than what rustls holds back.
pub(super) const MEDIUM: usize = 40 * 1024;

/// Takes its time to be dropped.
struct Slow(Option<DropGuard>);

impl Drop for Slow {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(20));
        self.0.take();
    }
}

impl Probe {
    /// Serves nothing else.
    pub(super) fn router(&self) -> Router {
        let registrar = GrpcRegistrar::new();
        registrar.add_service(self.clone());
        registrar.close()
    }

    async fn unary(self, method: String) -> Result<tonic::Response<Vec<u8>>, Status> {
        match method.as_str() {
            "Hold" => {
                let _dropped = self.dropped.clone().drop_guard();
                self.go.cancelled().await;
                Ok(tonic::Response::new(b"held".to_vec()))
            }
            "HoldSlowly" => {
                let _dropped = Slow(Some(self.dropped.clone().drop_guard()));
                std::future::pending().await
            }
            "Block" => {
                let _ = self.unblocked.lock().unwrap().recv();
                Ok(tonic::Response::new(Vec::new()))
            }
            "Big" => Ok(tonic::Response::new(vec![7; BIG])),
            "Medium" => Ok(tonic::Response::new(vec![7; MEDIUM])),
            "Panic" => panic!("handler panic"),
            _ => Err(Status::unimplemented(method)),
        }
    }

    fn stream(method: &str) -> BoxStream<Vec<u8>> {
        let first = tokio_stream::once(Ok(b"first".to_vec()));
        match method {
            "Endless" => Box::pin(first.chain(tokio_stream::pending())),
            "Flood" => Box::pin(tokio_stream::iter(std::iter::repeat_with(|| Ok(vec![7; 16 * 1024])))),
            // tonic sends what it has when a stream pauses.
            _ => Box::pin(first.chain(tokio_stream::once(()).then(|()| async {
                tokio::task::yield_now().await;
                panic!("stream panic")
            }))),
        }
    }
}

impl NamedService for Probe {
    const NAME: &'static str = "test.Probe";
}

impl tower::Service<Request<Body>> for Probe {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let probe = self.clone();
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Vec<u8>, Vec<u8>>::default());
            let entered = probe.entered.clone();
            Ok(if ["Endless", "Flood", "PanicInStream"].contains(&method.as_str()) {
                let answer = tower::service_fn(move |request: tonic::Request<Vec<u8>>| {
                    entered.send(request.remote_addr()).unwrap();
                    let stream = Probe::stream(&method);
                    async move { Ok::<_, Status>(tonic::Response::new(stream)) }
                });
                grpc.server_streaming(answer, request).await
            } else {
                let answer = tower::service_fn(move |request: tonic::Request<Vec<u8>>| {
                    entered.send(request.remote_addr()).unwrap();
                    probe.clone().unary(method.clone())
                });
                grpc.unary(answer, request).await
            })
        })
    }
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.Probe/{method}").parse().unwrap()
}

pub(super) async fn unary(channel: Channel, method: &str) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    client.unary(request, path(method), codec).await.map(tonic::Response::into_inner)
}

pub(super) async fn stream(channel: Channel, method: &str) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    client.server_streaming(request, path(method), codec).await.map(tonic::Response::into_inner)
}

/// A call by a bare HTTP/2 peer, which goes on only while `drive` is polled.
pub(super) struct Bare {
    response: h2::client::ResponseFuture,
    pub(super) drive: Pin<Box<dyn Future<Output = Result<(), h2::Error>>>>,
    pub(super) request: h2::SendStream<Bytes>,
    pings: h2::PingPong,
    _sender: h2::client::SendRequest<Bytes>,
}

impl Bare {
    /// Calls a method; the request's stream is left open. The windows are as large as they get if `greedy`.
    pub(super) async fn call(address: SocketAddr, method: &str, greedy: bool) -> Self {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut builder = h2::client::Builder::new();
        if greedy {
            builder.initial_window_size((1 << 31) - 1).initial_connection_window_size((1 << 31) - 1);
        }
        let (mut sender, mut connection) = builder.handshake::<_, Bytes>(tcp).await.unwrap();
        let pings = connection.ping_pong().unwrap();
        let drive = Box::pin(connection);
        let request = Request::post(format!("http://{address}/test.Probe/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let (response, request) = sender.send_request(request, false).unwrap();
        Self { response, drive, request, pings, _sender: sender }
    }

    /// Sends the request's only message, which is empty.
    pub(super) fn send(&mut self) {
        self.request.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    }

    /// Resolves when the server has read what was sent so far.
    pub(super) async fn arrived(&mut self) {
        tokio::select! {
            pong = self.pings.ping(h2::Ping::opaque()) => drop(pong.unwrap()),
            _ = &mut self.drive => panic!("the server closed the connection"),
        }
    }

    pub(super) async fn response(&mut self) -> Response<h2::RecvStream> {
        tokio::select! {
            response = &mut self.response => response.unwrap(),
            // What came with the end is there.
            ended = &mut self.drive => {
                ended.unwrap();
                (&mut self.response).await.unwrap()
            }
        }
    }
}

/// Fails a test that would hang.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::select! {
        value = future => value,
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("this should have happened long ago"),
    }
}
