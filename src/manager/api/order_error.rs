//! Why an order to a running manager was not carried out.

use std::time::Duration;

use crate::lifecycle::Stage;

/// Why an order to a running manager was refused, or could not be carried out.
///
/// It is the answer to `AddService`, `StopService`, `RestartService`, `RemoveService`, `StepDown`, `Reload` and `StartHandover`. An order that was refused has changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is no service of this id.
    #[error("there is no service {0:?}: see GetStatus for those that there are")]
    Unknown(String),
    /// The manager is not running: it has not come so far, or is stopping.
    #[error("the manager is {0}: services are added, stopped, removed and restarted while it is running")]
    NotRunning(Stage),
    /// The id is empty, or taken.
    #[error("a service cannot be added as {0:?}, which is empty or taken: give it an id of its own")]
    Id(String),
    /// What it depends on is not there, or what was said of its restarts cannot work.
    #[error("{service:?} cannot be added: {reason}")]
    Spec {
        /// Whose it is.
        service: String,
        /// What is wrong.
        reason: String,
    },
    /// The service's actor cannot be started again.
    #[error(
        "{0:?} cannot be started again: hand it over as a ServiceSpec with restart(..), which asks for actix::Supervised"
    )]
    NotRestartable(String),
    /// The gRPC server is neither stopped nor restarted on its own.
    #[error("{0:?} is the gRPC server, which lives as long as its manager: use StartShutdown")]
    Server(String),
    /// Others depend on the service.
    #[error("{service:?} cannot go: {} depend on it; remove or stop them first", dependents.join(", "))]
    Needed {
        /// Whom the order is about.
        service: String,
        /// The services that depend on it.
        dependents: Vec<String>,
    },
    /// The service could not be set up; it has been taken back.
    #[error(
        "{service:?} could not be set up, and was taken back: {reason}; add it again once that is mended"
    )]
    Failed {
        /// Whom the order is about.
        service: String,
        /// Its error.
        reason: String,
    },
    /// The service did not stop in time and was cut off.
    #[error(
        "{0:?} did not stop within its stop_timeout, and was cut off: it is down; allow it more time if that is too short"
    )]
    Forced(String),
    /// The service needs no lease.
    #[error("{0:?} needs no lease, and so has none to give away: only a service that is only_with one has")]
    NoLease(String),
    /// The service has no lease: another replica may, or it is giving its own back already.
    #[error(
        "{service:?} does not have its lease {lease:?}, and so cannot give it away: see GetStatus for who has it"
    )]
    NotHolding {
        /// Whom the order is about.
        service: String,
        /// Its lease.
        lease: String,
    },
    /// It would ask for its lease again too soon, or too late.
    #[error(
        "{service:?} cannot stay out for {given:?}: others notice within {least:?}, its lease's time to live, that it is free, and for more than {most:?} it is better stopped; give a time between"
    )]
    StayOut {
        /// Whom the order is about.
        service: String,
        /// For how long it was to stay out.
        given: Duration,
        /// The shortest that makes sense.
        least: Duration,
        /// The longest that is taken.
        most: Duration,
    },
    /// No service takes part in reloads.
    #[error("there is nothing to reload: mark a service as reloadable(), or give a server files of TLS")]
    NothingToReload,
    /// Somebody could not prepare for the new settings: nobody has changed.
    #[error("the new settings were refused, and nobody has changed; mend what is named, and reload again: {}", by.join("; "))]
    ReloadRefused {
        /// Who, and why.
        by: Vec<String>,
    },
    /// All had prepared, and somebody failed to take the new settings over. All others have.
    #[error("not all took the new settings over, and those who did not are restarted where their policy says so: {}", by.join("; "))]
    ReloadIncomplete {
        /// Who, and why.
        by: Vec<String>,
    },
    /// The shutdown began before the reload was over.
    #[error("the reload was called off by the manager's shutdown")]
    ReloadCalledOff,
    /// A hand-over needs a manager that runs.
    #[error("the manager is {0}: a hand-over begins while all of its services run")]
    NotReadyToHandOver(Stage),
    /// The manager was not told how a successor is started.
    #[error("no hand-over is offered: give the manager ManagerOptions::handover(Handover::new())")]
    NoHandover,
    /// One at a time.
    #[error("a hand-over is under way already: wait until it is over")]
    HandoverUnderWay,
    /// This process is a successor itself.
    #[error(
        "this process waits for its own predecessor to end: hand over once its services after_handover() run"
    )]
    PredecessorLeft,
    /// The successor did not get so far, or went too early: this process serves as before.
    #[error("the hand-over failed, and this process serves on as before: {reason}")]
    HandoverFailed {
        /// What became of the successor.
        reason: String,
    },
    /// The shutdown began before the successor was ready.
    #[error("the hand-over was called off by the manager's shutdown")]
    HandoverCalledOff,
    /// Something else came first: another order, or the manager's shutdown.
    #[error(
        "{0:?}: the order was overtaken by another, or by the manager's shutdown: see GetStatus for what has become of it"
    )]
    Overtaken(String),
}
