//! The answer to a request, until it begins.
//!
//! ```text
//!   handled --answers--> AnswerBody, which has the rest
//!      |
//!      +-- called off: 503
//!      +-- its deadline: 504, or 408 where its body is still missing
//!      +-- panics, or fails: 500
//!   refused --first poll--> its status
//! ```

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;

use crate::base::drop_quietly;
use crate::http::alarm::Alarm;
use crate::http::any_body::{AnyBody, any_body};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::handler::HandlerFuture;
use crate::http::refusal::{Refusal, close_after};
use crate::http::response_body::AnswerBody;
use crate::server::application::{Answer, StreamHints};

enum Stage {
    Refused(Refusal),
    Handled(HandlerFuture),
    Answered,
}

/// The answer to a request, on its way.
pub(crate) struct HttpAnswer {
    stage: Stage,
    alarm: Alarm,
    call: Arc<Call>,
}

impl HttpAnswer {
    fn new(stage: Stage, call: Arc<Call>) -> Self {
        Self { stage, alarm: Alarm::default(), call }
    }

    pub(crate) fn refused(refusal: Refusal, call: Arc<Call>) -> Self {
        Self::new(Stage::Refused(refusal), call)
    }

    pub(crate) fn handled(handler: HandlerFuture, call: Arc<Call>) -> Self {
        Self::new(Stage::Handled(handler), call)
    }

    /// What the handler says, or what is said in its place.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<AnyBody>, Refusal>> {
        if let Stage::Refused(refusal) = self.stage {
            return Poll::Ready(Err(refusal));
        }
        if self.call.entry().is_off() {
            self.call.entry().call_off();
            return Poll::Ready(Err(Refusal::GoingAway));
        }
        let Stage::Handled(handler) = &mut self.stage else { return Poll::Pending };
        match self.call.run(|| handler.as_mut().poll(cx)) {
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
            Ok(Poll::Ready(Err(error))) => Poll::Ready(Err(self.call.failed(&*error))),
            Ok(Poll::Pending) => self.alarm.poll(&self.call, cx).map(Err),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    }

    /// Drops what is left of the handler.
    fn let_go(&mut self) {
        drop_quietly(std::mem::replace(&mut self.stage, Stage::Answered));
    }
}

impl Drop for HttpAnswer {
    fn drop(&mut self) {
        // Else there is a body, which tells.
        if !matches!(self.stage, Stage::Answered) {
            self.call.over(None, false);
        }
        self.let_go();
    }
}

impl Future for HttpAnswer {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if matches!(this.stage, Stage::Answered) {
            return Poll::Pending;
        }
        let version = this.call.version;
        let polled = std::task::ready!(this.poll_response(cx));
        let is_refusal = polled.is_err();
        if let Err(refusal) = polled {
            this.call.refused(refusal);
        }
        let mut response =
            polled.unwrap_or_else(|refusal| refusal.response(version).map(|text| any_body(Body::from(text))));
        this.let_go();
        this.call.answered(response.status());
        if this.call.is_upgraded_by(response.status()) {
            // What it is now is open for as long as its bytes are.
            this.call.entry().connection.upgrade(Arc::clone(&this.call));
        } else if this.call.is_last() {
            close_after(&mut response, version);
        }
        let (call, alarm) = (Arc::clone(&this.call), std::mem::take(&mut this.alarm));
        Poll::Ready(Ok(AnswerBody::of(response, is_refusal, call, alarm)))
    }
}

impl Answer<AnswerBody> for HttpAnswer {
    fn stream_hints(&self) -> StreamHints {
        StreamHints { deadline: self.call.deadline(), cost: self.call.heavy() }
    }
}
