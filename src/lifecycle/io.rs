//! What goes into the machine and what comes out of it.

use super::announcement::Announcement;
use super::names::{Outcome, Repeat, ResourceIx, ServiceIx, SignalKind, Step};
use super::reload_names::ReloadStep;

/// Something that happened. Late, doubled and unexpected inputs are allowed and change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// The manager starts.
    Start,
    /// The manager was held back, and may send `Run`.
    RunAllowed,
    /// A service answered, or failed to answer, one of its messages.
    Answered(ServiceIx, Step, Answer),
    /// A server accepts connections.
    Serving(ServiceIx),
    /// A handler or task of the service panicked outside of its steps; the actor lives on.
    Panicked(ServiceIx),
    /// The service's actor is at rest, by itself or as told: it may be started again.
    Suspended(ServiceIx, Departure),
    /// The service's actor went by itself, and has begun its next life, as it was permitted to.
    StartedOver(ServiceIx, Departure),
    /// The service's actor is gone.
    Gone(ServiceIx, Departure),
    /// The service started its next resource.
    ResourceStarted(ServiceIx),
    /// The service can start no resource any more; all that it did have been told.
    ResourcesClosed(ServiceIx),
    /// A resource answered, or failed to answer, its `Release`.
    Released(ResourceIx, Answer),
    /// A handler or task of the resource panicked; the actor lives on.
    ResourcePanicked(ResourceIx),
    /// The resource's actor is gone.
    ResourceGone(ResourceIx, Departure),
    /// `StartShutdown`
    ShutdownAsked,
    /// `ForceShutdown`
    ForceAsked,
    /// `StopService`
    StopAsked(ServiceIx),
    /// `RestartService`
    RestartAsked(ServiceIx),
    /// `RemoveService`
    RemoveAsked(ServiceIx),
    /// A service was handed to the running manager, in this place.
    Added(ServiceIx),
    /// The delay before the service's restart, or before its next set-up, has passed.
    DelayOver(ServiceIx),
    /// So many of the service's restarts, or of its set-up's retries, have left the period of their budget.
    Forgotten(ServiceIx, Repeat, u32),
    /// The service, or the resource that it releases, has had the time that a stop may take.
    StopTimeout(ServiceIx),
    /// `Reload`, or SIGHUP.
    ReloadAsked,
    /// A service answered, or failed to answer, a message of the reload that is under way.
    ReloadAnswered(ServiceIx, ReloadStep, Answer),
    /// A service has had the time that its part in the reload may take.
    ReloadTimeout(ServiceIx),
    /// `StartHandover`, or SIGUSR2.
    HandoverAsked,
    /// All of the successor run.
    SuccessorReady,
    /// The successor is dead, whatever it died of; it was ended where only its channel was closed.
    SuccessorGone,
    /// The successor has had the time that it may take until all of it run.
    HandoverTimeout,
    /// A server that was told to give way has nothing left.
    GaveWay(ServiceIx),
    /// Servers have had the time that giving way may take.
    GiveWayOver,
    /// The predecessor has released everything, or is dead. That its channel has ended does not say so by itself.
    PredecessorGone,
    /// The store of the service's lease can be used, or was not there to say so.
    LeaseChecked(ServiceIx),
    /// The service's lease was granted.
    LeaseAcquired(ServiceIx),
    /// The service's lease can't be kept, or is to be given up: there is time to stop.
    LeaseLost(ServiceIx),
    /// The service's lease is over, but for the time that cutting takes.
    LeaseExpired(ServiceIx),
    /// The service's lease will never be granted.
    LeaseRefused(ServiceIx),
    /// The service's lease was given back, or lapses by itself.
    LeaseReturned(ServiceIx),
    /// `StepDown`
    StepDownAsked(ServiceIx),
    /// A service that gave its lease away has stayed out for as long as it was to.
    StayOutOver(ServiceIx),
    /// So many of the equal shares of the services' time are spent.
    ShareSpent(u32),
    /// SIGINT or SIGTERM.
    Signal(SignalKind),
    /// The drain delay has passed.
    DrainDelayOver,
    /// What is left of the time belongs to the resources.
    ReserveReached,
    /// The time is up.
    DeadlineReached,
    /// Resources that were asked only at the deadline have had their moment.
    LastCallOver,
}

/// The answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Ok,
    Error,
    /// With an error that a request to stop is no reason for: something failed of itself.
    OwnError,
    Panic,
    /// None will come: the request was dropped.
    Missing,
}

impl Answer {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Answer::Ok => Outcome::Ok,
            Answer::Error | Answer::OwnError => Outcome::Error,
            Answer::Panic => Outcome::Panic,
            Answer::Missing => Outcome::Ended,
        }
    }
}

/// How an actor went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Departure {
    /// By itself.
    Ended,
    /// By a panic.
    Panicked,
    /// Because the manager ended it.
    Dismissed,
    /// It did not go: its thread is blocked and was given up.
    Abandoned,
}

impl Departure {
    /// Whether nobody told the actor to go.
    pub(crate) fn is_its_own(self) -> bool {
        matches!(self, Departure::Ended | Departure::Panicked)
    }

