//! The body of an answer whose trailers a layer changes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// What a layer makes of answers.
pub trait Side {
    /// Changes the trailers of an answer.
    fn change(&self, trailers: &mut HeaderMap);

    /// Runs code of whoever answers; `Err` are the trailers where that panicked.
    fn run<T>(&self, run: impl FnOnce() -> T) -> Result<T, HeaderMap>;
}

pin_project! {
    /// The body of an answer, whose error at its end is a rich one. Made by the layers of an
    /// [`ErrorGenerator`](super::ErrorGenerator).
    pub struct RichBody<B, L> {
        // `None`: the answer has ended.
        #[pin]
        body: Option<B>,
        layer: L,
    }
}

impl<B, L> RichBody<B, L> {
    pub(super) fn new(body: B, layer: L) -> Self {
        Self { body: Some(body), layer }
    }

    /// The body of an answer that is over with its headers.
    pub(super) fn empty(layer: L) -> Self {
        Self { body: None, layer }
    }
}

impl<B: Body, L: Side> Body for RichBody<B, L> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let frame = match this.layer.run(|| body.poll_frame(cx)) {
            Ok(polled) => ready!(polled),
            Err(trailers) => {
                // Its drop may panic as well, and then for nobody.
                let _ = this.layer.run(|| this.body.set(None));
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
        };
        let changed = |mut frame: Frame<B::Data>| {
            if let Some(trailers) = frame.trailers_mut() {
                this.layer.change(trailers);
            }
            frame
        };
        Poll::Ready(frame.map(|frame| frame.map(changed)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B, L> Default for RichBody<B, L>
where
    L: Default,
{
    fn default() -> Self {
        Self::empty(L::default())
    }
}

impl<B, L> fmt::Debug for RichBody<B, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RichBody").field("over", &self.body.is_none()).finish_non_exhaustive()
    }
}
