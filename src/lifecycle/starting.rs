//! The way up: register, set up, run.
//!
//! ```text
//!   stores of leases asked --> the server's port --> [Register] --> Setup --> all set up --> Run
//!                         a service at a time comes after those that it depends on;
//!                         in a successor what waits registers at once, and is set up later
//! ```
//!
//! Once all run, a service that starts again, or is added, is set up and run on its own.

use super::announcement::Announcement;
use super::io::{Answer, Command};
use super::machine::{Commands, Machine};
use super::names::{Cause, Kind, Outcome, ServiceIx, Stage, Step};
use super::service::{Actor, Life, Progress, Service, Transition};

impl Machine {
    pub(super) fn start(&mut self, out: &mut Commands) {
        if self.stage != Stage::Created {
            return;
        }
        self.stage = Stage::SettingUp;
        self.each().for_each(|ix| self.check_lease(ix, out));
        self.begin_when_checked(out);
    }

    /// The stores of leases have been asked.
    pub(super) fn begin(&mut self, out: &mut Commands) {
        // A port that cannot be had is known before anybody's set-up begins.
        match self.each().find(|&ix| self.get(ix).kind == Kind::Server) {
            Some(server) => {
                self.service(server).life = Life::On;
                self.send(server, Step::Setup, out);
            }
            None => self.open(out),
        }
    }

    /// Everybody who depends on nobody may start; the others follow.
    fn open(&mut self, out: &mut Commands) {
        self.opened = true;
        for ix in self.each() {
            self.tell_standby(ix, out);
            self.start_when_due(ix, out);
        }
        self.run_when_set_up(out);
    }

    /// A service that is down starts, if it is to be up and those that it depends on are. What waits for the predecessor of this process
    /// does no more than register: its calls are known from the beginning.
    pub(super) fn start_when_due(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let startable = matches!(service.actor, Actor::Unborn | Actor::Suspended);
        let registered = service.step(Step::Register) == Progress::Over(Outcome::Ok);
        let register = service.kind.registers() && !registered;
        let may = if service.waits { register } else { service.neighbours.missing == 0 };
        let due = service.life == Life::Down && service.wanted && startable && may;
        if !due || !self.opened || self.is_stopping() {
            return self.withdraw(ix, out);
        }
        if !self.may_live(ix, out) {
            return;
        }
        let service = self.get(ix);
        let again = service.actor == Actor::Suspended;
        self.service(ix).start_over();
        self.service(ix).life = Life::On;
        if again {
            self.service(ix).actor = Actor::Alive;
            out.push(Command::Restart(ix));
        }
        self.send(ix, if register { Step::Register } else { Step::Setup }, out);
    }

    /// Who has registered is set up: at once, or when the predecessor is gone and those that it depends on are up.
    pub(super) fn set_up_when_due(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let due = service.life == Life::On && service.is_only_registered() && service.neighbours.missing == 0;
        if due && !service.waits && !self.is_stopping() {
            self.send(ix, Step::Setup, out);
        }
    }

    pub(super) fn send(&mut self, ix: ServiceIx, step: Step, out: &mut Commands) {
        let service = self.service(ix);
        service.set(step, Progress::Open);
        if service.actor == Actor::Unborn {
            service.actor = Actor::Alive;
            self.actors += 1;
        }
        self.open_steps += 1;
        self.open_runs += usize::from(step == Step::Run);
        out.push(Command::Announce(Announcement::StepStarted(ix, step)));
        out.push(Command::Send(ix, step));
        self.note(ix);
    }

    pub(super) fn answered(&mut self, ix: ServiceIx, step: Step, answer: Answer, out: &mut Commands) {
        if !self.get(ix).is_open(step) {
            return;
        }
        let cancelled = self.cancels(ix, step) && !matches!(answer, Answer::OwnError | Answer::Panic);
        self.step_over(ix, step, answer.outcome(), cancelled, out);
        let by_itself = self.get(ix).life == Life::On;
        if answer == Answer::Ok && self.get(ix).life == Life::On && !self.is_stopping() {
            match step {
                Step::Register => {
                    self.set_up_when_due(ix, out);
                    self.run_when_set_up(out);
                }
                Step::Setup if self.get(ix).kind == Kind::Server => self.open(out),
                Step::Setup => self.set_up(ix, out),
                Step::Run => self.returned(ix, out),
                Step::Shutdown => {}
            }
        }
        if by_itself {
            self.finish_when_idle(out);
        }
    }

    fn set_up(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage == Stage::Running {
            self.run(ix, out);
            self.arrive(ix, out);
        } else {
            self.run_when_set_up(out);
        }
    }

    fn run(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).kind.runs() {
            self.send(ix, Step::Run, out);
        }
    }

    pub(super) fn run_allowed(&mut self, out: &mut Commands) {
        self.held = false;
        self.run_when_set_up(out);
    }

    /// Whether nobody is to be waited for before main loops run. Who waits for the predecessor of this process has registered by then.
    pub(super) fn all_are_set_up(&self) -> bool {
        let apart = self.handover.waiting + self.leases.standing_by;
        self.opened && (self.up + apart) as usize == self.services.len() && self.open_steps == 0
    }

    pub(super) fn run_when_set_up(&mut self, out: &mut Commands) {
        if self.stage != Stage::SettingUp || self.held || !self.all_are_set_up() {
            return;
        }
        self.stage = Stage::Running;
        for at in 0..self.order.len() {
            if self.get(self.order[at]).facts.up {
                self.run(self.order[at], out);
                self.review_permit(self.order[at], out);
            }
        }
        self.tell_running(out);
        self.finish_when_idle(out);
        self.reload_when_due(out);
    }

    /// A service is up again, or for the first time in a manager that runs; or it stands by.
    pub(super) fn arrive(&mut self, ix: ServiceIx, out: &mut Commands) {
        match std::mem::replace(&mut self.service(ix).transition, Transition::None) {
            Transition::Restart => self.announce(Announcement::RestartFinished(ix, Outcome::Ok), out),
            Transition::Addition => self.announce(Announcement::ServiceAdded(ix), out),
            Transition::Stop | Transition::StepDown | Transition::None => {}
        }
    }

    /// A server accepts connections.
    pub(super) fn serving(&mut self, ix: ServiceIx, out: &mut Commands) {
        let running = self.stage == Stage::Running;
        let service = self.service(ix);
        if running && service.kind.accepts() && service.is_open(Step::Run) {
            service.serving = true;
            self.tell_running(out);
            self.give_way_if_accepting(ix, out);
        }
    }

    /// Everybody runs, and every server accepts connections.
    pub(super) fn tell_running(&mut self, out: &mut Commands) {
        let is_to_be_told = self.stage == Stage::Running && !self.running_announced;
        if is_to_be_told && !self.services.iter().any(Service::is_awaited) {
            self.running_announced = true;
            out.push(Command::Announce(Announcement::Running));
        }
    }

    /// G4: a manager in which every main loop has returned ends by itself.
    fn finish_when_idle(&mut self, out: &mut Commands) {
        if self.stage == Stage::Running && self.working == 0 {
            self.request_shutdown(Cause::Finished, out);
        }
    }
}
