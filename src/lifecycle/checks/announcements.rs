//! Each announcement against the history so far: is it true, and is this its moment?

use super::super::announcement::{Announcement as Told, Fault, Remedy};
use super::super::io::Input;
use super::super::names::{Cause, ErrorStage, Outcome, Repeat, RestartCause, ServiceIx, Step};
use super::super::reload_names::ReloadStep;
use super::super::spec::RestartMode;
use super::super::waits_for::WaitsFor;
use super::bookkeeping::Account;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::reloads::Part;
use super::watched::{Hold, Once, Seen, Transition, Watched, Way};
use super::world::World;

impl World {
    pub(super) fn obey_announcement(&mut self, told: &Told, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        if let Some(account) = Account::of(told) {
            ensure(now.due.get(now.given) == Some(&account), G07, "what is told happened, once, in order")?;
            now.given += 1;
        }
        match *told {
            // What its own thread has sent it needs no command.
            Told::StepStarted(ix, Step::Setup) if now.adopted.take_if(|by| *by == ix).is_some() => {
                self.obey_send(ix, Step::Setup)
            }
            Told::StepStarted(ix, step) => {
                ensure(now.step.replace((ix, step)).is_none(), G07, "what is announced is sent")
            }
            Told::ReleaseStarted(resource) => {
                let apart = self.get(resource.service).is_leaving();
                ensure(self.releasing || apart, G06, "Releasing comes before the first release")?;
                ensure(now.release.replace(resource).is_none(), G07, "what is announced is sent")
            }
            Told::StepFinished { service, step, outcome, error, cancelled } => {
                let told_to_stop = self.cancels(service, step, outcome, now.input);
                ensure(cancelled == told_to_stop, G21, "who was told to stop in its set-up is cancelled")?;
                let fault = match self.error_of(service, step, outcome) {
                    Some(_) if cancelled && outcome == Outcome::Ended => None,
                    Some(stage) if cancelled => Some(Fault { stage, remedy: Remedy::Other }),
                    stage => self.expect(service, stage, now),
                };
                now.blamed |= error.is_some_and(|error| !error.is_mended());
                ensure(error == fault, G07, "no failure is lost, or told as another")?;
                let seen = if outcome == Outcome::Ok { Seen::Ok } else { Seen::Failed };
                let always = self.spec(service).mode == RestartMode::Always;
                let returned = step == Step::Run && outcome == Outcome::Ok && always;
                if returned && self.is_up() && self.get(service).way == Way::On && self.may_restart(service) {
                    now.restart = Some(service);
                }
                self.at(service).steps[step as usize] = seen;
                self.at(service).cut |= outcome == Outcome::Forced;
                self.roll_back(service, fault, now);
                Ok(())
            }
            Told::Panicked { service, error, .. } => self.obey_failure(service, error, now),
            Told::ServiceLost { service, error, .. } => self.obey_departure(service, error, now),
            Told::ServiceStuck(service, error) => self.obey_departure(service, error, now),
            Told::ResourceStarted(resource) => {
                let index = self.at(resource.service).add_hold();
                ensure(index == resource.index, G07, "resources are counted in the order of their start")
            }
            Told::ResourceLost { resource, error, outcome } => {
                *self.at(resource.service).hold(resource.index) = Hold::Over;
                self.at(resource.service).cut |= outcome == Outcome::Forced;
                self.obey_failure(resource.service, error, now)
            }
            Told::ReleaseFinished { resource, outcome, error } => {
                *self.at(resource.service).hold(resource.index) = Hold::Over;
                self.at(resource.service).cut |= outcome == Outcome::Forced;
                let fault = Fault { stage: ErrorStage::Shutdown, remedy: Remedy::when(self.is_active()) };
                let expected = (outcome != Outcome::Ok).then_some(fault);
                now.blamed |= error.is_some_and(|error| !error.is_mended());
                ensure(error == expected, G07, "a failed release is told as what it is")
            }
            Told::Standby(ix, WaitsFor::Predecessor) => {
                let waits = self.waits(ix) && !std::mem::replace(&mut self.at(ix).standby, true);
                ensure(waits, G24, "who begins to wait is told of, once")
            }
            Told::SetupRetried(ix, retry) => self.obey_retry(ix, retry, now),
            Told::RestartStarted(ix, ref because) => self.obey_restart(ix, because, now),
            Told::RestartFinished(ix, outcome) => self.obey_restarted(ix, outcome, now),
            Told::StopStarted(ix) => {
                let asked = matches!(now.input, Input::StopAsked(by) | Input::RemoveAsked(by) if by == ix);
                ensure(asked && self.is_up(), G05, "who is asked to stop alone is told so")?;
                let service = self.at(ix);
                let free = matches!(service.transition, Transition::None | Transition::Addition);
                ensure(free && service.wanted, G07, "a stop begins once")?;
                (service.transition, service.wanted, service.owes_delay) = (Transition::Stop, false, None);
                if service.way == Way::On {
                    service.way = Way::Asked;
                }
                self.take_along(ix);
                Ok(())
            }
            Told::StopFinished(ix, outcome) => {
                let over = self.requested || matches!(now.input, Input::RestartAsked(by) if by == ix);
                let service = self.at(ix);
                ensure(service.transition == Transition::Stop, G07, "a stop is over once, after it began")?;
                service.transition = Transition::None;
                let fits = match outcome {
                    Outcome::Ended => over,
                    Outcome::Forced => service.is_down() && service.cut,
                    _ => service.is_down() && !service.cut,
                };
                ensure(fits, G07, "a stop is over when its service is down, and nothing of it was cut")
            }
            Told::ServiceAdded(ix) => self.obey_added(ix),
            Told::ServiceRemoved(ix) => self.obey_removed(ix),
            Told::ReloadStarted => self.obey_reload_started(),
            Told::ReloadFailed { service, step, error, .. } => {
                self.at(service).part = Part::Over;
                self.reloading.failed = true;
                match (step, error) {
                    (ReloadStep::Prepare, error) => ensure(error.is_none(), G26, "to refuse is no failure"),
                    (ReloadStep::Commit, Some(error)) => self.obey_failure(service, error, now),
                    (ReloadStep::Commit, None) => ensure(false, G26, "who cannot commit has failed"),
                }
            }
            Told::ReloadLeft(ix, step) => self.obey_reload_left(ix, step),
            Told::ReloadFinished(end) => self.obey_reload_finished(end),
            Told::HandoverStarted => self.obey_handover_started(),
            Told::HandoverFinished(end) => self.obey_handover_finished(end, now.input),
            Told::Standby(ix, WaitsFor::Lease) => self.obey_standby(ix),
            Told::StepDownStarted(ix) => self.obey_step_down(ix),
            Told::StepDownFinished(ix, outcome) => self.obey_stepped_down(ix, outcome, now),
            Told::LeaseAcquired(_) => Ok(()),
            Told::LeaseLost(ix) => self.obey_lease_lost(ix),
            Told::LeaseRefused { service, error } => self.obey_lease_refused(service, error, now),
            Told::Running => {
                ensure(!self.running && !self.requested, G13, "Running is told once, before any shutdown")?;
                ensure(
                    self.all_were_let_run() && self.all_accept(now.input),
                    G13,
                    "Running means that all run and calls are accepted",
                )?;
                (self.running, self.launched) = (true, true);
                Ok(())
            }
            Told::ShutdownRequested(ref cause) => self.obey_request(cause, now),
            Told::Draining => {
                let first = self.draining == Once::NotYet && now.requested == Some(true);
                ensure(first, G05, "what ran drains, once, from the request on")?;
                self.draining = Once::Pending;
                Ok(())
            }
            Told::Drained => {
                ensure(self.draining == Once::Pending, G05, "Drained follows Draining, once")?;
                ensure(!self.releasing, G06, "gRPC is drained before resources are released")?;
                self.draining = Once::Done;
                Ok(())
            }
            Told::Releasing => {
                ensure(
                    !self.releasing && self.services.iter().all(|s| s.vacant || s.closing == Once::Done),
                    G06,
                    "Releasing follows the last start",
                )?;
                self.releasing = true;
                Ok(())
            }
            Told::Stopped => {
                self.stopped = true;
                self.obey_end()
            }
        }
    }

