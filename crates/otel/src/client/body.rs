//! The body of an answer, whose trailers tell how the call ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::Code;

use super::layer::ClientCall;

pin_project! {
    /// The body of an answer to a call. Its call ends with it.
    #[derive(Debug)]
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        call: Option<ClientCall>,
    }
}

impl<B> ClientBody<B> {
    pub(crate) fn new(inner: B, call: Option<ClientCall>) -> Self {
        Self { inner, call }
    }
}

impl<B: Body> Body for ClientBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = std::task::ready!(this.inner.poll_frame(cx));
        if let Some(call) = this.call {
            match &polled {
                Some(Ok(frame)) => {
                    frame.trailers_ref().into_iter().for_each(|trailers| call.told_by(trailers))
                }
                Some(Err(_)) => call.end(Code::Unknown, Some("the answer broke off".to_owned())),
                None => call.end(Code::Unknown, Some("the answer ended without a status".to_owned())),
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
