//! The log of one call.
//!
//! ```text
//!   begins --> span; a stream: "gRPC stream opened" --> messages pass --> "gRPC call finished"
//!      |                                                                    once, when its outcome is known,
//!      +-- off: nothing, but for a server's fault at the end                or when it is dropped without one
//! ```

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use http::{HeaderMap, Response};
use http_body::Body;
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::field::display;
use tracing::span::Entered;
use tracing::{Level, Span};

use crate::base::peer_text;
use crate::base::{EndedBy, PanicError, TraceContext};
use crate::grpc::call::call_end::CallEnd;
use crate::grpc::call::call_path::{CallPath, counted_as, path_of};
use crate::grpc::logging::encoding::Encoding;
use crate::grpc::logging::id::CallId;
use crate::grpc::logging::level::{at_level, is_on};
use crate::grpc::logging::logger::Logger;
use crate::grpc::logging::status;
use crate::grpc::logging::tap::{Direction, MessageLog, Tap};
use crate::grpc::logging::target::{TARGET, quietly};
use crate::grpc::register::method_kind::MethodKind;
use crate::grpc::register::methods::{Described, Method};

/// How many bytes of an error, and of its sources, are logged: it may repeat what a peer sent.
const LONGEST_ERROR: usize = 4096;

/// What is known of a call, as its log needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) logger: &'a Logger,
    pub(crate) path: Option<&'a CallPath>,
    pub(crate) method: &'a Method,
    pub(crate) peer: Option<std::net::SocketAddr>,
    pub(crate) began: Instant,
    /// A user's own.
    pub(crate) span: Option<&'a Span>,
}

impl Facts<'_> {
    fn path(&self) -> &str {
        path_of(self.method, self.path)
    }

    fn kind(&self) -> Option<MethodKind> {
        self.method.described.as_ref().map(|described| described.kind)
    }
}

/// The log of one call.
#[derive(Debug)]
pub(crate) struct CallLog {
    /// `None`: nothing is logged unless something goes wrong.
    on: Option<Box<On>>,
    ended_by: AtomicU8,
    finished: AtomicBool,
}

/// What is logged of a call, and where it was switched on when the call began.
#[derive(Debug)]
struct On {
    id: CallId,
    calls: Option<Level>,
    requests: Option<Level>,
    responses: Option<Level>,
    span: Span,
}

