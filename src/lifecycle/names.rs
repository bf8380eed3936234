//! The words that the rules, the events and the reports share.

use std::fmt;

/// A service, by its place in the order in which services were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServiceIx(pub(crate) u32);

/// A resource, by its service and its place in the order in which that service started resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ResourceIx {
    pub(crate) service: ServiceIx,
    pub(crate) index: u32,
}

/// What of a service is tried again, each within a budget of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Repeat {
    /// Its set-up, before it has ever succeeded in this life.
    Setup,
    /// All of it: a restart.
    Restart,
}

/// What a service takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Has a main loop.
    Generic,
    /// Answers gRPC calls, has no main loop.
    Grpc,
    /// Has both.
    Both,
    /// The gRPC server itself: its port is bound before any other service starts.
    Server,
    /// A server that is a service as others are. As of the gRPC server it is awaited that it accepts connections.
    Listener,
}

impl Kind {
    pub(crate) fn runs(self) -> bool {
        self != Kind::Grpc
    }

    /// Whether it tells when it accepts connections.
    pub(crate) fn accepts(self) -> bool {
        matches!(self, Kind::Server | Kind::Listener)
    }

    pub(crate) fn registers(self) -> bool {
        matches!(self, Kind::Grpc | Kind::Both)
    }
}

/// Where a manager stands. Stages only ever advance in this order; some may be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing has been started.
    Created,
    /// Services register on the gRPC server and are set up.
    SettingUp,
    /// Every set-up succeeded; main loops run.
    Running,
    /// Shutdown was asked or something failed: services are on their way to their end.
    Stopping,
    /// No service runs any more; resources are being released.
    Releasing,
    /// All is over.
    Stopped,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Created => "created",
            Stage::SettingUp => "setting up",
            Stage::Running => "running",
            Stage::Stopping => "stopping",
            Stage::Releasing => "releasing",
            Stage::Stopped => "stopped",
        })
    }
}

/// One of the messages of a service's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// `RegisterOnServer`
    Register,
    /// `Setup`
    Setup,
    /// `Run`
    Run,
    /// `Shutdown`
    Shutdown,
}

impl Step {
    pub(crate) const ALL: [Step; 4] = [Step::Register, Step::Setup, Step::Run, Step::Shutdown];

    /// Its name in events, errors, logs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Step::Register => "register",
            Step::Setup => "setup",
            Step::Run => "run",
            Step::Shutdown => "shutdown",
        }
    }

    /// What a service is doing in it, in a sentence.
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Step::Register => "registering",
            Step::Setup => "setting up",
            Step::Run => "running",
            Step::Shutdown => "shutting down",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an actor was doing when something happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Activity {
    /// A message of a service's life.
    Step(Step),
    /// `Release` of a resource.
    Release,
    /// Something else than its steps.
    Handler,
    /// Its steps were over, and it did not end.
    Ending,
}

impl Activity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Activity::Step(step) => step.name(),
            Activity::Release => "release",
            Activity::Handler => "handler",
            Activity::Ending => "ending",
        }
    }

    pub(crate) fn step(self) -> Option<Step> {
        match self {
            Activity::Step(step) => Some(step),
            _ => None,
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a step of a service, or the release of a resource, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered `Ok`.
    Ok,
    /// Answered with an error.
    Error,
    /// Panicked.
    Panic,
    /// The actor ended, or dropped the request, without an answer.
    Ended,
    /// Cut off by the manager: its time was up.
    Forced,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Panic => "panic",
            Outcome::Ended => "ended",
            Outcome::Forced => "forced",
        })
    }
}

/// The part of a `ManagerError` that a failure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorStage {
    /// Before every set-up had succeeded. Exit code 1.
    Setup,
    /// While services ran. Exit code 2.
    Run,
    /// While services stopped and resources were released. Exit code 3.
    Shutdown,
}

impl fmt::Display for ErrorStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorStage::Setup => "setup",
            ErrorStage::Run => "run",
            ErrorStage::Shutdown => "shutdown",
        })
    }
}

/// A signal that asks for shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl SignalKind {
    /// The signal's number on this platform family (POSIX: 2 and 15).
    pub fn number(self) -> i32 {
        match self {
            SignalKind::Interrupt => 2,
            SignalKind::Terminate => 15,
        }
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignalKind::Interrupt => "SIGINT",
            SignalKind::Terminate => "SIGTERM",
        })
    }
}

/// What began the shutdown. The first cause is kept; later ones change nothing.
///
/// `S` names a service: by index in the rules, by id in a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause<S> {
    /// `StartShutdown`
    StartShutdown,
    /// `ForceShutdown`, without a shutdown before it.
    ForceShutdown,
    /// A signal of the operating system.
    Signal(SignalKind),
    /// A service failed before every set-up had succeeded.
    SetupFailed(S),
    /// A service failed while running.
    RunFailed(S),
    /// Every main loop returned `Ok`, and no gRPC server keeps the manager up.
    Finished,
    /// A successor has taken over.
    Handover,
}

impl<S> Cause<S> {
    /// The same cause, its service named otherwise.
    pub(crate) fn map<T>(self, name: impl FnOnce(S) -> T) -> Cause<T> {
        match self {
            Cause::StartShutdown => Cause::StartShutdown,
            Cause::ForceShutdown => Cause::ForceShutdown,
            Cause::Signal(signal) => Cause::Signal(signal),
            Cause::SetupFailed(service) => Cause::SetupFailed(name(service)),
            Cause::RunFailed(service) => Cause::RunFailed(name(service)),
            Cause::Finished => Cause::Finished,
            Cause::Handover => Cause::Handover,
        }
    }
}

impl<S: fmt::Display> fmt::Display for Cause<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::StartShutdown => f.write_str("StartShutdown"),
            Cause::ForceShutdown => f.write_str("ForceShutdown"),
            Cause::Signal(signal) => signal.fmt(f),
            Cause::SetupFailed(service) => write!(f, "failed set-up of {service}"),
            Cause::RunFailed(service) => write!(f, "failure of {service}"),
            Cause::Finished => f.write_str("every main loop returned"),
            Cause::Handover => f.write_str("hand-over to a successor"),
        }
    }
}

/// Why a service is started again.
///
/// `S` names a service: by index in the rules, by id in an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RestartCause<S> {
    /// It failed, or its main loop returned though it always is to run.
    Failed {
        /// Which restart this is within the period of its budget, from 1.
        restart: u32,
    },
    /// A service that it depends on goes down.
    Dependency(S),
    /// `RestartService`
    Asked,
}

impl<S> RestartCause<S> {
    /// The same cause, its service named otherwise.
    pub(crate) fn map<T>(self, name: impl FnOnce(S) -> T) -> RestartCause<T> {
        match self {
            RestartCause::Failed { restart } => RestartCause::Failed { restart },
            RestartCause::Dependency(service) => RestartCause::Dependency(name(service)),
            RestartCause::Asked => RestartCause::Asked,
        }
    }
}

impl<S: fmt::Display> fmt::Display for RestartCause<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestartCause::Failed { restart } => write!(f, "it failed (restart {restart} of its period)"),
            RestartCause::Dependency(service) => write!(f, "it depends on {service}, which goes down"),
            RestartCause::Asked => f.write_str("RestartService"),
        }
    }
}
