//! The messages that a manager answers.

use actix::Message;

use super::status::ManagerStatus;
use crate::error::ManagerError;

/// Begin the shutdown. May be sent at any stage and any number of times; the first one counts.
/// Answers to the seed's `Manager.StartShutdown`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StartShutdown;

/// Wait until the manager has come to its end, and be told how it went. Answered whenever it is asked, also
/// afterwards. Answers to the seed's `Manager.WaitForShutdown`.
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
