//! A server as an actor on a watched thread, and those who call it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::{Addr, Arbiter};
use http::uri::PathAndQuery;
use http::{Request, Response};
use hyper::body::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::base::BoxError;
use crate::grpc::builtin::ping::PingService;
use crate::grpc::tests::probe::Probe;
use crate::grpc::{Gauge, GrpcRegistrar, GrpcServerOptions, Server, ServerAddress, WorkerStall};
use crate::server::give_way::GiveWay;
use crate::server::notice::ServerNotice;
use crate::server::worker::workers::Workers;
use crate::service::{Deadlines, Provided, Registry, Resources, Role, Run, Setup, Shutdown, ShutdownSignal};
use crate::supervision::{Control, Lodgers, Notice, Pool, Tag, dispatch, launch};

pub(crate) type Ended = tokio::task::JoinHandle<Result<(), BoxError>>;

/// A server that runs.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) stage: Stage,
    pub(crate) run: Ended,
    pub(crate) gauge: Gauge,
}

/// What a manager has at hand.
pub(crate) struct Stage {
    pub(crate) server: Addr<Server>,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) signal: ShutdownSignal,
    pub(crate) resources: Resources,
    pub(crate) gone: oneshot::Receiver<()>,
    pub(crate) serving: oneshot::Receiver<SocketAddr>,
    pub(crate) give_way: GiveWay,
    /// Each time that it gave way.
    pub(crate) gave_way: mpsc::UnboundedReceiver<()>,
    control: Arc<Control>,
    pool: Arc<Pool>,
    _workers: Workers,
}

impl Stage {
    pub(crate) fn new(address: &str, registrar: GrpcRegistrar) -> Self {
        Self::with(address, registrar, GrpcServerOptions::new().workers(2))
    }

    pub(crate) fn with(address: &str, registrar: GrpcRegistrar, options: GrpcServerOptions) -> Self {
        Self::telling(address, registrar, options, Gauge::default(), Workers::new(None), |_| ())
    }

    /// It tells of handlers that block their worker.
    fn telling(
        address: &str,
        registrar: GrpcRegistrar,
        options: GrpcServerOptions,
        gauge: Gauge,
        workers: Workers,
        tell: impl Fn(WorkerStall) + Send + Sync + 'static,
    ) -> Self {
        let lodgers = Lodgers {
            kind: "service",
            home: Arbiter::current(),
            dispatch: dispatch::current(),
            wake_monitor: None,
            on_foreign_stop: Arc::new(|_| ()),
        };
        let pool = Arc::new(Pool::new(1, lodgers));
        let deadlines = Arc::<Deadlines>::default();
        let signal = ShutdownSignal::new(Arc::clone(&deadlines), Role::Service);
        let registry = Registry::new(
            "grpc".into(),
            0,
            Arc::clone(&pool),
            Arc::clone(&deadlines),
            Provided::default(),
            |_, _| None,
        );
        let (tell_serving, serving) = oneshot::channel();
        let tell_serving = Mutex::new(Some(tell_serving));
        let (tell_gone, gone) = oneshot::channel();
        let (tell_gave_way, gave_way) = mpsc::unbounded_channel();
        let tell_gone = Mutex::new(Some(tell_gone));
        let server = Server::new(
            vec![ServerAddress::parse(address).unwrap()],
            options,
            registrar,
            gauge,
            Arc::new(move |notice| match notice {
                ServerNotice::Serving(at) => {
                    let tell = tell_serving.lock().unwrap().take().unwrap();
                    tell.send(at[0].as_tcp().unwrap()).unwrap();
                }
                ServerNotice::Stall(stall) => tell(stall),
                ServerNotice::StreamsEnded(_) => {}
                ServerNotice::GaveWay => drop(tell_gave_way.send(())),
            }),
            workers.clone(),
            Default::default(),
        );
        let give_way = server.give_way();
        let observer = Box::new(move |notice| {
            if let (Notice::Gone(_), Some(gone)) = (notice, tell_gone.lock().unwrap().take()) {
                let _ = gone.send(());
            }
            None
        });
        let (thread, _workers) = (pool.shared(0).unwrap(), workers);
        let (server, control) = launch(&thread, Tag::next(), move || server, observer, None, None);
        let resources = Resources::new(Arc::new(registry));
        Self {
            server,
            deadlines,
            signal,
            resources,
            gone,
            serving,
            give_way,
            gave_way,
            control,
            pool,
            _workers,
        }
    }