    /// What fails outside of any step, while others count on its service, fails that service; afterwards it only spoils
    /// the end.
    fn obey_failure(&mut self, ix: ServiceIx, error: Fault, now: &mut Moment) -> Verdict {
        let stage = match (now.needed, self.launched()) {
            (false, _) => ErrorStage::Shutdown,
            (true, false) => ErrorStage::Setup,
            (true, true) => ErrorStage::Run,
        };
        let expected = self.expect(ix, Some(stage), now);
        now.blamed |= !error.is_mended();
        ensure(Some(error) == expected, Guarantee::G04, "what fails while it is needed fails its service")?;
        self.roll_back(ix, expected, now);
        Ok(())
    }

    /// An actor went outside of any step; if it was to come back, it cannot.
    fn obey_departure(&mut self, ix: ServiceIx, error: Fault, now: &mut Moment) -> Verdict {
        if matches!(now.input, Input::Gone(..)) && self.must_return(ix) {
            let stage = if self.launched() { ErrorStage::Run } else { ErrorStage::Setup };
            now.failure = Some((ix, stage));
            now.blamed |= !error.is_mended();
            let expected = Fault { stage, remedy: Remedy::None };
            return ensure(error == expected, Guarantee::G04, "who cannot come back fails the manager");
        }
        self.obey_failure(ix, error, now)
    }

