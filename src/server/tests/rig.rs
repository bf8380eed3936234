//! A server of a few paths on workers of its own.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::base::clock;
use crate::http::{Body, HttpFallback, HttpServerOptions};
use crate::metrics::Meter;
use crate::server::acceptor::{Acceptor, Served};
use crate::server::crew::Drained;
use crate::server::error::Lost;
use crate::server::gauge::Gauge;
use crate::server::give_way::GiveWay;
use crate::server::listen::{InMemory, Listening, ServerAddress, bind};
use crate::server::notice::ServerNotice;
use crate::server::worker::workers::Workers;
use crate::service::{Deadlines, Role, ShutdownSignal};

/// A server that runs.
pub(crate) struct Rig {
    pub(crate) acceptor: Acceptor,
    pub(crate) workers: Workers,
    pub(crate) gauge: Gauge,
    pub(crate) server: GiveWay,
    told: mpsc::UnboundedReceiver<()>,
    handlers: Handlers,
}

/// Those that answer requests, from outside.
struct Handlers {
    entered: mpsc::UnboundedReceiver<()>,
    go: CancellationToken,
    unblock: Option<blocking::Sender<()>>,
}

/// What tells that a server gave way.
pub(crate) fn give_way() -> (GiveWay, mpsc::UnboundedReceiver<()>) {
    let (tell, told) = mpsc::unbounded_channel();
    let give_way = GiveWay::default();
    give_way.connect(Arc::new(move |notice| {
        if let ServerNotice::GaveWay = notice {
            let _ = tell.send(());
        }
    }));
    (give_way, told)
}

/// The listener of a place in memory.
pub(crate) async fn in_memory(memory: &InMemory) -> Vec<Listening> {
    listening(ServerAddress::in_memory(memory)).await
}

pub(crate) async fn listening(address: ServerAddress) -> Vec<Listening> {
    let bound = bind(&[address], &signal()).await.unwrap();
    bound.into_iter().map(|bound| bound.listen().unwrap()).collect()
}

fn signal() -> ShutdownSignal {
    ShutdownSignal::new(Arc::<Deadlines>::default(), Role::Service)
}

fn whole(text: &'static str) -> UnsyncBoxBody<Bytes, Infallible> {
    Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync()
}

/// `/held` answers when it may, `/blocked` blocks its thread until then, `/events` never ends.
fn service() -> (HttpFallback, Handlers) {
    let (enter, entered) = mpsc::unbounded_channel();
    let (unblock, blocked) = blocking::channel::<()>();
    let (go, blocked) = (CancellationToken::new(), Arc::new(Mutex::new(blocked)));
    let handlers = Handlers { entered, go: go.clone(), unblock: Some(unblock) };
    let service = tower::service_fn(move |request: Request<Body>| {
        let (enter, go, blocked) = (enter.clone(), go.clone(), Arc::clone(&blocked));
        async move {
            let body = match request.uri().path() {
                "/held" => {
                    enter.send(()).unwrap();
                    go.cancelled().await;
                    whole("held")
                }
                "/blocked" => {
                    enter.send(()).unwrap();
                    let _ = blocked.lock().unwrap().recv();
                    whole("blocked")
                }
                "/events" => {
                    let first =
                        stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"data: x\n\n")))]);
                    StreamBody::new(first.chain(stream::pending())).boxed_unsync()
                }
                _ => whole("hello"),
            };
            let kind = if request.uri().path() == "/events" { "text/event-stream" } else { "text/plain" };
            Ok::<_, Infallible>(Response::builder().header("content-type", kind).body(body).unwrap())
        }
    });
    (HttpFallback::new(service), handlers)
}

impl Rig {
    /// In paused time, in memory.
    pub(crate) async fn paused(memory: &InMemory) -> Self {
        let (server, told) = give_way();
        Self::start(Workers::of_this_thread(), in_memory(memory).await, server, told)
    }

    pub(crate) fn start(
        workers: Workers,
        listening: Vec<Listening>,
        server: GiveWay,
        told: mpsc::UnboundedReceiver<()>,
    ) -> Self {
        let options = HttpServerOptions::new().head_timeout(None).workers(2);
        let (gauge, (service, handlers)) = (Gauge::default(), service());
        let application =
            service.application("web".into(), &options, signal(), &Arc::default(), &Meter::default());
        let served = Served {
            listening,
            options: &options.engine,
            application,
            gauge: &gauge,
            give_way: &server,
            on_stall: Arc::new(|_| ()),
        };
        let acceptor = Acceptor::start(&workers, served, signal()).unwrap();
        Self { acceptor, workers, gauge, server, told, handlers }
    }

    /// A request is held, or blocks its thread.
    pub(crate) async fn entered(&mut self) {
        soon(self.handlers.entered.recv()).await.unwrap();
    }

    /// Requests are held no more.
    pub(crate) fn go(&self) {
        self.handlers.go.cancel();
    }

    pub(crate) fn unblock(&mut self) {
        self.handlers.unblock = None;
    }

    /// Resolves when it has told that it gave way.
    pub(crate) async fn gave_way(&mut self) {
        soon(self.told.recv()).await.unwrap();
    }

    /// Whether it has told so.
    pub(crate) fn has_told(&mut self) -> bool {
        self.told.try_recv().is_ok()
    }

    pub(crate) fn connections(&self) -> usize {
        self.gauge.in_flight().unwrap().connections
    }

    /// Drains, in that time.
    pub(crate) async fn drain(&mut self, limit: Duration) -> Drained {
        soon(self.begin_drain(limit)).await.unwrap()
    }

    /// The same; resolves at its end.
    pub(crate) fn begin_drain(
        &mut self,
        limit: Duration,
    ) -> impl Future<Output = Result<Drained, Lost>> + use<> {
        let deadline = Some(clock::now() + limit);
        self.acceptor.shut_down(deadline, &self.gauge, |_| ())
    }

    /// How many parts, of all lives, are watched.
    pub(crate) fn watched(&self) -> usize {
        self.workers.join(0).unwrap().watch.parts()
    }
}

/// Fails a test that would hang. No drain here takes as long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::select! {
        value = future => value,
        () = tokio::time::sleep(Duration::from_secs(90)) => panic!("this should have happened long ago"),
    }
}
