//! The service that is soaked: handlers of every kind, each of which tells when it began and when it is gone.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

/// What handlers panic with.
pub(crate) const PANIC: &str = "a panic on purpose";

/// How long an answer of `Big` is: more than any window.
const BIG: usize = 3 << 20;

/// How many handlers began, and how many are gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guards(Arc<[AtomicUsize; 2]>);

struct Guard(Guards);

impl Guards {
    fn enter(&self) -> Guard {
        self.0[0].fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    /// How many began, and how many of them are gone.
    pub(crate) fn counts(&self) -> (usize, usize) {
        // Those that are gone first: it can only seem to be fewer.
        let gone = self.0[1].load(Ordering::SeqCst);
        (self.0[0].load(Ordering::SeqCst), gone)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

/// The gRPC service `test.Soaked`.
#[derive(Clone, Default)]
pub(crate) struct Soaked {
    pub(crate) guards: Guards,
}

type Message = Vec<u8>;
type Answers = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

async fn unary(method: String, message: Message, guard: Guard) -> Result<tonic::Response<Message>, Status> {
    let _guard = guard;
    Ok(tonic::Response::new(match method.as_str() {
        "Echo" => message,
        "Later" => {
            tokio::time::sleep(Duration::from_millis(2)).await;
            message
        }
        "Hold" => std::future::pending().await,
        "Big" => vec![7; BIG],
        "Panic" => panic!("{PANIC}"),
        // Long enough to be handed over.
        "Heavy" => {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(100) {
                std::hint::spin_loop();
            }
            std::thread::current().name().unwrap_or_default().into()
        }
        _ => return Err(Status::unimplemented(method)),
    }))
}

fn answers(method: &str, guard: Guard) -> Answers {
    let some = tokio_stream::iter((0..5_u8).map(|number| Ok(vec![number])));
    let answers: Answers = match method {
        "Some" => Box::pin(some),
        "Endless" => Box::pin(some.chain(tokio_stream::pending())),
        "Flood" => Box::pin(tokio_stream::iter(std::iter::repeat_with(|| Ok(vec![7; 16 * 1024])))),
        _ => Box::pin(some.chain(tokio_stream::once(()).then(|()| async {
            tokio::task::yield_now().await;
            panic!("{PANIC}")
        }))),
    };
    // Gone with the stream.
    Box::pin(answers.map(move |answer| {
        let _guard = &guard;
        answer
    }))
}

impl NamedService for Soaked {
    const NAME: &'static str = "test.Soaked";
}

impl tower::Service<Request<Body>> for Soaked {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Of the call; the handler's own begins when the request has been read.
        let (whole, guards) = (self.guards.enter(), self.guards.clone());
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        Box::pin(async move {
            let _whole = whole;
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Message, Message>::default());
            Ok(match method.as_str() {
                "Chat" => {
                    let chat = tower::service_fn(move |request: tonic::Request<Streaming<Message>>| {
                        let guard = guards.enter();
                        let answers = request.into_inner().map(move |message| {
                            let _guard = &guard;
                            message
                        });
                        async move { Ok::<_, Status>(tonic::Response::new(answers)) }
                    });
                    grpc.streaming(chat, request).await
                }
                "Some" | "Endless" | "Flood" | "PanicMidway" => {
                    let stream = tower::service_fn(move |_: tonic::Request<Message>| {
                        let answers = answers(&method, guards.enter());
                        async move { Ok::<_, Status>(tonic::Response::new(answers)) }
                    });
                    grpc.server_streaming(stream, request).await
                }
                _ => {
                    let answer = tower::service_fn(move |request: tonic::Request<Message>| {
                        unary(method.clone(), request.into_inner(), guards.enter())
                    });
                    grpc.unary(answer, request).await
                }
            })
        })
    }
}
