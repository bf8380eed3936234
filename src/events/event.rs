//! What may happen in a manager's life, a variant each.

use std::time::Duration;

use serde::Serialize;

use super::{End, Failure, InFlight, LeaseEvent, Name, Stall};
use crate::base::{GrpcAddress, as_ms, as_opt_ms};
use crate::lifecycle::{Cause, HandoverEnd, Outcome, ReloadEnd, ReloadStep, RestartCause, WaitsFor};

/// Something that happened in a manager's life.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// A gRPC service was sent `RegisterOnServer`.
    RegisterStarted {
        /// Whom it concerns.
        service: Name,
    },
    /// A gRPC service has registered, or failed to.
    RegisterFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A service waits before it is set up. Its health is NOT_SERVING, and its calls are answered UNAVAILABLE.
    Standby {
        /// Whom it concerns.
        service: Name,
        /// What it waits for.
        waits_for: WaitsFor,
    },
    /// A service was sent `Setup`.
    SetupStarted {
        /// Whom it concerns.
        service: Name,
    },
    /// A service was set up, or failed to be.
    SetupFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A set-up failed, and is tried again. What it started is released first; then the delay begins.
    SetupRetried {
        /// Whom it concerns.
        service: Name,
        /// Which retry within the period of its policy this is, from 1; where any number is allowed, which in all.
        retry: u32,
        /// How long it waits.
        #[serde(rename = "delay_ms", serialize_with = "as_ms")]
        delay: Duration,
    },
    /// A service was sent `Run`.
    RunStarted {
        /// Whom it concerns.
        service: Name,
    },
    /// A service's main loop ended.
    RunFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A service was sent `Shutdown`.
    ShutdownStarted {
        /// Whom it concerns.
        service: Name,
    },
    /// A service answered `Shutdown`, or failed to.
    ShutdownFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A service started a resource.
    ResourceStarted {
        /// Whose it is.
        service: Name,
        /// The resource.
        resource: Name,
    },
    /// A resource ended before it was asked to release.
    ResourceLost {
        /// Whose it is.
        service: Name,
        /// The resource.
        resource: Name,
        /// How it went; `took` is how long it lived.
        #[serde(flatten)]
        end: End,
    },
    /// A resource was sent `Release`.
    ReleaseStarted {
        /// Whose it is.
        service: Name,
        /// The resource.
        resource: Name,
    },
    /// A resource acknowledged its release, or failed to.
    ReleaseFinished {
        /// Whose it is.
        service: Name,
        /// The resource.
        resource: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A handler or a spawned task of an actor panicked outside of its steps. The actor lives on.
    Panicked {
        /// Whom it concerns.
        service: Name,
        /// The resource, where it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<Name>,
        /// The panic.
        error: Failure,
    },
    /// A service's actor ended by itself, outside of any step, while it was still needed.
    ServiceLost {
        /// Whom it concerns.
        service: Name,
        /// By a panic, or without a word.
        outcome: Outcome,
        /// What is known of it.
        error: Failure,
    },
    /// A service had finished, but its actor could not be ended: its thread is blocked.
    ServiceStuck {
        /// Whom it concerns.
        service: Name,
        /// What is known of it.
        error: Failure,
    },
    /// A service goes down, to be started again: its calls are refused from here on.
    RestartStarted {
        /// Whom it concerns.
        service: Name,
        /// Why.
        because: RestartCause<Name>,
    },
    /// The restart waits: a service that fails again and again is started less and less often.
    RestartDelayed {
        /// Whom it concerns.
        service: Name,
        /// For how long.
        #[serde(rename = "delay_ms", serialize_with = "as_ms")]
        delay: Duration,
    },
    /// It is up again (`ok`): set up, and sent its `Run`. Or it never will be: its budget is used up, it was stopped, or all is.
    RestartFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A service of a running manager is to stop, and to stay so until it is asked back.
    StopStarted {
        /// Whom it concerns.
        service: Name,
    },
    /// It has stopped, and its resources are released.
    StopFinished {
        /// Whom it concerns.
        service: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
    /// A service was handed to a running manager.
    ServiceAdded {
        /// Whom it concerns.
        service: Name,
    },
    /// A service has left a running manager: its id is free again.
    ServiceRemoved {
        /// Whom it concerns.
        service: Name,
    },
    /// Every service that takes part is asked to prepare for new settings.
    ReloadStarted,
    /// A service did not do its part in a reload: it refused, which changes nothing, or failed to take the new settings over.
    ReloadFailed {
        /// Whom it concerns.
        service: Name,
        /// What it was asked.
        step: ReloadStep,
        /// How it went.
        outcome: Outcome,
        /// Why.
        error: Failure,
    },
    /// A reload is over.
    ReloadFinished {
        /// What came of it.
        result: ReloadEnd,
        /// How it went; the error names those who did not do their part.
        #[serde(flatten)]
        end: End,
    },
    /// A successor is started: this program anew, which is to take over.
    HandoverStarted,
    /// The successor's process is there.
    SuccessorStarted {
        /// Its number.
        pid: u32,
    },
    /// All of the successor run, and it is in charge: from here on this process accepts nobody, and its connections end.
    SuccessorReady {
        /// Its number.
        pid: u32,
    },
    /// A signal asked for a hand-over, which is not possible now.
    HandoverRefused {
        /// Why.
        reason: Name,
    },
    /// This process is the successor of another, and in charge now.
    TookOver {
        /// Which process in a row it is; the first is 1.
        generation: u64,
        /// The number of the process before it.
        predecessor: u32,
    },
    /// Sockets of the predecessor that nobody of this process has asked for were closed: who connects there is refused.
    SocketsClosed {
        /// Where they listened.
        addresses: Vec<Name>,
    },
    /// A hand-over is over.
    HandoverFinished {
        /// What came of it.
        outcome: HandoverEnd,
        /// How long it took.
        #[serde(rename = "took_ms", serialize_with = "as_ms")]
        took: Duration,
        /// Why this process still is the one that serves, or ends without a successor.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Failure>,
    },
    /// A service or a resource doesn't get on, for longer than [`stuck_after`](crate::ManagerOptions::stuck_after).
    StallStarted {
        /// Whom it concerns.
        service: Name,
        /// The resource, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<Name>,
        /// Why.
        #[serde(flatten)]
        stall: Stall,
        /// For how long so far.
        #[serde(rename = "lasted_ms", serialize_with = "as_ms")]
        lasted: Duration,
    },
    /// It gets on again, or is gone; or its manager is over, and nobody looks any more.
    StallFinished {
        /// Whom it concerns.
        service: Name,
        /// The resource, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<Name>,
        /// Why it didn't.
        #[serde(flatten)]
        stall: Stall,
        /// For how long in all, to within a quarter of the limit.
        #[serde(rename = "lasted_ms", serialize_with = "as_ms")]
        lasted: Duration,
        /// Whether it still does not get on as the manager ends.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        goes_on: bool,
    },
    /// The operations endpoint answers. Told once for each of its addresses, before all else.
    Operations {
        /// Where.
        address: GrpcAddress,
    },
    /// Every service runs, and the gRPC server, where there is one, accepts calls.
    Running,
    /// The gRPC server accepts calls. Told once for each of its addresses, in their order.
    Serving {
        /// Where.
        address: GrpcAddress,
    },
    /// A server that is a service, such as an HTTP service, accepts connections. Told once for each of its addresses, in every life.
    #[serde(rename = "serving")]
    ServiceServing {
        /// Which.
        service: Name,
        /// Where.
        address: GrpcAddress,
    },
    /// Endless answers were ended in order as their server drained, since their `stream_grace` was over: no failure.
    StreamsEnded {
        /// Whose.
        service: Name,
        /// How many.
        count: u64,
    },
    /// Shutdown begins.
    ShutdownRequested {
        /// What asked for it.
        cause: Cause<Name>,
    },
    /// The gRPC server is asked to drain while calls are open.
    CallsInFlight {
        /// What it carries.
        in_flight: InFlight,
    },
    /// Services that ran are being drained: health says NOT_SERVING from here on.
    Draining,
    /// The gRPC server has ended; or, where there is none, every service has.
    Drained,
    /// No service is left; resources are released from here on.
    Releasing,
    /// Once a second while stopping: who is being waited for.
    Progress {
        /// How many services and resources are left.
        left: usize,
        /// Of how many.
        of: usize,
        /// Who, doing what, for how long.
        waiting_for: String,
        /// Until whatever is left is forced, in milliseconds.
        #[serde(rename = "to_force_ms")]
        #[serde(serialize_with = "as_opt_ms", skip_serializing_if = "Option::is_none")]
        to_force: Option<Duration>,
    },
    /// Events are missing here: this observer read too slowly, and there was no room for more. Nobody else is concerned.
    Missed {
        /// How many.
        count: u64,
    },
    /// All is over: nothing comes after this.
    Stopped,
    /// What becomes of the lease of a service.
    #[serde(untagged)]
    Lease(LeaseEvent),
}
