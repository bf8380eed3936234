//! G11: layers of users see the panics of handlers as answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use majordomo::api_errors::ErrorGenerator;
use majordomo::{BoxError, ManagerOptions};
use support::{Journal, Registers, connect, observe, serving, within};
use tonic::body::Body;

use crate::failing::{Case, Failing, KINDS, Kind, When, call};

/// A layer that notes how each answer ends, and whether anything unwinds through it.
#[derive(Clone)]
struct Counts(Journal);

#[derive(Clone)]
struct Counting<S> {
    journal: Journal,
    inner: S,
}

/// Notes that it is dropped by a panic.
struct Watch(Journal);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.note("unwound");
        }
    }
}

impl<S> tower::Layer<S> for Counts {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { journal: self.0.clone(), inner }
    }
}

impl<S> tower::Service<Request<Body>> for Counting<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Counted>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Counted>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let journal = self.journal.clone();
        let _watch = Watch(journal.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let watch = Watch(journal.clone());
            let response = answer.await?;
            if let Some(status) = response.headers().get("grpc-status") {
                journal.note(format!("headers: {}", status.to_str().unwrap()));
            }
            drop(watch);
            Ok(response.map(|body| Counted { body, journal }))
        })
    }
}

/// The body of an answer.
struct Counted {
    body: Body,
    journal: Journal,
}

impl http_body::Body for Counted {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let _watch = Watch(self.journal.clone());
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.journal.note(format!("trailers: {}", trailers["grpc-status"].to_str().unwrap()));
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a layer sees of a panic in each kind of method, at once and in the middle of a stream; `code`: what callers are told.
async fn panics_are_answers(options: ManagerOptions, code: i32) {
    for when in [When::AtOnce, When::InMidStream] {
        let journal = Journal::default();
        let failing = Failing { errors: ErrorGenerator::new("server"), case: Case::PanicText, when };
        let register = move |server: &majordomo::GrpcRegistrar| server.add_service(failing.clone());
        let options = options.clone().grpc_server_middleware(Counts(journal.clone()));
        let mut observed =
            observe(options, |manager| manager.grpc_service(Registers::new("failing", register)));
        let channel = connect(&observed).await;
        let mut expected = Vec::new();
        for kind in KINDS {
            let streams = [Kind::ServerStream, Kind::Bidi].contains(&kind) && when == When::InMidStream;
            let (messages, ended) = within("the answer", call(channel.clone(), kind)).await;
            assert_eq!(messages.len(), usize::from(streams), "{kind:?}");
            assert_eq!(i32::from(ended.unwrap_err().code()), code, "{kind:?}");
            let seen = if streams { "trailers" } else { "headers" };
            expected.push(format!("{seen}: {code}"));
            assert_eq!(journal.entries(), expected, "{kind:?} {when:?}");
        }
        drop(channel);
        observed.shut_down();
        observed.ended().await.assert_ok();
    }
}

#[actix::test]
async fn g11_a_layer_sees_a_panic_of_any_kind_of_method_as_an_answer() {
    panics_are_answers(serving(), 13).await;
}

#[actix::test]
async fn g11_a_layer_sees_a_panic_as_the_rich_error_that_callers_get() {
    panics_are_answers(serving().error_generator(ErrorGenerator::new("server")), 2).await;
}
