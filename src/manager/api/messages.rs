//! The messages that a manager answers.

use std::time::Duration;

use actix::Message;

use super::order_error::OrderError;
use super::status::ManagerStatus;
use crate::events::EventStream;
use crate::report::ManagerError;

/// Begin the shutdown. May be sent at any stage and any number of times; the first one counts.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StartShutdown;

/// Wait until the manager has come to its end, and be told how it went. Answered whenever it is asked, also afterwards.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), ManagerError>")]
pub struct WaitForShutdown;

/// Wait until every service runs and the gRPC server accepts calls. Answered with an error when that does
/// not come to pass, or is over: the manager's own where it failed, else
/// [`StageError::NotRunning`](crate::StageError::NotRunning).
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), ManagerError>")]
pub struct WaitUntilRunning;

/// End now: services are dropped, every resource is asked to release and given a brief moment.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ForceShutdown;

/// What every service and resource is doing right now.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ManagerStatus")]
pub struct GetStatus;

/// Be told of every lifecycle event from now on, in the order in which things happen. What happened before is in the
/// [history](ManagerStatus::history) of a status. The stream ends with the manager. A slow reader delays nobody: when 65,536 events
/// wait for it, it loses those that come, and is [told how many](crate::events::LifecycleEvent::Missed). A manager has at most 1,024 of
/// these streams; who asks for one more is given one that has ended.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "EventStream")]
pub struct Subscribe;

/// Have every service that is [reloadable](crate::ServiceSpec::reloadable), and every server with files of TLS, read its settings again: all
/// of them take the new ones over, or nobody does. Answered when it is over. While the services are being set up it waits until all run;
/// while a reload is under way, it is followed by one more, however many ask for it.
///
/// First all are asked to [prepare](crate::PrepareReload), side by side. When all have, each [commits](crate::CommitReload), after those that
/// it depends on. Each has [`ManagerOptions::reload_timeout`](crate::ManagerOptions::reload_timeout) for either.
///
/// # Errors
/// [`OrderError::ReloadRefused`] names those who could not prepare: nobody has changed. [`OrderError::ReloadIncomplete`] names those who
/// failed to commit, and are restarted where their policy says so; all others have changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct Reload;

/// Hand over to a successor: start the program anew, pass it every socket that listens here, and end once it serves. Answered when
/// it is in charge and this process begins its shutdown, or when that has failed and this process serves on as before. Needs
/// [`ManagerOptions::handover`](crate::ManagerOptions::handover).
///
/// # Errors
/// [`OrderError::HandoverFailed`] says what became of the successor; nothing else has changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct StartHandover;

/// Stop the service of this id, and those that go down with it: they are asked, given their time, and their resources are
/// released. Answered when it is down. It stays so until [`RestartService`]; those that went down with it come back then, too.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct StopService(pub String);

/// Restart the service of this id, and those that go down with it; or start it again where it was stopped. Answered when it is
/// up. It needs a [`RestartPolicy`](crate::RestartPolicy), if only [`never`](crate::RestartPolicy::never).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct RestartService(pub String);

/// Stop the service of this id and forget it: its id is free again. Refused while others depend on it. Answered when it is gone.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct RemoveService(pub String);

/// Have the service of this id give its [lease](crate::ServiceSpec::only_with) away, so that another replica has it: before its machine is stopped for
/// work, or to see that others can take over. It is asked to stop, given its time, and its resources are released; then the lease is given back, and no
/// other is asked for until `stay_out` has passed. Answered when the lease has been given back.
///
/// While it stays out it stands by: all is well, and a [`RestartService`] has it ask for its lease at once. If no other replica wants the lease, the
/// service runs nowhere meanwhile. A process that starts anew, or takes over by a hand-over, knows of no stay-out.
///
/// # Errors
/// [`OrderError::NoLease`] where it needs none, [`OrderError::NotHolding`] where it has none, [`OrderError::StayOut`] where that time is too short or too
/// long. [`OrderError::Forced`] where it had to be cut off: its lease was given back all the same, or the process ends before it does.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct StepDown {
    /// Which service.
    pub id: String,
    /// For how long it asks for no lease: from once its time to live, so that others notice that it is free, to 24 hours. `None`: for twice its time to
    /// live, which is 30 s where [`Lease::ttl`](crate::Lease::ttl) is as it is by default.
    pub stay_out: Option<Duration>,
}