    fn obey_retry(&mut self, ix: ServiceIx, retry: u32, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        ensure(now.retry.take() == Some(ix), G21, "whose set-up failed is set up again")?;
        let most = self.spec(ix).most_setup_retries;
        let service = self.at(ix);
        service.setup_retries += 1;
        ensure(u32::from(service.setup_retries) == retry, G21, "retries are counted")?;
        ensure(most.is_none_or(|most| retry <= most), G21, "no retry is beyond the budget")?;
        (service.way, service.owes_delay) = (Way::AtOnce, Some(Repeat::Setup));
        Ok(())
    }

    fn obey_restart(
        &mut self,
        ix: ServiceIx,
        because: &RestartCause<ServiceIx>,
        now: &mut Moment,
    ) -> Verdict {
        use Guarantee::*;
        ensure(self.is_up(), G05, "nothing restarts unless the manager runs")?;
        let service = self.get(ix);
        ensure(service.transition == Transition::None, G07, "a restart begins once")?;
        match *because {
            RestartCause::Failed { restart } => {
                ensure(now.restart.take() == Some(ix), G04, "who failed is restarted")?;
                ensure(u32::from(service.restarts) + 1 == restart, G04, "restarts are counted")?;
                ensure(self.may_restart(ix), G04, "no restart is beyond the budget")?;
                let service = self.at(ix);
                service.restarts += 1;
                (service.way, service.owes_delay) = (Way::AtOnce, Some(Repeat::Restart));
            }
            RestartCause::Dependency(on) => {
                let bound = self.spec(ix).depends_on.iter().any(|d| d.on == on && !d.survives);
                let leans = service.way == Way::On && service.has_begun();
                let lost = bound && !self.get(on).is_up() && leans;
                ensure(lost, G04, "who goes down with another depends on it")?;
                self.at(ix).way = Way::Asked;
            }
            RestartCause::Asked => {
                ensure(now.input == Input::RestartAsked(ix), G04, "who is asked to restart does")?;
            }
        }
        self.at(ix).transition = Transition::Restart;
        self.take_along(ix);
        Ok(())
    }

    /// Who was about to be up again, or for the first time, goes down with another without another word.
    fn take_along(&mut self, ix: ServiceIx) {
        for at in 0..self.services.len() {
            let bound = self.specs[at].depends_on.iter().any(|on| on.on == ix && !on.survives);
            let service = &mut self.services[at];
            let passes = matches!(service.transition, Transition::Restart | Transition::Addition);
            if bound && service.way == Way::On && service.has_begun() && passes {
                service.way = Way::Asked;
            }
        }
    }

