//! One service down, and up again, while others run.
//!
//! ```text
//!   failed ------------------------> cut off --.
//!   asked, or a dependency fails --> Shutdown --> at rest --> resources released --> down --> [delay] --> up
//!                 those that depend on it go first: ^                ^                ^ those that it depends on are up
//! ```
//!
//! A set-up that failed and is tried again goes the same way, also before anybody runs.

use super::announcement::{Announcement, Fault, Remedy};
use super::io::{Command, Departure, Limited};
use super::machine::{Commands, Machine};
use super::names::{Outcome, Repeat, RestartCause, ServiceIx, Stage, Step};
use super::service::{Actor, Life, Registry, Resource, StopMode, Transition};

impl Machine {
    /// A service that failed, or returned though it always is to run, starts over.
    pub(super) fn restart_failed(&mut self, ix: ServiceIx, outcome: Outcome, out: &mut Commands) {
        self.service(ix).restarts += 1;
        self.service(ix).owes_delay = Some(Repeat::Restart);
        let restart = self.get(ix).restarts;
        if self.get(ix).transition == Transition::Restart {
            // The attempt itself failed; there is another.
            self.service(ix).transition = Transition::None;
            self.announce(Announcement::RestartFinished(ix, outcome), out);
        }
        self.begin_restart(ix, RestartCause::Failed { restart }, out);
        self.leave(ix, StopMode::AtOnce);
    }

    /// A set-up that failed starts over, in a new life: whoever waits for the service goes on waiting.
    pub(super) fn retry_setup(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.service(ix).setup_retries += 1;
        self.service(ix).owes_delay = Some(Repeat::Setup);
        self.service(ix).setup_retried = true;
        let retry = self.get(ix).setup_retries;
        self.announce(Announcement::SetupRetried(ix, retry), out);
        self.leave(ix, StopMode::AtOnce);
    }

    /// A service goes down with one that it depends on.
    pub(super) fn follow(&mut self, ix: ServiceIx, out: &mut Commands) {
        let lost = |on: &&super::spec::Dependency| !on.survives && !self.get(on.on).facts.up;
        let Some(first) = self.get(ix).depends_on.iter().find(lost).map(|on| on.on) else { return };
        self.begin_restart(ix, RestartCause::Dependency(first), out);
        self.leave(ix, StopMode::Asked);
    }

    fn begin_restart(&mut self, ix: ServiceIx, because: RestartCause<ServiceIx>, out: &mut Commands) {
        if self.get(ix).transition == Transition::None {
            self.service(ix).transition = Transition::Restart;
            self.announce(Announcement::RestartStarted(ix, because), out);
        }
    }

    /// `StopService`
    pub(super) fn stop_asked(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage != Stage::Running || !self.get(ix).wanted {
            return;
        }
        self.service(ix).wanted = false;
        self.service(ix).owes_delay = None;
        self.end_transition(ix, out);
        self.service(ix).transition = Transition::Stop;
        self.announce(Announcement::StopStarted(ix), out);
        if self.get(ix).life == Life::On {
            self.leave(ix, StopMode::Asked);
        } else {
            self.come_down_when_there(ix, out);
        }
        self.withdraw(ix, out);
        self.end_stay_out(ix);
        self.note(ix);
        self.tell_running(out);
    }

    /// `RestartService`: also of one that was stopped.
    pub(super) fn restart_asked(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let refused = service.leaves_for_good
            || service.transition == Transition::Addition
            || !service.restartable
            || service.actor == Actor::Gone;
        if self.stage != Stage::Running || refused {
            return;
        }
        if matches!(service.transition, Transition::Stop | Transition::StepDown) {
            self.end_transition(ix, out);
        }
        self.end_stay_out(ix);
        self.service(ix).wanted = true;
        self.service(ix).owes_delay = None;
        self.begin_restart(ix, RestartCause::Asked, out);
        if self.stands_by(ix) {
            // There is no life that could end.
            self.stand_by(ix, out);
        }
        match self.get(ix).life {
            Life::On => self.leave(ix, StopMode::Asked),
            Life::Delayed => self.service(ix).life = Life::Down,
            Life::Down | Life::Leaving(_) => {}
        }
        self.note(ix);
        self.touch(ix);
    }

    /// What was announced as begun is told to be over, before it came to its end.
    pub(super) fn end_transition(&mut self, ix: ServiceIx, out: &mut Commands) {
        match std::mem::replace(&mut self.service(ix).transition, Transition::None) {
            Transition::Restart => self.announce(Announcement::RestartFinished(ix, Outcome::Ended), out),
            Transition::Stop => self.announce(Announcement::StopFinished(ix, Outcome::Ended), out),
            Transition::StepDown => self.announce(Announcement::StepDownFinished(ix, Outcome::Ended), out),
            Transition::Addition | Transition::None => {}
        }
    }

    pub(super) fn forgotten(&mut self, ix: ServiceIx, repeat: Repeat, count: u32, out: &mut Commands) {
        let service = self.service(ix);
        let counted = match repeat {
            Repeat::Setup => &mut service.setup_retries,
            Repeat::Restart => &mut service.restarts,
        };
        *counted = counted.saturating_sub(count);
        self.review_permit(ix, out);
    }

