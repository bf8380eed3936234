//! The body of an answer: the request is open until its last byte, and an endless one ends after its grace.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, MessageBody};
use actix_http::{Response, StatusCode};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use crate::activity::Activity;
use crate::workers::Open;

/// What is sent for as long as somebody listens.
const ENDLESS: [&str; 4] =
    ["text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson", "application/json-seq"];

pin_project! {
    /// A body around that of a handler.
    pub(crate) struct OpenBody<B> {
        #[pin]
        body: B,
        open: Open,
        grace: Option<Grace>,
    }
}

/// How long an endless answer may go on.
struct Grace {
    activity: Arc<Activity>,
    over: Pin<Box<dyn Future<Output = ()>>>,
    ended: bool,
}

impl<B: MessageBody> OpenBody<B> {
    /// Whether it is endless shows in its head.
    pub(crate) fn around(response: Response<B>, open: Open, activity: &Arc<Activity>) -> Response<Self> {
        let grace = activity.stream_grace.filter(|_| is_endless(&response)).map(|grace| {
            let shutdown = activity.shutdown.clone();
            let over = Box::pin(async move {
                shutdown.requested().await;
                tokio::time::sleep(grace).await;
            });
            Grace { activity: Arc::clone(activity), over, ended: false }
        });
        response.map_body(|_, body| Self { body, open, grace })
    }
}

fn is_endless<B: MessageBody>(response: &Response<B>) -> bool {
    if response.body().size() != BodySize::Stream {
        return false;
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        || ENDLESS.iter().any(|endless| kind.eq_ignore_ascii_case(endless))
}

impl Grace {
    /// Whether it is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.ended && self.over.as_mut().poll(cx).is_ready() {
            self.ended = true;
            self.activity.streams_ended.fetch_add(1, Ordering::Relaxed);
        }
        self.ended
    }
}

impl<B: MessageBody> MessageBody for OpenBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.project();
        if this.grace.as_mut().is_some_and(|grace| grace.poll(cx)) {
            return Poll::Ready(None);
        }
        this.open.poll(|| this.body.poll_next(cx))
    }

    /// What is there as a whole is sent as a whole; its connection is waited for.
    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, open, grace } = self;
        body.try_into_bytes().map_err(|body| Self { body, open, grace })
    }
}
