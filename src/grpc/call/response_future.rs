//! The answer to a call, until it begins.
//!
//! ```text
//!   queued --its turn--> arrived --first poll--> handled --answers--> CallBody, which has the rest
//!     |                     |                       |
//!     +---------------------+-----------------------+-- called off: UNAVAILABLE
//!     +---------------------+-----------------------+-- its deadline: DEADLINE_EXCEEDED
//!                                                   +-- panics: INTERNAL
//!   refused --first poll--> its status, or what HTTP says of a request that is none of gRPC
//! ```
//!
//! A call that is out of time before its handler is made is not handled at all. What ends a call here is answered by
//! headers alone; later, by trailers after what was sent. The handler is dropped before the answer begins.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;

use crate::base::drop_quietly;
use crate::grpc::call::alarm::Alarm;
use crate::grpc::call::body::CallBody;
use crate::grpc::call::call_state::Call;
use crate::grpc::call::connect_info;
use crate::grpc::call::request::Refusal;
use crate::grpc::call::request_body::RequestBody;
use crate::grpc::call::request_source::RequestSource;
use crate::grpc::register::handler::{GrpcHandler, HandlerFuture};
use crate::grpc::register::router::unserved;
use crate::server::admission::{Queued, Turn};

/// A call that is still to be handled. Its handler is made when the call is first polled, not when it arrives: of many
/// that arrive at once few are then in memory at a time.
pub(crate) struct Arrived {
    pub(crate) request: Request<RequestSource>,
    /// `None`: its method is not served.
    pub(crate) handler: Option<GrpcHandler>,
}

impl Arrived {
    fn handle(self, call: &Call) -> HandlerFuture {
        let Some(handler) = self.handler else {
            let answer = unserved(self.request.uri().path()).into_http();
            return Box::pin(std::future::ready(Ok(answer)));
        };
        let limit = call.max_decoding_message_size();
        let tap = call.request_tap(self.request.headers());
        let counted = call.method.meter.counts_messages().then(|| Arc::clone(&call.method));
        let mut request = self.request.map(|body| Body::new(RequestBody::new(body, limit, tap, counted)));
        if let Some(peer) = call.peer() {
            connect_info::insert(peer, request.extensions_mut());
        }
        handler.handle(request)
    }
}

/// How far a call has come.
enum Stage {
    Refused(Refusal),
    Queued(Queued, Arrived),
    Arrived(Arrived),
    Handled(HandlerFuture),
    Answered,
}

impl Stage {
    /// Resolves when the call is to be handled, or with the answer of one that is not: one that has run out of time
    /// before would only take it from others. None of this is the handler's code.
    fn admitted(
        &mut self,
        call: &Call,
        turn: &mut Option<Turn>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        match self {
            Self::Refused(refusal) => return Poll::Ready(Err(refusal.clone())),
            Self::Handled(_) | Self::Answered => return Poll::Ready(Ok(())),
            Self::Queued(..) | Self::Arrived(_) => {}
        }
        if let Some(status) = call.out_of_time(false) {
            return Poll::Ready(Err(status.into()));
        }
        if let Self::Queued(queued, _) = self {
            *turn = std::task::ready!(queued.as_mut().poll(cx));
        }
        Poll::Ready(Ok(()))
    }

    /// Handles a call that is admitted.
    fn handle(&mut self, call: &Call, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        if let Self::Queued(..) | Self::Arrived(_) = self
            && let Self::Queued(_, arrived) | Self::Arrived(arrived) = std::mem::replace(self, Self::Answered)
        {
            *self = Self::Handled(arrived.handle(call));
        }
        match self {
            Self::Handled(handler) => handler.as_mut().poll(cx).map(|Ok(response)| response),
            Self::Refused(_) | Self::Queued(..) | Self::Arrived(_) | Self::Answered => Poll::Pending,
        }
    }
}

/// The answer to a call, on its way.
pub(crate) struct ResponseFuture {
    stage: Stage,
    turn: Option<Turn>,
    alarm: Alarm,
    call: Arc<Call>,
}

impl ResponseFuture {
    fn new(stage: Stage, call: Arc<Call>) -> Self {
        Self { stage, turn: None, alarm: Alarm::default(), call }
    }

    /// The refusal is the answer.
    pub(crate) fn refused(refusal: Refusal, call: Arc<Call>) -> Self {
        Self::new(Stage::Refused(refusal), call)
    }

    /// The handler answers, once it is the call's turn where there is a queue.
    pub(crate) fn handled(arrived: Arrived, queued: Option<Queued>, call: Arc<Call>) -> Self {
        let stage = match queued {
            None => Stage::Arrived(arrived),
            Some(queued) => Stage::Queued(queued, arrived),
        };
        Self::new(stage, call)
    }

    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Drops what is left of the handler.
    fn let_go(&mut self) {
        if matches!(self.stage, Stage::Answered) {
            return;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Answered);
        let _within = self.call.enter();
        drop_quietly(stage);
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        // Else there is a body, which tells.
        if !matches!(self.stage, Stage::Answered) {
            self.call.handled();
        }
        self.let_go();
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<CallBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if matches!(this.stage, Stage::Answered) {
            return Poll::Pending;
        }
        let (stage, turn, call) = (&mut this.stage, &mut this.turn, &this.call);
        let polled = match stage.admitted(call, turn, cx) {
            Poll::Ready(Ok(())) => call.run(|| stage.handle(call, cx)),
            Poll::Ready(Err(refusal)) => Ok(Poll::Ready(refusal.response())),
            Poll::Pending => Ok(Poll::Pending),
        };
        let response = match polled {
            Ok(Poll::Ready(response)) => response,
            Ok(Poll::Pending) => match this.alarm.poll(&this.call, false, cx) {
                Poll::Ready(status) => status.into_http(),
                Poll::Pending => return Poll::Pending,
            },
            Err(panicked) => panicked.into_http(),
        };
        this.let_go();
        this.call.answered(&response);
        let tap = this.call.response_tap(response.headers());
        let (call, alarm, turn) = (Arc::clone(&this.call), std::mem::take(&mut this.alarm), this.turn.take());
        Poll::Ready(Ok(response.map(|body| CallBody::new(body, call, alarm, turn, tap))))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("call", &self.call).finish_non_exhaustive()
    }
}
