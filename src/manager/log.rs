//! Lifecycle events as log events, and the spans that services are given.
//!
//! A subscriber is the user's code and may block. So it is never called on the manager's thread: events are
//! logged on a thread of their own, and spans are made where the service lives. Where all live on one thread, there is
//! nobody to spare: a log event then comes at the very moment of what it tells.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;
use tracing::dispatcher::{self, Dispatch};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing::{Span, debug, error, info, warn};

use super::recorder::Recorder;
use crate::events::{End, EventStream, LifecycleEvent as E, Name, Stall, TimedEvent};
use crate::lifecycle::{Outcome, Step};

/// Makes the spans of services.
#[derive(Debug, Clone)]
pub(super) struct Spans(Dispatch);

impl Spans {
    pub(super) fn new(dispatch: Dispatch) -> Self {
        Self(dispatch)
    }

    /// Where they go.
    pub(super) fn dispatch(&self) -> &Dispatch {
        &self.0
    }

    /// The span of a service's step.
    pub(super) fn span(&self, service: &Name, step: Step) -> Span {
        dispatcher::with_default(
            &self.0,
            || tracing::info_span!(target: "majordomo", "service", service = %service, stage = %step),
        )
    }
}

/// Logs events, and in the end once more those before a forced end.
struct Logger {
    recorder: Recorder,
    forced: bool,
}

impl Logger {
    fn take(&mut self, event: Arc<TimedEvent>) {
        log(&event);
        self.forced |= event.event.is_forced();
        self.recorder.keep(event);
    }

    fn end(self) {
        if self.forced {
            for event in self.recorder.events() {
                error!(target: "majordomo", %event, "before the forced end");
            }
        }
    }
}

/// Logs what a stream of events tells, until it ends; then resolves. `None` when nobody listens.
pub(super) fn start(
    dispatch: &Dispatch,
    mut events: EventStream,
    flight_recorder: usize,
    one_thread: bool,
) -> io::Result<Option<oneshot::Receiver<()>>> {
    if dispatch.is::<NoSubscriber>() {
        return Ok(None);
    }
    let dispatch = dispatch.clone();
    let (done, finished) = oneshot::channel();
    let mut logger = Logger { recorder: Recorder::new(flight_recorder), forced: false };
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
    thread::Builder::new().name("majordomo-log".to_owned()).spawn(move || {
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

fn log(timed: &Arc<TimedEvent>) {
    match &timed.event {
        E::RegisterStarted { service } => {
            debug!(target: "majordomo", %service, stage = "register", "register begins")
        }
        E::SetupStarted { service } => debug!(target: "majordomo", %service, stage = "setup", "setup begins"),
        E::RunStarted { service } => info!(target: "majordomo", %service, stage = "run", "run begins"),
        E::ShutdownStarted { service } => {
            debug!(target: "majordomo", %service, stage = "shutdown", "shutdown begins: asked to stop")
        }
        E::RegisterFinished { service, end } => finished(service, None, "register", end),
        E::SetupFinished { service, end } => finished(service, None, "setup", end),
        E::RunFinished { service, end } => finished(service, None, "run", end),
        E::ShutdownFinished { service, end } => finished(service, None, "shutdown", end),
        E::ResourceStarted { service, resource } => {
            debug!(target: "majordomo", %service, %resource, "resource started");
        }
        E::ResourceLost { service, resource, end } => {
            finished(service, Some(resource), "resource before its release", end);
        }
        E::ReleaseStarted { service, resource } => {
            debug!(target: "majordomo", %service, %resource, stage = "release", "release begins");
        }
        E::ReleaseFinished { service, resource, end } => finished(service, Some(resource), "release", end),
        E::Panicked { service, resource, error } => {
            let resource = resource.as_deref();
            error!(target: "majordomo", %service, resource, %error, "panicked outside of its steps");
        }
        E::ServiceLost { service, outcome, error } => {
            error!(target: "majordomo", %service, %outcome, %error, "ended while it was needed");
        }
        E::ServiceStuck { service, error } => {
            error!(target: "majordomo", %service, %error, "could not be ended");
        }
        E::RestartStarted { service, because } => {
            warn!(target: "majordomo", %service, %because, "goes down to be restarted");
        }
        E::RestartDelayed { service, delay } => {
            info!(target: "majordomo", %service, ?delay, "restart is delayed");
        }
        E::RestartFinished { service, end } => finished(service, None, "restart", end),
        E::StopStarted { service } => info!(target: "majordomo", %service, "stop begins: asked by an order"),
        E::StopFinished { service, end } => finished(service, None, "stop", end),
        E::StallStarted { service, resource, stall, lasted } => {
            let (resource, lasted_ms) = (resource.as_deref(), lasted.as_millis() as u64);
            let mend = match stall {
                Stall::Stuck { .. } => ": move blocking work to spawn_blocking or to a dedicated thread",
                _ => "",
            };
            warn!(target: "majordomo", %service, resource, lasted_ms, "{stall}{mend}");
        }
        E::StallFinished { service, resource, stall, lasted } => {
            let (resource, lasted_ms) = (resource.as_deref(), lasted.as_millis() as u64);
            info!(target: "majordomo", %service, resource, lasted_ms, "no longer {stall}");
        }
        E::ServiceAdded { service } => info!(target: "majordomo", %service, "service added"),
        E::ServiceRemoved { service } => info!(target: "majordomo", %service, "service removed"),
        E::Running => info!(target: "majordomo", elapsed_ms = millis(timed), "all services run"),
        E::Serving { address } => info!(target: "majordomo", %address, "gRPC server accepts calls"),
        E::ShutdownRequested { cause } => info!(target: "majordomo", %cause, "shutdown begins"),
        E::CallsInFlight { in_flight } => {
            info!(target: "majordomo", "gRPC server begins to drain: {in_flight}")
        }
        E::Draining => debug!(target: "majordomo", "draining: health says NOT_SERVING"),
        E::Drained => debug!(target: "majordomo", "drained"),
        E::Releasing => debug!(target: "majordomo", "releasing resources"),
        E::Progress { left, of, waiting_for, to_force } => match to_force {
            Some(to_force) => {
                let to_force = to_force.as_secs_f64();
                warn!(target: "majordomo", "still waiting for {left} of {of}: {waiting_for}; forced in {to_force:.1} s");
            }
            None => {
                warn!(target: "majordomo", "still waiting for {left} of {of}: {waiting_for}; nothing forces them")
            }
        },
        E::Missed { count } => {
            warn!(target: "majordomo", count, "events are missing here: the log is too slow")
        }
        E::Stopped => info!(target: "majordomo", elapsed_ms = millis(timed), "stopped"),
    }
}

fn finished(service: &Name, resource: Option<&Name>, stage: &str, end: &End) {
    let (resource, elapsed_ms, outcome) =
        (resource.map(|name| &**name), end.took.as_millis() as u64, end.outcome);
    let how = match outcome {
        Outcome::Ok => "finished",
        Outcome::Error => "failed",
        Outcome::Panic => "panicked",
        Outcome::Ended => "ended without an answer",
        Outcome::Forced => "was cut off",
    };
    match &end.error {
        Some(error) => {
            error!(target: "majordomo", %service, resource, stage, elapsed_ms, %outcome, %error, "{stage} {how}");
        }
        None => info!(target: "majordomo", %service, resource, stage, elapsed_ms, %outcome, "{stage} {how}"),
    }
}

fn millis(timed: &TimedEvent) -> u64 {
    timed.at.as_millis() as u64
}
