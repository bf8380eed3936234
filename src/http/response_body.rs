//! The body of an answer: can be ended in its middle, and knows when its bytes have been sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::base::{EndedBy, drop_quietly};
use crate::http::alarm::Alarm;
use crate::http::any_body::AnyBody;
use crate::http::call::Call;
use crate::http::remainder::Remainder;
use crate::server::held_bytes::HeldBytes;

/// Bytes of an answer, which keep it open until they are written, or given up.
pub(crate) type Held = HeldBytes<Call>;

/// An answer is not sent to its end: whoever reads it is to see that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut")]
pub(crate) struct Cut;

/// The body of an answer.
pub(crate) struct AnswerBody {
    /// `None` once it is over.
    body: Option<AnyBody>,
    alarm: Alarm,
    /// Resolves when it is to end in a drain, where it may go on for ever.
    ending: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    is_endless: bool,
    /// Whether it is said in the handler's place, and so is there as a whole.
    is_refusal: bool,
    status: StatusCode,
    /// Known where somebody is told how it ends.
    remainder: Option<Remainder>,
    call: Arc<Call>,
}

impl AnswerBody {
    pub(crate) fn of(
        response: Response<AnyBody>,
        is_refusal: bool,
        call: Arc<Call>,
        alarm: Alarm,
    ) -> Response<Self> {
        let over = http_body::Body::is_end_stream(response.body());
        let is_whole = over || http_body::Body::size_hint(response.body()).exact().is_some();
        if is_whole {
            // What is left waits for the peer alone.
            call.entry().handled();
        }
        let is_endless = !is_whole && is_endless(&response);
        let status = response.status();
        let has_none = || call.asks_for_head() || call.is_upgraded_by(status);
        let remainder = call.is_told().then(|| Remainder::of(&response, has_none()));
        response.map(|body| Self {
            body: Some(body).filter(|_| !over),
            alarm,
            ending: None,
            is_endless,
            is_refusal,
            status,
            remainder,
            call,
        })
    }

    /// Drops what is left of the handler's.
    fn let_go(&mut self, is_whole: bool) {
        self.call.entry().handled();
        self.call.over(Some(self.status), is_whole);
        if let Some(body) = self.body.take() {
            drop_quietly(body);
        }
    }

    fn cut(&mut self) -> Poll<Option<Result<Frame<Held>, Cut>>> {
        self.let_go(false);
        Poll::Ready(Some(Err(Cut)))
    }

    /// Whether it may not go on any longer.
    fn is_to_end(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_endless {
            return false;
        }
        let token = self.call.entry().streams_off();
        let ending = self.ending.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned()));
        ending.as_mut().poll(cx).is_ready()
    }
}

/// Whether an answer may go on for as long as its peer likes, as its type says: events (the HTML standard), images that replace
/// each other, lines of JSON that are written one by one.
fn is_endless<B>(response: &Response<B>) -> bool {
    const ENDLESS: [&str; 4] =
        ["text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson", "application/json-seq"];
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map_or("", str::trim);
    ENDLESS.iter().any(|endless| kind.eq_ignore_ascii_case(endless))
        && !response.headers().contains_key(header::CONTENT_LENGTH)
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        let is_nothing = |body| self.remainder.is_some_and(|remainder| remainder.is_nothing(body));
        let is_whole = self.body.as_ref().is_none_or(is_nothing);
        self.let_go(is_whole);
    }
}

impl http_body::Body for AnswerBody {
    type Data = Held;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Held>, Cut>>> {
        let this = &mut *self;
        if this.body.is_none() {
            return Poll::Ready(None);
        }
        // One that always has something to say must end, too.
        if !this.is_refusal && this.call.entry().is_off() {
            this.call.entry().call_off();
            this.call.ends_by(EndedBy::Drain);
            return this.cut();
        }
        if !this.is_refusal && this.call.is_late() {
            this.call.ends_by(EndedBy::Deadline);
            return this.cut();
        }
        if this.is_to_end(cx) {
            this.call.entry().count_stream_ended();
            this.call.ends_by(EndedBy::Drain);
            this.let_go(true);
            return Poll::Ready(None);
        }
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        match this.call.run(|| Pin::new(body).poll_frame(cx)) {
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                if let (Some(remainder), Some(bytes)) = (&mut this.remainder, frame.data_ref()) {
                    remainder.less(bytes.len());
                }
                let call = &this.call;
                let frame = frame.map_data(|bytes| Held::new(bytes, Arc::clone(call)));
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(Poll::Ready(Some(Err(error)))) => {
                this.call.failed(&*error);
                this.cut()
            }
            Ok(Poll::Ready(None)) => {
                this.let_go(true);
                Poll::Ready(None)
            }
            Ok(Poll::Pending) => match this.alarm.poll(&this.call, cx) {
                Poll::Ready(refusal) => {
                    this.call.refused(refusal);
                    this.cut()
                }
                Poll::Pending => Poll::Pending,
            },
            Err(_) => this.cut(),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}
