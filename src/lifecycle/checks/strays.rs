//! Inputs that may come at any time, whether they mean anything or not.

use super::super::io::{Answer, Departure, Input};
use super::super::names::{Repeat, ResourceIx, ServiceIx, Step};
use super::super::reload_names::ReloadStep;
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES};

/// One of each input about the service and its resource: a sample of what may come at any time.
pub(super) fn strays(ix: ServiceIx, index: u32) -> impl Iterator<Item = Input> {
    let resource = ResourceIx { service: ix, index };
    let fixed = [
        Input::Start,
        Input::Serving(ix),
        Input::Panicked(ix),
        Input::ResourceStarted(ix),
        Input::ResourcesClosed(ix),
        Input::DelayOver(ix),
        Input::StopTimeout(ix),
        Input::Forgotten(ix, Repeat::Restart, 1),
        Input::Forgotten(ix, Repeat::Setup, 1),
        Input::StopAsked(ix),
        Input::RestartAsked(ix),
        Input::RemoveAsked(ix),
        Input::ReloadAsked,
        Input::ReloadTimeout(ix),
        Input::ReloadAnswered(ix, ReloadStep::Prepare, Answer::Ok),
        Input::ReloadAnswered(ix, ReloadStep::Prepare, Answer::Error),
        Input::ReloadAnswered(ix, ReloadStep::Commit, Answer::Ok),
        Input::ReloadAnswered(ix, ReloadStep::Commit, Answer::Panic),
        Input::HandoverAsked,
        Input::SuccessorReady,
        Input::SuccessorGone,
        Input::HandoverTimeout,
        Input::GaveWay(ix),
        Input::GiveWayOver,
        Input::PredecessorGone,
        Input::LeaseChecked(ix),
        Input::LeaseAcquired(ix),
        Input::LeaseLost(ix),
        Input::LeaseExpired(ix),
        Input::LeaseRefused(ix),
        Input::LeaseReturned(ix),
        Input::StepDownAsked(ix),
        Input::StayOutOver(ix),
        Input::ShareSpent(1),
        Input::ResourcePanicked(resource),
        Input::ShutdownAsked,
        Input::ForceAsked,
        Input::DrainDelayOver,
        Input::ReserveReached,
        Input::DeadlineReached,
        Input::LastCallOver,
    ];
    let answered = Step::ALL
        .into_iter()
        .flat_map(move |step| ALL_ANSWERS.iter().map(move |&answer| Input::Answered(ix, step, answer)));
    let released = ALL_ANSWERS.iter().map(move |&answer| Input::Released(resource, answer));
    let gone = ALL_DEPARTURES.iter().flat_map(move |&departure| {
        [
            Input::Gone(ix, departure),
            Input::Suspended(ix, departure),
            Input::StartedOver(ix, departure),
            Input::ResourceGone(resource, departure),
        ]
    });
    fixed.into_iter().chain(answered).chain(released).chain(gone)
}

/// Whether an input lets everything go on as it should.
pub(super) fn is_harmless(input: Input) -> bool {
    match input {
        Input::Answered(_, _, answer) | Input::Released(_, answer) | Input::ReloadAnswered(_, _, answer) => {
            answer == Answer::Ok
        }
        Input::Gone(_, departure) | Input::Suspended(_, departure) | Input::ResourceGone(_, departure) => {
            departure == Departure::Dismissed
        }
        Input::StopAsked(_) | Input::RemoveAsked(_) | Input::StopTimeout(_) | Input::ShareSpent(_) => false,
        Input::Added(_) | Input::ReloadTimeout(_) => false,
        Input::Panicked(_) | Input::ResourcePanicked(_) | Input::StartedOver(..) => false,
        Input::ForceAsked | Input::Signal(_) | Input::ReserveReached | Input::DeadlineReached => false,
        Input::ShutdownAsked | Input::SuccessorGone | Input::HandoverTimeout => false,
        Input::GiveWayOver => false,
        Input::LeaseLost(_) | Input::LeaseExpired(_) | Input::LeaseRefused(_) => false,
        Input::StepDownAsked(_) => false,
        Input::Start
        | Input::RunAllowed
        | Input::Serving(_)
        | Input::ResourceStarted(_)
        | Input::ResourcesClosed(_)
        | Input::DelayOver(_)
        | Input::Forgotten(..)
        | Input::RestartAsked(_)
        | Input::ReloadAsked
        | Input::HandoverAsked
        | Input::SuccessorReady
        | Input::GaveWay(_)
        | Input::PredecessorGone
        | Input::LeaseChecked(_)
        | Input::LeaseAcquired(_)
        | Input::LeaseReturned(_)
        | Input::StayOutOver(_)
        | Input::DrainDelayOver
        | Input::LastCallOver => true,
    }
}
