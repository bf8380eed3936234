//! Lifecycle events as log events, and the spans that services are given.
//!
//! A subscriber is the user's code and may block. So it is never called on the manager's thread: events are
//! logged on a thread of their own, and spans are made where the service lives. Where all live on one thread, there is
//! nobody to spare: a log event then comes at the very moment of what it tells.
//!
//! A subscriber may panic, too: that of tracing-subscriber does when it cannot write, and stderr is a pipe that is full. What it
//! panics at is lost and counted; the next line that it takes says how many were.
//!
//! Bound: as many events wait as in any [channel](crate::events::channel); while the subscriber blocks, those that come then are missed.

mod lines;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::dispatcher::{self, Dispatch};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing::{Span, error, warn};

use super::flight_recorder::FlightRecorder;
use crate::base::{ThreadError, spawn};
use crate::events::{EventStream, Name, TimedEvent};
use crate::lifecycle::Step;

/// Makes the spans of services.
#[derive(Debug, Clone)]
pub(crate) struct Spans(Dispatch);

impl Spans {
    pub(crate) fn new(dispatch: Dispatch) -> Self {
        Self(dispatch)
    }

    /// Where they go.
    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.0
    }

    /// The span of a service's step; none, where the subscriber panics: that is not the service's fault.
    pub(crate) fn span(&self, service: &Name, step: Step) -> Span {
        // It carries the service itself: it is no part of the one that its actor is polled in.
        let make =
            || tracing::info_span!(target: "majordomo", parent: None, "service", %service, stage = %step);
        let made = catch_unwind(AssertUnwindSafe(|| dispatcher::with_default(&self.0, make)));
        made.unwrap_or_else(|_| Span::none())
    }
}

/// Logs events, and in the end once more those before a forced end.
struct Logger {
    recorder: FlightRecorder,
    forced: bool,
    /// How much of an error is logged, in bytes.
    error_limit: usize,
    /// How many log events the subscriber has panicked at since it last took one.
    lost: u64,
}

impl Logger {
    fn take(&mut self, event: Arc<TimedEvent>) {
        let limit = self.error_limit;
        self.guarded(|| lines::log(&event, limit));
        self.forced |= event.event.is_forced();
        self.recorder.keep(event);
    }

    fn guarded(&mut self, log: impl FnOnce()) {
        if self.lost > 0 {
            let lost = self.lost;
            let say =
                || warn!(target: "majordomo", lost, "log events are missing here: the subscriber panicked");
            if catch_unwind(AssertUnwindSafe(say)).is_ok() {
                self.lost = 0;
            }
        }
        self.lost += u64::from(catch_unwind(AssertUnwindSafe(log)).is_err());
    }

    fn end(mut self) {
        if self.forced {
            let (events, limit) = (self.recorder.events(), self.error_limit);
            let lines: Vec<_> =
                events.iter().map(|event| lines::cut(event.to_string(), limit).into_owned()).collect();
            let history = lines.join("\n");
            self.guarded(|| {
                error!(target: "majordomo", events = lines.len(), %history, "what happened before the forced end");
            });
        }
    }
}

/// Logs what a stream of events tells, until it ends; then resolves. `None` when nobody listens.
pub(crate) fn start(
    dispatch: &Dispatch,
    mut events: EventStream,
    flight_recorder: usize,
    error_limit: usize,
    one_thread: bool,
) -> Result<Option<oneshot::Receiver<()>>, ThreadError> {
    if dispatch.is::<NoSubscriber>() {
        return Ok(None);
    }
    let dispatch = dispatch.clone();
    let (done, finished) = oneshot::channel();
    let mut logger =
        Logger { recorder: FlightRecorder::new(flight_recorder), forced: false, error_limit, lost: 0 };
    if one_thread {
        let logs = async move {
            while let Some(event) = events.recv().await {
                logger.take(event);
            }
            logger.end();
            let _ = done.send(());
        };
        actix_rt::spawn(logs.with_subscriber(dispatch));
        return Ok(Some(finished));
    }
    spawn("the log", "majordomo-log".to_owned(), move || {
        dispatcher::with_default(&dispatch, || {
            while let Some(event) = events.blocking_recv() {
                logger.take(event);
            }
            logger.end();
        });
        let _ = done.send(());
    })?;
    Ok(Some(finished))
}