/// How a call ended.
enum End<'a> {
    Status(&'a Status),
    /// As its headers or trailers say.
    Headers(&'a HeaderMap),
}

impl CallLog {
    /// The log of a call of these headers that begins now. `quiet`: it is one of very many.
    pub(crate) fn begin(facts: Facts<'_>, headers: &HeaderMap, quiet: bool) -> Self {
        let on = facts.logger.options.as_ref().and_then(|options| {
            let on = |level: Option<Level>| level.filter(|level| is_on(*level));
            let calls = on(if quiet { options.calls.map(|_| Level::TRACE) } else { options.calls });
            let (requests, responses) = (on(options.requests), on(options.responses));
            if calls.is_none() && requests.is_none() && responses.is_none() {
                return None;
            }
            let id = CallId::next();
            let span = calls.map_or_else(Span::none, |level| {
                let (method, call_id) = (facts.path(), display(id));
                let trace = TraceContext::of(headers);
                let (trace_id, parent_id) =
                    (trace.map(|trace| trace.trace_id), trace.map(|trace| trace.parent_id));
                at_level!(
                    level,
                    span!([target: TARGET, parent: None,] "call", method, call_id, trace_id, parent_id)
                )
            });
            Some(Box::new(On { id, calls, requests, responses, span }))
        });
        Self { on, ended_by: AtomicU8::new(EndedBy::Handler as u8), finished: AtomicBool::new(false) }
    }

    /// It is handled from here on.
    pub(crate) fn opened(&self, facts: Facts<'_>) {
        let (Some(kind), Some(on)) = (facts.kind(), &self.on) else { return };
        let Some(level) = on.calls.filter(|_| !kind.is_unary()) else { return };
        let (method, kind, call_id) = (facts.path(), display(kind), display(on.id));
        let peer = facts.peer.map(display);
        quietly(|| {
            at_level!(
                level,
                event!([target: TARGET, parent: None,] { method, kind, call_id, peer }, "gRPC stream opened")
            );
        });
    }

    /// Within the call's span, until it is dropped.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        self.on.as_ref().filter(|on| !on.span.is_disabled()).map(|on| on.span.enter())
    }

    /// Logs the messages of a request of these headers.
    pub(crate) fn requests(&self, facts: Facts<'_>, headers: &HeaderMap) -> Option<Box<Tap>> {
        let level = self.on.as_ref()?.requests?;
        self.tap(facts, level, Direction::Request, headers, |described| &described.input)
    }

    /// Logs the messages of an answer of these headers.
    pub(crate) fn responses(&self, facts: Facts<'_>, headers: &HeaderMap) -> Option<Box<Tap>> {
        let level = self.on.as_ref()?.responses?;
        self.tap(facts, level, Direction::Response, headers, |described| &described.output)
    }

    fn tap(
        &self,
        facts: Facts<'_>,
        level: Level,
        direction: Direction,
        headers: &HeaderMap,
        message: impl FnOnce(&Described) -> &String,
    ) -> Option<Box<Tap>> {
        let described = facts.method.described.as_ref();
        Some(Box::new(Tap::new(MessageLog {
            direction,
            level,
            id: self.on.as_ref()?.id,
            method: facts.path().into(),
            encoding: Encoding::of(headers),
            message: described.and_then(|described| facts.logger.types.message(message(described))),
            max_json_length: facts.logger.options.as_ref()?.max_json_length,
            number: 0,
        })))
    }

    /// What is about to end the call: the handler, unless something else is set.
    pub(crate) fn ends_by(&self, who: EndedBy) {
        self.ended_by.store(who as u8, Ordering::Relaxed);
    }

    /// Its handler panicked. This is logged whatever the options say.
    pub(crate) fn panicked(&self, facts: Facts<'_>, panic: &PanicError) {
        self.ends_by(EndedBy::Panic);
        let id = self.id();
        let trace = facts.logger.options.as_ref().is_some_and(|options| options.error_trace);
        let captured = panic.backtrace.status() == std::backtrace::BacktraceStatus::Captured;
        quietly(|| {
            tracing::error!(
                target: TARGET,
                parent: None,
                method = facts.path(),
                kind = facts.kind().map(display),
                call_id = %id,
                panic = &*panic.message,
                location = &*panic.location,
                backtrace = (trace && captured).then(|| display(&panic.backtrace)),
                "a gRPC handler panicked"
            );
        });
    }

    /// The answer has begun; where it has no body, it is all.
    pub(crate) fn answered<B: Body>(&self, facts: Facts<'_>, response: &Response<B>) {
        if self.is_over(facts) {
            return;
        }
        if let Some(code) = status::code(response.headers()) {
            // With its sources, which do not go to the client.
            let end = response.extensions().get().map_or(End::Headers(response.headers()), End::Status);
            self.finish(facts, code, &end);
        } else if response.body().is_end_stream() {
            let status =
                Status::unknown(format!("answered HTTP {} without a gRPC status", response.status()));
            self.finish(facts, Code::Unknown, &End::Status(&status));
        }
    }

    /// The answer's trailers are on their way.
    pub(crate) fn trailed(&self, facts: Facts<'_>, trailers: &HeaderMap) {
        if !self.is_over(facts) {
            let code = status::code(trailers).unwrap_or(Code::Unknown);
            self.finish(facts, code, &End::Headers(trailers));
        }
    }

    /// The answer is ended so.
    pub(crate) fn ended(&self, facts: Facts<'_>, status: &Status) {
        if !self.is_over(facts) {
            self.finish(facts, status.code(), &End::Status(status));
        }
    }

    /// The answer has ended, or was dropped; the status is of one that has none.
    pub(crate) fn closed(&self, facts: Facts<'_>, status: impl FnOnce() -> (EndedBy, Status)) {
        if !self.is_over(facts) {
            let (by, status) = status();
            self.ends_by(by);
            self.finish(facts, status.code(), &End::Status(&status));
        }
    }

    /// Whether nothing is to be logged, told or counted of its end any more, or at all.
    fn is_over(&self, facts: Facts<'_>) -> bool {
        let errors = facts.logger.options.as_ref().is_some_and(|options| options.errors);
        let observed = facts.method.context.on_call_end.is_some();
        let counted = facts.method.meter.is_on();
        (self.on.is_none() && !errors && !observed && !counted) || self.finished.load(Ordering::Relaxed)
    }

    fn id(&self) -> CallId {
        self.on.as_ref().map_or_else(CallId::next, |on| on.id)
    }

    /// Tells an observer of its end.
    fn tell(&self, facts: Facts<'_>, code: Code, ended_by: EndedBy) {
        let Some(observer) = &facts.method.context.on_call_end else { return };
        let none = Span::none();
        let span = facts.span.or(self.on.as_ref().map(|on| &on.span)).unwrap_or(&none);
        let (method, elapsed) = (counted_as(facts.method, facts.path), facts.began.elapsed());
        observer.tell(&CallEnd { method, path: facts.path(), code, ended_by, elapsed, span });
    }

    fn finish(&self, facts: Facts<'_>, code: Code, end: &End<'_>) {
        self.finished.store(true, Ordering::Relaxed);
        let mut by = EndedBy::from(self.ended_by.load(Ordering::Relaxed));
        let mut fault = by == EndedBy::Panic;
        if by == EndedBy::Handler && status::is_fault(code, facts.method.described.is_some()) {
            // A client must not be able to fill the log with errors by broken requests.
            let clients = status::is_clients(code, &end.message());
            (fault, by) = (!clients, if clients { EndedBy::Request } else { by });
        }
        facts.method.meter.ended(code as usize, by, || facts.began.elapsed());
        self.tell(facts, code, by);
        let Some(options) = &facts.logger.options else { return };
        let fault = fault && (options.errors || by == EndedBy::Panic);
        let level = if fault { Some(Level::ERROR) } else { self.on.as_ref().and_then(|on| on.calls) };
        let Some(level) = level.filter(|level| is_on(*level)) else { return };
        let (method, status, call_id) = (facts.path(), status::name(code), display(self.id()));
        let (kind, peer) = (facts.kind().map(display), facts.peer.map(display));
        let elapsed_ms = milliseconds(facts.began.elapsed());
        quietly(|| {
            let told = options.errors && code != Code::Ok;
            let (error, sources) =
                (told.then(|| end.message()), (told && options.error_trace).then(|| end.sources()));
            let shown = |text: String| peer_text::shown_within(&text, LONGEST_ERROR).into_owned();
            let (error, sources) = (error.map(shown), sources.map(shown).filter(|all| !all.is_empty()));
            let (error, sources) = (error.as_deref(), sources.as_deref());
            let ended_by = (code != Code::Ok).then(|| display(by));
            at_level!(
                level,
                event!([target: TARGET, parent: None,]
                    { method, kind, call_id, status, elapsed_ms, peer, ended_by, error, sources },
                    "gRPC call finished"
                )
            );
        });
    }
}

/// With three digits of a fraction at most.
fn milliseconds(time: Duration) -> f64 {
    let micros = (time.as_nanos() + 500) / 1000;
    micros as f64 / 1000.0
}

impl End<'_> {
    fn message(&self) -> String {
        match self {
            Self::Status(status) => status.message().to_owned(),
            Self::Headers(headers) => status::message(headers),
        }
    }

    fn sources(&self) -> String {
        match self {
            Self::Status(status) => status::sources(*status),
            Self::Headers(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_digits_of_a_fraction_at_most() {
        for (nanos, text) in
            [(0, "0"), (499, "0"), (1_234_567, "1.235"), (33_000_100, "33"), (99_999_999_999, "100000")]
        {
            assert_eq!(milliseconds(Duration::from_nanos(nanos)).to_string(), text);
        }
        for micros in (0..100_000_000).step_by(7_919) {
            let text = milliseconds(Duration::from_micros(micros)).to_string();
            assert!(text.split('.').nth(1).is_none_or(|digits| digits.len() <= 3), "{text}");
        }
    }
}