    /// How a message that was still open ended with it.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Departure::Ended => Outcome::Ended,
            Departure::Panicked => Outcome::Panic,
            Departure::Dismissed | Departure::Abandoned => Outcome::Forced,
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    /// Send a service one of its messages; the first one starts its actor.
    Send(ServiceIx, Step),
    /// Resolve the service's `ShutdownSignal::requested`.
    SignalRequested(ServiceIx),
    /// Bring a service's actor to rest, whatever it is doing, and tell when it is.
    Suspend(ServiceIx),
    /// Start a service's actor again: a new life, before its `Setup`.
    Restart(ServiceIx),
    /// Let a service's actor begin its next life by itself, once, when it fails. `StartedOver` tells that it has.
    Permit(ServiceIx),
    /// Take that back. What was begun before is an input that comes before the one that led to this.
    Withdraw(ServiceIx),
    /// A service's actor has begun its next life, and been sent its `Setup` there: what belongs to the service's life begins anew.
    Adopt(ServiceIx),
    /// End a service's actor that has nothing left to do, and tell when it is gone.
    Retire(ServiceIx),
    /// End a service's actor now. `Gone` follows soon in any case, at worst as `Abandoned`.
    Force(ServiceIx),
    /// Refuse further resources of a service, tell of those not yet told of, then `ResourcesClosed`.
    CloseResources(ServiceIx),
    /// Send a resource its `Release`.
    Release(ResourceIx),
    /// End a resource's actor now. `ResourceGone` follows soon in any case.
    ForceResource(ResourceIx),
    /// Shutdown begins: start the timers of the reserve and of the deadline, where there are any; and those at which
    /// each of so many shares of the services' time is spent, but for the last.
    StartDeadlines { shares: u32 },
    /// Start the timer of the delay before a service's restart, or before its next set-up.
    StartDelay(ServiceIx, Repeat),
    /// Start, or start anew, the timer of a service's stop. Its signal tells of it, so this precedes `SignalRequested`.
    StartStopTimer(ServiceIx, Limited),
    /// Send a service a message of the reload.
    Reload(ServiceIx, ReloadStep),
    /// Start, or start anew, the timer of a service's part in the reload.
    StartReloadTimer(ServiceIx),
    /// Start this program anew, and hand its sockets over. `SuccessorReady` or `SuccessorGone` follows, or the timer goes off.
    StartSuccessor,
    /// Kill the successor. `SuccessorGone` follows.
    EndSuccessor,
    /// Start the timer of the time that the successor may take until all of it run.
    StartHandoverTimer,
    /// Tell the successor that it is in charge, and the service manager which process that is.
    PassOn,
    /// Tell the service manager that this process is in charge again.
    TakeBack,
    /// Have a server accept no connections, and its clients go away. `GaveWay` follows when nothing is left.
    GiveWay(ServiceIx),
    /// Have a server accept connections again.
    Resume(ServiceIx),
    /// Start the timer of the time that giving way may take.
    StartGiveWayTimer,
    /// Ask the store of the service's lease whether it can be used. `LeaseChecked` or `LeaseRefused` follows soon in any case.
    CheckLease(ServiceIx),
    /// Ask for the service's lease until it is granted or refused.
    SeekLease(ServiceIx),
    /// Ask for the service's lease no more, or give it back. `LeaseReturned` follows in any case.
    ReturnLease(ServiceIx),
    /// Let the service's lease lapse, and end the process before it does: something that needed it may still run.
    LeaveLease(ServiceIx),
    /// Start the timer of the time for which a service asks for no lease, so that others have their chance.
    StartStayOut(ServiceIx),
    /// Start the timer of the drain delay.
    StartDrainDelay,
    /// Start the short timer after which a forced end waits for no acknowledgement any more.
    StartLastCall,
    /// End the process at once, as the signal would have.
    Exit(SignalKind),
    /// Tell the observers.
    Announce(Announcement),
}

/// What the timer of a stop limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limited {
    /// The end of the service itself.
    Service,
    /// The release of one of its resources.
    Release,
}

impl Input {
    /// The service that it speaks of, and the number of its resource where it speaks of one.
    pub(super) fn subject(self) -> Option<(ServiceIx, Option<u32>)> {
        match self {
            Input::Answered(ix, ..)
            | Input::Panicked(ix)
            | Input::Suspended(ix, _)
            | Input::StartedOver(ix, _)
            | Input::Gone(ix, _)
            | Input::ResourceStarted(ix)
            | Input::ResourcesClosed(ix)
            | Input::StopAsked(ix)
            | Input::RestartAsked(ix)
            | Input::RemoveAsked(ix)
            | Input::Added(ix)
            | Input::DelayOver(ix)
            | Input::Forgotten(ix, ..)
            | Input::StopTimeout(ix)
            | Input::ReloadAnswered(ix, ..)
            | Input::ReloadTimeout(ix)
            | Input::GaveWay(ix)
            | Input::LeaseChecked(ix)
            | Input::LeaseAcquired(ix)
            | Input::LeaseLost(ix)
            | Input::LeaseExpired(ix)
            | Input::LeaseRefused(ix)
            | Input::LeaseReturned(ix)
            | Input::StepDownAsked(ix)
            | Input::StayOutOver(ix)
            | Input::Serving(ix) => Some((ix, None)),
            Input::Released(r, _) | Input::ResourcePanicked(r) | Input::ResourceGone(r, _) => {
                Some((r.service, Some(r.index)))
            }
            Input::Start
            | Input::RunAllowed
            | Input::ShutdownAsked
            | Input::ForceAsked
            | Input::ReloadAsked
            | Input::HandoverAsked
            | Input::SuccessorReady
            | Input::SuccessorGone
            | Input::HandoverTimeout
            | Input::GiveWayOver
            | Input::PredecessorGone
            | Input::ShareSpent(_)
            | Input::Signal(_)
            | Input::DrainDelayOver
            | Input::ReserveReached
            | Input::DeadlineReached
            | Input::LastCallOver => None,
        }
    }
}
