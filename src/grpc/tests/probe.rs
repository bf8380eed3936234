//! A gRPC service that does as it is told, and tells what becomes of it.
//!
//! ```text
//!   Hold         answers once it is let go         Endless         one message, then nothing more
//!   HoldSlowly   never answers, slow to drop       Flood           messages without a pause
//!   Block        blocks its thread until let go    PanicInStream   one message, then a panic
//!   Big, Medium  answer with so many bytes         Panic           panics
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::BoxStream;
use tonic::server::NamedService;
use tonic_prost::ProstCodec;

use crate::grpc::GrpcRegistrar;
use crate::grpc::register::router::Router;

/// The gRPC service `test.Probe`: each method tells that it was entered, then does as it is called.
#[derive(Clone)]
pub(crate) struct Probe {
    entered: mpsc::UnboundedSender<Option<SocketAddr>>,
    /// Lets `Hold` go.
    pub(crate) go: CancellationToken,
    /// Cancelled when what `Hold` holds is dropped.
    pub(crate) dropped: CancellationToken,
    unblocked: Arc<Mutex<Receiver<()>>>,
}

/// What tests hold of a [`Probe`].
pub(crate) struct Probed {
    pub(crate) probe: Probe,
    pub(crate) entered: mpsc::UnboundedReceiver<Option<SocketAddr>>,
    /// Dropped, lets `Block` go.
    pub(crate) unblock: Sender<()>,
}

impl Probed {
    pub(crate) fn new() -> Self {
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
pub(crate) const BIG: usize = 1 << 20;

/// How long an answer of `Medium` is: less than HTTP/2's first windows, and than what rustls holds back.
pub(crate) const MEDIUM: usize = 40 * 1024;

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
    pub(crate) fn router(&self) -> Router {
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
