//! Each announcement against the history so far: is it true, and is this its moment?

use super::super::io::{Announcement as Told, Input};
use super::super::names::{Cause, ErrorStage, Outcome, ServiceIx, Step};
use super::accounts::Account;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::world::{Hold, Once, Seen, World};

impl World {
    pub(super) fn obey_announcement(&mut self, told: &Told, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        if let Some(account) = Account::of(told) {
            ensure(now.due.get(now.given) == Some(&account), G07, "what is told happened, once, in order")?;
            now.given += 1;
        }
        match *told {
            Told::StepStarted(ix, step) => {
                ensure(now.step.replace((ix, step)).is_none(), G07, "what is announced is sent")
            }
            Told::ReleaseStarted(resource) => {
                ensure(self.releasing, G06, "Releasing comes before the first release")?;
                ensure(now.release.replace(resource).is_none(), G07, "what is announced is sent")
            }
            Told::StepFinished { service, step, outcome, error } => {
                ensure(error == self.error_of(service, step, outcome), G07, "no failure is lost")?;
                let seen = if outcome == Outcome::Ok { Seen::Ok } else { Seen::Failed };
                self.at(service).steps[step as usize] = seen;
                now.fails(service, error);
                Ok(())
            }
            Told::Panicked { service, error, .. } => {
                now.fails(service, Some(error));
                Ok(())
            }
            Told::ServiceLost { service, error, .. } => {
                now.fails(service, Some(error));
                self.obey_loss(error, now)
            }
            Told::ServiceStuck(_) => Ok(()),
            Told::ResourceStarted(resource) => {
                let index = self.at(resource.service).add_hold();
                ensure(index == resource.index, G07, "resources are counted in the order of their start")
            }
            Told::ResourceLost { resource, error, .. } => {
                *self.at(resource.service).hold(resource.index) = Hold::Over;
                now.fails(resource.service, Some(error));
                self.obey_loss(error, now)
            }
            Told::ReleaseFinished { resource, .. } => {
                *self.at(resource.service).hold(resource.index) = Hold::Over;
                Ok(())
            }
            Told::Running => {
                ensure(!self.running && !self.requested, G13, "Running is told once, before any shutdown")?;
                let serving = !self.has_server() || now.input == Input::Serving;
                ensure(self.all_run() && serving, G13, "Running means that all run and calls are accepted")?;
                self.running = true;
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
                    !self.releasing && self.closing == Once::Done,
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

    /// What dies while others count on its service fails that service; afterwards it only spoils the end.
    fn obey_loss(&self, error: ErrorStage, now: &Moment) -> Verdict {
        let stage = match (now.needed, self.launched()) {
            (false, _) => ErrorStage::Shutdown,
            (true, false) => ErrorStage::Setup,
            (true, true) => ErrorStage::Run,
        };
        ensure(error == stage, Guarantee::G04, "what dies while it is needed fails its service")
    }

    fn obey_request(&mut self, cause: &Cause<ServiceIx>, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        ensure(!self.requested, G05, "the shutdown begins once, and keeps its first cause")?;
        self.requested = true;
        now.requested = Some(self.launched());
        let fits = match *cause {
            Cause::StartShutdown => now.input == Input::ShutdownAsked,
            Cause::ForceShutdown => now.input == Input::ForceAsked,
            Cause::Signal(signal) => now.input == Input::Signal(signal),
            Cause::SetupFailed(ix) => now.failure == Some((ix, ErrorStage::Setup)) && !self.launched(),
            Cause::RunFailed(ix) => now.failure == Some((ix, ErrorStage::Run)) && self.launched(),
            Cause::Finished => {
                let nobody_runs = self.services.iter().all(|service| !service.is_open(Step::Run));
                self.launched() && self.all_run() && nobody_runs && now.failure.is_none()
            }
        };
        ensure(fits, G05, "the cause is what happened")
    }

    fn obey_end(&self) -> Verdict {
        use Guarantee::*;
        for service in &self.services {
            ensure(service.is_settled(), G07, "every step that started is finished at the end")?;
            ensure(!service.lives(), G13, "no actor outlives its manager")?;
            let over = service.holds().iter().all(|&hold| hold == Hold::Over);
            ensure(over, G07, "every resource is accounted for at the end")?;
        }
        ensure(self.requested && self.releasing, G13, "the end is the last stage")?;
        ensure(self.draining != Once::Pending, G05, "Drained follows Draining")
    }

    /// Which part of the error an ended step belongs to.
    fn error_of(&self, ix: ServiceIx, step: Step, outcome: Outcome) -> Option<ErrorStage> {
        let asked = self.get(ix).step(Step::Shutdown) != Seen::Unsent;
        match outcome {
            Outcome::Ok => None,
            Outcome::Forced => Some(ErrorStage::Shutdown),
            // Who ends when asked to end did as it was told.
            Outcome::Ended if matches!(step, Step::Run | Step::Shutdown) && asked => None,
            Outcome::Error | Outcome::Panic | Outcome::Ended => Some(match step {
                Step::Register | Step::Setup => ErrorStage::Setup,
                Step::Run => ErrorStage::Run,
                Step::Shutdown => ErrorStage::Shutdown,
            }),
        }
    }
}
