//! What the tests of the gRPC server share: a gRPC service that does as its methods are called, and peers of every
//! kind.

mod peers;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use actix::Addr;
use http::uri::PathAndQuery;
use http::{Request, Response};
use majordomo::ping::PingClient;
use majordomo::{ManagerOptions, RegisterOnServer};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::{Answer, Call, Gate, Observed, Probe, within};

pub use peers::{
    FramesUntilEnd, GOAWAY, Reserved, idle, is_answered, is_refused, refused, silent, until_closed,
    until_end, whole_check,
};

/// Options with a gRPC server on a free port, and without signals.
pub fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_server_address("127.0.0.1:0").handle_signals(false)
}

/// The id of the gRPC server in events and errors.
pub const SERVER: &str = "majordomo grpc";

/// The gRPC service `test.Calls`.
#[derive(Clone)]
pub struct Calls {
    entered: mpsc::UnboundedSender<String>,
    go: Gate,
    dropped: Gate,
    unblocked: Arc<Mutex<Receiver<()>>>,
    resource: Arc<OnceLock<Addr<Probe>>>,
    heavy: Arc<Mutex<Vec<String>>>,
}

/// What a test holds of [`Calls`].
pub struct Held {
    entered: mpsc::UnboundedReceiver<String>,
    /// Lets `Hold` and `UseResource` go on.
    pub go: Gate,
    /// Opens when the first `Hold` is over, in whatever way.
    pub dropped: Gate,
    /// Dropped, lets `Block` go on.
    pub unblock: Option<Sender<()>>,
    /// What `UseResource` uses.
    pub resource: Arc<OnceLock<Addr<Probe>>>,
    /// The threads on which `HoldHeavily` and `BlockElsewhere` were entered, in this order.
    pub heavy: Arc<Mutex<Vec<String>>>,
}

impl Held {
    /// Waits until the handler of this method has been entered.
    pub async fn entered(&mut self, method: &str) {
        let entered = within(method, self.entered.recv()).await;
        assert_eq!(entered.as_deref(), Some(method));
    }
}

impl Calls {
    pub fn new() -> (Self, Held) {
        let (entered, receiver) = mpsc::unbounded_channel();
        let (unblock, unblocked) = channel();
        let unblocked = Arc::new(Mutex::new(unblocked));
        let (go, dropped, resource) = (Gate::default(), Gate::default(), Arc::default());
        let heavy = Arc::<Mutex<Vec<_>>>::default();
        let held = Held {
            entered: receiver,
            go: go.clone(),
            dropped: dropped.clone(),
            unblock: Some(unblock),
            resource: Arc::clone(&resource),
            heavy: Arc::clone(&heavy),
        };
        (Self { entered, go, dropped, unblocked, resource, heavy }, held)
    }

    /// Registers itself: for [`Probe::register_at_once`].
    pub fn register(self) -> impl FnOnce(RegisterOnServer, &mut actix::Context<Probe>) -> Answer + Send {
        move |on, _| {
            on.server.add_service(self);
            Ok(())
        }
    }

    /// Keeps its thread busy for long enough to be known for that; whether the first to do so was on this thread.
    fn is_home(&self) -> bool {
        thread::sleep(Duration::from_millis(5));
        let here = thread::current().name().expect("workers have names").to_owned();
        let mut heavy = self.heavy.lock().unwrap();
        heavy.push(here);
        heavy.first() == heavy.last()
    }

    async fn unary(self, method: String) -> Result<tonic::Response<Vec<u8>>, Status> {
        match method.as_str() {
            "Hold" => {
                let _dropped = self.dropped.on_drop();
                self.go.passed().await;
                Ok(tonic::Response::new(b"held".to_vec()))
            }
            "UseResource" => {
                self.go.passed().await;
                let resource = self.resource.get().expect("it was set up");
                let used = resource.send(Call::now(|_| {})).await;
                used.map_err(|error| Status::internal(format!("the resource is gone: {error}")))?;
                Ok(tonic::Response::new(b"used".to_vec()))
            }
            "Block" => {
                let _ = self.unblocked.lock().unwrap().recv();
                Ok(tonic::Response::new(Vec::new()))
            }
            "HoldHeavily" => {
                self.is_home();
                self.go.passed().await;
                Ok(tonic::Response::new(b"held".to_vec()))
            }
            "BlockElsewhere" => {
                if !self.is_home() {
                    let _ = self.unblocked.lock().unwrap().recv();
                }
                self.go.passed().await;
                Ok(tonic::Response::new(Vec::new()))
            }
            "Panic" => panic!("a panic on purpose"),
            _ => Err(Status::unimplemented(method)),
        }
    }
}

impl NamedService for Calls {
    const NAME: &'static str = "test.Calls";
}

impl tower::Service<Request<Body>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let calls = self.clone();
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Vec<u8>, Vec<u8>>::default());
            let entered = calls.entered.clone();
            Ok(if ["Endless", "Flood"].contains(&method.as_str()) {
                let answer = tower::service_fn(move |_: tonic::Request<Vec<u8>>| {
                    let _ = entered.send(method.clone());
                    let first = tokio_stream::once(Ok(b"first".to_vec()));
                    let flood = std::iter::repeat_with(|| Ok(vec![7; 16 * 1024]));
                    let flood = flood.take(if method == "Flood" { usize::MAX } else { 0 });
                    let stream = first.chain(tokio_stream::iter(flood)).chain(tokio_stream::pending());
                    async move { Ok::<_, Status>(tonic::Response::new(stream)) }
                });
                grpc.server_streaming(answer, request).await
            } else {
                let answer = tower::service_fn(move |_: tonic::Request<Vec<u8>>| {
                    let _ = entered.send(method.clone());
                    calls.clone().unary(method.clone())
                });
                grpc.unary(answer, request).await
            })
        })
    }
}

impl Observed {
    /// Where the server of this manager, which runs, accepts calls.
    pub async fn grpc_address(&self) -> SocketAddr {
        self.running().await;
        self.status().await.grpc_address.expect("a gRPC server runs")
    }
}

/// A new connection.
pub async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    within("a connection", endpoint.connect()).await.unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// One ping; nothing is tried again.
pub async fn ping(channel: Channel) -> Result<(), Status> {
    within("the answer to a ping", PingClient::new(channel).ping(())).await.map(|_| ())
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.Calls/{method}").parse().unwrap()
}

pub async fn unary(channel: Channel, method: &'static str) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    client.unary(request, path(method), codec).await.map(tonic::Response::into_inner)
}

/// Calls a method that the test goes on beside.
pub fn start_call(
    channel: Channel,
    method: &'static str,
) -> tokio::task::JoinHandle<Result<Vec<u8>, Status>> {
    tokio::spawn(unary(channel, method))
}

/// An endless stream whose first message has come; nothing comes after that.
pub async fn endless(channel: Channel) -> Streaming<Vec<u8>> {
    begun(channel, "Endless").await
}

/// The same, and there is always more.
pub async fn flood(channel: Channel) -> Streaming<Vec<u8>> {
    begun(channel, "Flood").await
}

async fn begun(channel: Channel, method: &'static str) -> Streaming<Vec<u8>> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
    let request = tonic::Request::new(Vec::new());
    let answer = within("the stream", client.server_streaming(request, path(method), codec)).await;
    let mut stream = answer.unwrap().into_inner();
    let first = within("the first message", stream.message()).await;
    assert_eq!(first.unwrap().unwrap(), b"first");
    stream
}