    fn obey_restarted(&mut self, ix: ServiceIx, outcome: Outcome, now: &mut Moment) -> Verdict {
        let asked = matches!(now.input, Input::StopAsked(by) | Input::RemoveAsked(by) if by == ix);
        let removed = self.get(ix).removed;
        let over = self.requested || asked || removed || now.input == Input::StepDownAsked(ix);
        let service = self.at(ix);
        ensure(
            service.transition == Transition::Restart,
            Guarantee::G07,
            "a restart is over once, after it began",
        )?;
        service.transition = Transition::None;
        let runs = service.is_up() && (!service.kind.runs() || service.step(Step::Run) != Seen::Unsent);
        let failed = now.restart == Some(ix);
        let fits = over || failed || (outcome == Outcome::Ok && (runs || service.stands_by()));
        ensure(fits, Guarantee::G07, "a restart is over when its service runs, or never will")
    }

    fn obey_request(&mut self, cause: &Cause<ServiceIx>, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        ensure(!self.requested, G05, "the shutdown begins once, and keeps its first cause")?;
        self.requested = true;
        self.end_checks();
        self.cancels = !matches!(cause, Cause::SetupFailed(_));
        now.requested = Some(self.launched());
        let fits = match *cause {
            Cause::StartShutdown => now.input == Input::ShutdownAsked,
            Cause::ForceShutdown => now.input == Input::ForceAsked,
            Cause::Signal(signal) => now.input == Input::Signal(signal),
            Cause::SetupFailed(ix) => {
                let failed = now.failure == Some((ix, ErrorStage::Setup)) && !self.launched();
                failed || self.is_refused(ix)
            }
            Cause::RunFailed(ix) => now.failure == Some((ix, ErrorStage::Run)) && self.launched(),
            Cause::Handover => self.handing.in_charge,
            Cause::Finished => {
                let has_work = |service: &Watched| {
                    let over = service.way == Way::On && !service.is_open(Step::Run);
                    service.kind.runs() && service.wanted && !over
                };
                self.launched() && !self.services.iter().any(has_work) && now.failure.is_none()
            }
        };
        ensure(fits, G05, "the cause is what happened")
    }

    fn obey_end(&self) -> Verdict {
        use Guarantee::*;
        for service in &self.services {
            ensure(service.is_settled(), G07, "every step that started is finished at the end")?;
            ensure(!service.lives() || service.vacant, G13, "no actor outlives its manager")?;
            let over = service.holds().iter().all(|&hold| hold == Hold::Over);
            ensure(over, G07, "every resource is accounted for at the end")?;
        }
        ensure(!self.waits_for_store(), G25, "the end waits for the stores")?;
        ensure(self.requested && self.releasing, G13, "the end is the last stage")?;
        ensure(self.draining != Once::Pending, G05, "Drained follows Draining")
    }

    /// Which part of the error an ended step belongs to.
    fn error_of(&self, ix: ServiceIx, step: Step, outcome: Outcome) -> Option<ErrorStage> {
        let asked = self.get(ix).step(Step::Shutdown) != Seen::Unsent;
        match outcome {
            Outcome::Ok => None,
            Outcome::Forced => Some(ErrorStage::Shutdown),
            // Its failure has been told; this is merely cut.
            Outcome::Ended if self.get(ix).way == Way::AtOnce => None,
            // Who ends when asked to end did as it was told.
            Outcome::Ended if matches!(step, Step::Run | Step::Shutdown) && asked => None,
            Outcome::Error | Outcome::Panic | Outcome::Ended => Some(match step {
                Step::Register | Step::Setup if self.launched() => ErrorStage::Run,
                Step::Register | Step::Setup => ErrorStage::Setup,
                Step::Run => ErrorStage::Run,
                Step::Shutdown => ErrorStage::Shutdown,
            }),
        }
    }
}