    pub(crate) fn set_up(&self) -> Ended {
        let (resources, shutdown) = (self.resources.clone(), self.signal.clone());
        let setup = Setup { resources, shutdown, span: tracing::Span::none() };
        let answer = self.server.send(setup);
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    pub(crate) fn run(&self) -> Ended {
        let (resources, shutdown) = (self.resources.clone(), self.signal.clone());
        let answer = self.server.send(Run { resources, shutdown, span: tracing::Span::none() });
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    /// Asks for the shutdown as the manager does.
    pub(crate) fn shut_down(&self, limit: impl Into<Option<Duration>>) -> Ended {
        self.deadlines.set(limit.into().map(|limit| Instant::now() + limit), None);
        self.deadlines.request();
        let answer = self.server.send(Shutdown { shutdown: self.signal.clone() });
        tokio::task::spawn_local(async move { answer.await.unwrap() })
    }

    /// Ends the actor's thread.
    pub(crate) async fn end_thread(&self) {
        let ends = TaskTracker::new();
        self.pool.stop(&ends);
        ends.close();
        ends.wait().await;
    }

    /// Drops the actor.
    pub(crate) async fn force(&mut self) {
        self.signal.force();
        self.control.force();
        (&mut self.gone).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.pool.stop(&TaskTracker::new());
    }
}

impl Rig {
    /// A server with two workers, of the ping service and of [`Probe`].
    pub(crate) async fn serve(probe: &Probe) -> Self {
        Self::serve_with(probe, GrpcServerOptions::new().workers(2)).await
    }

    pub(crate) async fn serve_with(probe: &Probe, options: GrpcServerOptions) -> Self {
        Self::serve_telling(probe, options, None, |_| ()).await
    }

    pub(crate) async fn serve_telling(
        probe: &Probe,
        options: GrpcServerOptions,
        stuck_after: Option<Duration>,
        tell: impl Fn(WorkerStall) + Send + Sync + 'static,
    ) -> Self {
        let registrar = GrpcRegistrar::new();
        registrar.add_service(probe.clone());
        PingService.register(&registrar);
        let gauge = Gauge::default();
        let workers = Workers::new(stuck_after);
        let mut stage = Stage::telling("127.0.0.1:0", registrar, options, gauge.clone(), workers, tell);
        stage.set_up().await.unwrap().unwrap();
        let run = stage.run();
        let address = (&mut stage.serving).await.unwrap();
        Self { address, stage, run, gauge }
    }

    pub(crate) async fn channel(&self) -> Channel {
        endpoint(self.address).connect().await.unwrap()
    }

    /// Resolves when the listener is closed: the drain has begun.
    pub(crate) async fn draining(&self) {
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap()
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.Probe/{method}").parse().unwrap()
}

pub(crate) async fn unary(channel: Channel, method: &str) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    client.unary(request, path(method), codec).await.map(tonic::Response::into_inner)
}

pub(crate) async fn stream(channel: Channel, method: &str) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    client.server_streaming(request, path(method), codec).await.map(tonic::Response::into_inner)
}

/// A call by a bare HTTP/2 peer, which goes on only while `drive` is polled.
pub(crate) struct Bare {
    response: h2::client::ResponseFuture,
    pub(crate) drive: Pin<Box<dyn Future<Output = Result<(), h2::Error>>>>,
    pub(crate) request: h2::SendStream<Bytes>,
    pings: h2::PingPong,
    _sender: h2::client::SendRequest<Bytes>,
}

impl Bare {
    /// Calls a method; the request's stream is left open. The windows are as large as they get if `greedy`.
    pub(crate) async fn call(address: SocketAddr, method: &str, greedy: bool) -> Self {
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
    pub(crate) fn send(&mut self) {
        self.request.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    }

    /// Resolves when the server has read what was sent so far.
    pub(crate) async fn arrived(&mut self) {
        tokio::select! {
            pong = self.pings.ping(h2::Ping::opaque()) => drop(pong.unwrap()),
            _ = &mut self.drive => panic!("the server closed the connection"),
        }
    }

    pub(crate) async fn response(&mut self) -> Response<h2::RecvStream> {
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
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::select! {
        value = future => value,
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("this should have happened long ago"),
    }
}
