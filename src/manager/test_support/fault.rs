//! One thing that goes wrong in a manager that is rehearsed: what, where, and when. Cargo feature `testing`; without it no
//! manager has room for any.
//!
//! ```text
//!   a step, a release    its answer is another, comes late or never; its handler blocks, panics, or ends the actor
//!   a start, a life      an actor dies of something that nobody asked it
//!   any of these         the manager is told to stop
//! ```
//!
//! A fault strikes once, where its place first comes up, and the actor is told nothing that it would not be told in earnest.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::BoxError;
use crate::events::Name;
use crate::lifecycle::{Input, SignalKind, Step};
use crate::supervision::{InjectedFault, REHEARSED, Request};

/// How a manager is rehearsed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rehearsal {
    /// How long its shutdown may take at most: all its limits are shortened in proportion.
    pub(crate) within: Option<Duration>,
    pub(crate) fault: Option<Fault>,
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) point: FaultPoint,
    pub(crate) kind: FaultKind,
    /// Cancelled when it strikes.
    pub(crate) struck: CancellationToken,
}

/// Where it goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum FaultPoint {
    /// A message to a service.
    Step { service: Name, step: Step },
    /// The release of a resource.
    Release { service: Name, resource: Name },
    /// The start of a resource.
    Start { service: Name, resource: Name },
    /// The life of a service, or of one of its resources, once all run.
    Life { service: Name, resource: Option<Name> },
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum FaultKind {
    /// The answer is an error. The handler is not called.
    Error,
    /// The answer is an error, where the handler's own was `Ok`.
    LateError,
    /// The handler panics, and its actor dies of it.
    Panic,
    /// The future of the handler panics; the actor lives.
    AsyncPanic,
    /// The same, once the handler's work is done.
    LateAsyncPanic,
    /// The handler does its work, and its answer never comes.
    Hang,
    /// The handler does its work, and its answer comes so much later.
    Slow(Duration),
    /// The handler first blocks its thread for so long.
    Block(Duration),
    /// The handler blocks its thread for longer than the manager waits.
    Stick(Duration),
    /// The actor stops itself, without an answer.
    End,
    /// The manager is told to stop, so long after.
    StopRequest(StopRequest, Duration),
}

/// How a manager is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum StopRequest {
    StartShutdown,
    ForceShutdown,
    Interrupt,
    Terminate,
    /// The second forces the end.
    InterruptTwice,
    TerminateTwice,
}

impl StopRequest {
    /// Whether it leaves nobody any time.
    pub(crate) fn forces(self) -> bool {
        matches!(self, Self::ForceShutdown | Self::InterruptTwice | Self::TerminateTwice)
    }

    /// Whether it comes from the operating system.
    pub(crate) fn is_signal(self) -> bool {
        !matches!(self, Self::StartShutdown | Self::ForceShutdown)
    }

    pub(crate) fn inputs(self) -> &'static [Input] {
        const INTERRUPT: Input = Input::Signal(SignalKind::Interrupt);
        const TERMINATE: Input = Input::Signal(SignalKind::Terminate);
        match self {
            Self::StartShutdown => &[Input::ShutdownAsked],
            Self::ForceShutdown => &[Input::ForceAsked],
            Self::Interrupt => &[INTERRUPT],
            Self::Terminate => &[TERMINATE],
            Self::InterruptTwice => &[INTERRUPT, INTERRUPT],
            Self::TerminateTwice => &[TERMINATE, TERMINATE],
        }
    }
}

impl FaultKind {
    /// What it does to the actor itself.
    pub(crate) fn injected_fault(self, point: &FaultPoint) -> Option<InjectedFault> {
        match self {
            Self::Panic => Some(InjectedFault::Panic(point.told("panics"))),
            Self::End => Some(InjectedFault::End),
            _ => None,
        }
    }

    /// What it makes of a request.
    pub(crate) fn spoil(self, point: &FaultPoint, request: Request) -> Request {
        let (fails, panics) = (point.told("fails"), point.told("panics"));
        match self {
            Self::Error => Box::new(move |_| Box::pin(async move { Ok(Err(fails.into())) })),
            Self::LateError => Box::new(move |lane| {
                let answer = request(lane);
                Box::pin(async move { Ok(answer.await?.and_then(|()| Err::<(), BoxError>(fails.into()))) })
            }),
            Self::AsyncPanic => Box::new(move |_| Box::pin(async move { panic!("{panics}") })),
            Self::LateAsyncPanic => Box::new(move |lane| {
                let answer = request(lane);
                Box::pin(async move {
                    match answer.await {
                        Ok(Ok(())) => panic!("{panics}"),
                        failed => failed,
                    }
                })
            }),
            Self::Hang => Box::new(move |lane| {
                let answer = request(lane);
                Box::pin(async move {
                    let _ = answer.await;
                    pending().await
                })
            }),
            Self::Slow(time) => Box::new(move |lane| {
                let answer = request(lane);
                Box::pin(async move {
                    let answer = answer.await;
                    tokio::time::sleep(time).await;
                    answer
                })
            }),
            Self::Block(time) | Self::Stick(time) => Box::new(move |lane| {
                std::thread::sleep(time);
                request(lane)
            }),
            Self::Panic | Self::End | Self::StopRequest(..) => request,
        }
    }
}

impl FaultPoint {
    /// What an error or a panic of the rehearsal's says of itself.
    pub(crate) fn told(&self, how: &str) -> String {
        format!("{REHEARSED}{self} {how}")
    }

    /// Whose it is.
    pub(crate) fn service(&self) -> &Name {
        match self {
            Self::Step { service, .. }
            | Self::Release { service, .. }
            | Self::Start { service, .. }
            | Self::Life { service, .. } => service,
        }
    }

    /// The resource, where it is one's.
    pub(crate) fn resource(&self) -> Option<&Name> {
        match self {
            Self::Step { .. } => None,
            Self::Release { resource, .. } | Self::Start { resource, .. } => Some(resource),
            Self::Life { resource, .. } => resource.as_ref(),
        }
    }
}

impl fmt::Display for FaultPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { step, .. } => write!(f, "{step}")?,
            Self::Release { .. } => f.write_str("release")?,
            Self::Start { .. } => f.write_str("start")?,
            Self::Life { .. } => f.write_str("life")?,
        }
        write!(f, " of {}", self.service())?;
        self.resource().map_or(Ok(()), |resource| write!(f, "/{resource}"))
    }
}

impl fmt::Display for FaultKind {
    /// Without its times: those come from the random seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::LateError => "late_error",
            Self::Panic => "panic",
            Self::AsyncPanic | Self::LateAsyncPanic => "async_panic",
            Self::Hang => "hang",
            Self::Slow(_) => "slow",
            Self::Block(_) => "block",
            Self::Stick(_) => "block past the deadline",
            Self::End => "end",
            Self::StopRequest(ask, _) => return ask.fmt(f),
        })
    }
}

impl fmt::Display for StopRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartShutdown => "StartShutdown",
            Self::ForceShutdown => "ForceShutdown",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::InterruptTwice => "SIGINT twice",
            Self::TerminateTwice => "SIGTERM twice",
        })
    }
}

impl Fault {
    /// Whether it is a matter of how a message is answered.
    pub(crate) fn is_of_answer(&self) -> bool {
        let asked = matches!(self.point, FaultPoint::Step { .. } | FaultPoint::Release { .. });
        asked && !matches!(self.kind, FaultKind::StopRequest(..))
    }
}
