//! The body of an answer: can be ended in its middle, and knows when its bytes have been sent.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Bytes;
use tonic::Status;
use tonic::body::Body;

use crate::base::drop_quietly;
use crate::grpc::call::alarm::Alarm;
use crate::grpc::call::call_state::Call;
use crate::grpc::call::framing::Messages;
use crate::grpc::logging::Tap;
use crate::server::admission::Turn;
use crate::server::held_bytes::HeldBytes;

/// Bytes of an answer, which keep their call open until HTTP/2 has let go of them: written, or given up.
pub(crate) type CallData = HeldBytes<Call>;

type Polled = Poll<Option<Result<Frame<CallData>, Status>>>;

/// The body of an answer.
pub(crate) struct CallBody {
    /// `None` once it was ended from here.
    body: Option<Body>,
    /// What is left to say then.
    last: Option<Status>,
    /// Whether its handler may have more to say.
    at_work: bool,
    /// Whether anything of it was sent.
    begun: bool,
    alarm: Alarm,
    /// `None` where messages may be as long as they can be, and are not counted.
    messages: Option<Messages>,
    call: Arc<Call>,
    /// Where messages are logged.
    tap: Option<Box<Tap>>,
    _turn: Option<Turn>,
}

impl CallBody {
    pub(crate) fn new(
        body: Body,
        call: Arc<Call>,
        alarm: Alarm,
        turn: Option<Turn>,
        tap: Option<Box<Tap>>,
    ) -> Self {
        let limit = call.max_encoding_message_size();
        let looks = limit < u32::MAX || call.method.meter.counts_messages();
        let messages = looks.then(|| Messages::new(limit));
        let mut body = Self {
            body: Some(body),
            last: None,
            at_work: true,
            begun: false,
            alarm,
            messages,
            call,
            tap,
            _turn: turn,
        };
        if body.call.has_single_answer() {
            body.handled();
        }
        body
    }

    /// There is nothing more to come of the handler: what is left waits for the peer alone.
    fn handled(&mut self) {
        if std::mem::take(&mut self.at_work) {
            self.call.handled();
        }
    }

    /// Drops what is left of the handler's.
    fn let_go(&mut self) {
        self.handled();
        let Some(body) = self.body.take() else { return };
        let _within = self.call.enter();
        drop_quietly(body);
    }

    /// Ends the body by trailers.
    fn end(&mut self, status: Status) -> Polled {
        self.let_go();
        self.call.ended(&status);
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    /// Sends bytes of the answer, unless they are not to be sent any more.
    fn send(&mut self, bytes: Bytes) -> Polled {
        // A stream that always has something to say must be ended, too.
        let has_more = std::mem::replace(&mut self.begun, true);
        if let Some(status) = self.call.out_of_time(has_more) {
            return self.end(status);
        }
        let mut bytes = bytes;
        if let Some(messages) = &mut self.messages
            && let Err(too_long) = messages.pass(&bytes)
        {
            let status = too_long.to_be_sent();
            self.call.limited_to(&status);
            if too_long.at == 0 {
                return self.end(status);
            }
            bytes.truncate(too_long.at);
            self.let_go();
            self.last = Some(status);
        }
        if let Some(messages) = &mut self.messages {
            self.call.method.meter.sent(messages.take_begun());
        }
        if let Some(tap) = &mut self.tap {
            tap.pass(&bytes);
        }
        let call = Arc::clone(&self.call);
        Poll::Ready(Some(Ok(Frame::data(HeldBytes::new(bytes, call)))))
    }
}

impl Drop for CallBody {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl http_body::Body for CallBody {
    type Data = CallData;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let Some(body) = &mut this.body else {
            return this.last.take().map_or(Poll::Ready(None), |status| this.end(status));
        };
        match this.call.run(|| Pin::new(body).poll_frame(cx)) {
            Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                Ok(bytes) => this.send(bytes),
                // Trailers that are ready are better than ours.
                Err(frame) => {
                    this.handled();
                    let trailers = frame.into_trailers().ok();
                    trailers.iter().for_each(|trailers| this.call.trailed(trailers));
                    Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
                }
            },
            Ok(Poll::Ready(Some(Err(status)))) => {
                this.handled();
                this.call.ended(&status);
                Poll::Ready(Some(Err(status)))
            }
            Ok(Poll::Ready(None)) => {
                this.handled();
                this.call.closed();
                Poll::Ready(None)
            }
            Ok(Poll::Pending) => match this.alarm.poll(&this.call, true, cx) {
                Poll::Ready(status) => this.end(status),
                Poll::Pending => Poll::Pending,
            },
            Err(panicked) => this.end(panicked),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or(self.last.is_none(), |body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            // It may be cut short.
            Some(_) if self.messages.is_some() => SizeHint::default(),
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for CallBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBody").field("call", &self.call).finish_non_exhaustive()
    }
}
