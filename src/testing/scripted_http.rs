//! An HTTP service that follows a script.
//!
//! | path | |
//! |---|---|
//! | `/` | `ok` |
//! | `/slow/MS` | `ok`, after that many milliseconds |
//! | `/sse` | events without end |
//! | `/block/MS` | `ok`, after blocking its worker for that many milliseconds |
//! | `/panic` | the handler panics |
//! | `/echo` | the body of the request |

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Bytes;
use tokio::time::{Interval, interval};

use super::began::Began;
use super::scripted::ServiceScript;
use crate::base::BoxError;
use crate::grpc::InMemory;
use crate::http::{Body, HttpServer, HttpServerOptions, http_service_fn};
use crate::service::ServiceSpec;

/// The address of a server that is reached in memory alone.
pub(super) const IN_MEMORY: &str = "in-memory";

/// How often an event is sent.
const TICK: Duration = Duration::from_millis(50);

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The HTTP service of a script, where it is one. Its main loop and its stop are the server's own; endless answers may go on for so
/// long in a drain.
pub(super) fn http_spec(
    script: &ServiceScript,
    grace: Option<Duration>,
    began: &Began,
) -> Option<ServiceSpec<HttpServer>> {
    let address = script.http.as_deref()?;
    let (its, began) = (script.clone(), began.clone());
    let make = move |setup: crate::service::Setup| {
        let (script, lasted) = (its.clone(), began.lasted());
        async move {
            script.start_resources(&setup.resources)?;
            script.setup.begin(&script.id, "setup");
            let answer_to_setup = script.setup.at(lasted);
            answer_to_setup.finish(script.id.clone(), "setup", setup.shutdown.clone()).await?;
            Ok(tower::service_fn(answer))
        }
    };
    let mut options = HttpServerOptions::new();
    if address == IN_MEMORY {
        options = options.in_memory(&InMemory::new());
    }
    if let Some(grace) = grace {
        options = options.stream_grace(grace);
    }
    Some(script.looked_after(http_service_fn(script.id.as_str(), address, make).options(options)))
}

async fn answer(request: Request<Body>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let millis =
        |prefix| path.strip_prefix(prefix).and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
    if let Some(time) = millis("/slow/") {
        tokio::time::sleep(time).await;
    } else if let Some(time) = millis("/block/") {
        thread::sleep(time);
    } else if path == "/panic" {
        panic!("the handler of /panic panics, as scripted");
    } else if path == "/sse" {
        let mut response = Response::new(Ticks(interval(TICK)).map_err(BoxError::from).boxed_unsync());
        let kind = header::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        return Ok(response);
    } else if path == "/echo" {
        return Ok(Response::new(request.into_body().boxed_unsync()));
    } else if path != "/" {
        let mut response = whole("there is no such path\n");
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    }
    Ok(whole("ok"))
}

fn whole(text: &'static str) -> Answer {
    Response::new(Full::from(text).map_err(BoxError::from).boxed_unsync())
}

/// Events without end.
struct Ticks(Interval);

impl http_body::Body for Ticks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.0.poll_tick(cx));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: tick\n\n")))))
    }
}