    pub(super) fn delay_over(&mut self, ix: ServiceIx) {
        if self.is_active() && self.get(ix).life == Life::Delayed {
            self.service(ix).life = Life::Down;
            self.touch(ix);
        }
    }

    /// A service is on its way down; those that depend on it hear of it.
    pub(super) fn leave(&mut self, ix: ServiceIx, stop_mode: StopMode) {
        match (self.get(ix).life, stop_mode) {
            (Life::On, _) | (Life::Leaving(StopMode::Asked), StopMode::AtOnce) => {
                self.service(ix).life = Life::Leaving(stop_mode);
                self.note(ix);
                self.touch(ix);
            }
            _ => {}
        }
    }

    /// One step further down, if those that depend on it let it.
    pub(super) fn leave_further(&mut self, ix: ServiceIx, stop_mode: StopMode, out: &mut Commands) {
        let service = self.get(ix);
        if stop_mode == StopMode::Asked {
            let cut = self.is_to_be_cut(ix);
            if !service.asked && service.neighbours.blocking > 0 && !cut {
                return;
            }
            if !service.asked {
                self.ask(ix, out);
            }
            if !self.get(ix).is_settled() && !cut {
                return;
            }
        }
        if self.get(ix).actor == Actor::Alive {
            self.bring_to_rest(ix, out);
        }
        self.clear_away(ix, out);
    }

    /// The actor's work is over, or is cut.
    fn bring_to_rest(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.service(ix);
        let again = service.restartable && !service.leaves_for_good;
        service.actor = if again { Actor::Suspending } else { Actor::Retiring };
        out.push(if again { Command::Suspend(ix) } else { Command::Retire(ix) });
        out.push(Command::StartStopTimer(ix, Limited::Service));
    }

    /// Whose actor rests gives its resources back; then it is down.
    fn clear_away(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        if !service.rests() {
            return;
        }
        match service.registry {
            Registry::Open if service.neighbours.holding == 0 => self.close(ix, out),
            Registry::Closed if !service.has_resources() => self.come_down(ix, out),
            _ => {}
        }
    }

    fn come_down(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.service(ix);
        service.life = Life::Down;
        if let Some(repeat) = service.owes_delay.take() {
            service.life = Life::Delayed;
            out.push(Command::StartDelay(ix, repeat));
        }
        self.note(ix);
        self.touch(ix);
        self.return_lease(ix, out);
        self.come_down_when_there(ix, out);
        self.dismiss(ix, out);
    }

    /// The stop of one that is down is over.
    fn come_down_when_there(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.service(ix);
        if service.life == Life::Delayed && !service.wanted {
            service.life = Life::Down;
        }
        if service.life == Life::Down && service.transition == Transition::Stop {
            service.transition = Transition::None;
            let outcome = if service.cut { Outcome::Forced } else { Outcome::Ok };
            self.announce(Announcement::StopFinished(ix, outcome), out);
        }
    }

    /// Whether a service that goes down, or is down, is to come back.
    pub(super) fn must_return(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        self.is_active() && service.life != Life::On && service.wanted
    }

    /// One that is to come back, but whose actor is gone, cannot: that is a failure of the manager's.
    pub(super) fn give_up_restart(&mut self, ix: ServiceIx, departure: Departure, out: &mut Commands) {
        let (stage, cause) = self.blame(ix);
        let error = Fault { stage, remedy: Remedy::None };
        if departure == Departure::Abandoned {
            self.announce(Announcement::ServiceStuck(ix, error), out);
        } else {
            let outcome = departure.outcome();
            self.announce(Announcement::ServiceLost { service: ix, outcome, error }, out);
        }
        self.request_shutdown(cause, out);
    }

    /// G8: a stop that takes longer than it may is cut.
    pub(super) fn stop_timeout(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let leaving = matches!(service.life, Life::Leaving(_)) && self.is_active();
        let stopping = self.stage == Stage::Stopping && service.stop_limit && service.asked;
        if !leaving && !stopping {
            return;
        }
        match service.actor {
            Actor::Alive if leaving && service.asked && service.restartable && !service.leaves_for_good => {
                self.bring_to_rest(ix, out);
            }
            Actor::Alive if service.asked && !service.is_settled() => self.force(ix, out),
            Actor::Suspending | Actor::Retiring => self.force(ix, out),
            _ if leaving && service.registry == Registry::Closed => self.force_releasing(ix, out),
            _ => {}
        }
    }

    fn force_releasing(&mut self, ix: ServiceIx, out: &mut Commands) {
        let releasing = |&resource: &Resource| resource == Resource::Releasing;
        if let Some(index) = self.get(ix).resources.iter().position(releasing) {
            self.force_resource(super::ResourceIx { service: ix, index: index as u32 }, out);
        }
    }

    /// A service is asked to stop: it, and its signal.
    pub(super) fn ask(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.service(ix).asked = true;
        let service = self.get(ix);
        if (service.stop_limit || !self.is_stopping()) && service.actor == Actor::Alive {
            out.push(Command::StartStopTimer(ix, Limited::Service));
        }
        out.push(Command::SignalRequested(ix));
        if service.is_open(Step::Run) && service.actor == Actor::Alive {
            self.send(ix, Step::Shutdown, out);
        }
        self.note(ix);
        self.touch(ix);
    }
}
