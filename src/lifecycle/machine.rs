//! The way up: register, set up, run. The way down is in `stopping`.

use super::io::{Announcement, Answer, Command, Departure, Input};
use super::names::{Cause, ErrorStage, Kind, Outcome, ResourceIx, ServiceIx, SignalKind, Stage, Step};
use super::service::{Actor, Progress, Resource, Service};
use super::stopping::Stopping;

/// Every rule of a manager's life, as a value.
///
/// The counters are what the shells of ten thousand services need: each input costs the same, however
/// many services there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Machine {
    pub(super) services: Vec<Service>,
    pub(super) stage: Stage,
    pub(super) stopping: Stopping,
    pub(super) signals: u8,
    pub(super) running_announced: bool,
    /// Services whose set-up succeeded.
    pub(super) set_up: usize,
    /// Steps sent and not over.
    pub(super) open_steps: usize,
    /// `Run`s sent and not over.
    pub(super) open_runs: usize,
    /// Actors of services that are not gone.
    pub(super) actors: usize,
    /// Resources that are not over.
    pub(super) resources: usize,
}

/// What a step of the machine leaves to be done, in order.
pub(crate) type Commands = Vec<Command>;

impl Machine {
    /// A machine for services of these kinds. At most one is the server.
    pub(crate) fn new(kinds: impl IntoIterator<Item = Kind>, drain_delay: bool) -> Self {
        Self {
            services: kinds.into_iter().map(Service::new).collect(),
            stage: Stage::Created,
            stopping: Stopping::new(drain_delay),
            signals: 0,
            running_announced: false,
            set_up: 0,
            open_steps: 0,
            open_runs: 0,
            actors: 0,
            resources: 0,
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether every service runs, and nothing has asked for the shutdown.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Running && self.running_announced
    }

    /// Services and resources that an end waits for: a service that has settled is not among them, unless
    /// its actor does not go.
    pub(crate) fn left(&self) -> usize {
        let unsettled = self.services.iter().filter(|service| !service.is_settled()).count();
        self.resources + if self.stopping.retired { self.actors } else { unsettled }
    }

    /// Takes note of what happened, and tells what is to be done about it.
    pub(crate) fn step(&mut self, input: Input) -> Commands {
        let mut out = Commands::new();
        // After the end, only a third signal still means something.
        let too_late = self.stage == Stage::Stopped && !matches!(input, Input::Signal(_));
        if too_late || !self.knows(input) {
            return out;
        }
        match input {
            Input::Start => self.start(&mut out),
            Input::Answered(service, step, answer) => {
                self.answered(service, step, answer, &mut out);
            }
            Input::Serving => self.serving(&mut out),
            Input::Panicked(service) => self.panicked(service, None, &mut out),
            Input::Gone(service, departure) => self.gone(service, departure, &mut out),
            Input::ResourceStarted(service) => self.resource_started(service, &mut out),
            Input::ResourcesClosed => self.resources_closed(&mut out),
            Input::Released(resource, answer) => self.released(resource, answer, &mut out),
            Input::ResourcePanicked(resource) => {
                self.panicked(resource.service, Some(resource), &mut out);
            }
            Input::ResourceGone(resource, departure) => {
                self.resource_gone(resource, departure, &mut out);
            }
            Input::ShutdownAsked => self.request_shutdown(Cause::StartShutdown, &mut out),
            Input::ForceAsked => self.force_now(Cause::ForceShutdown, &mut out),
            Input::Signal(signal) => self.signal(signal, &mut out),
            Input::DrainDelayOver => self.drain_delay_over(&mut out),
            Input::ReserveReached => self.reserve_reached(&mut out),
            Input::DeadlineReached => self.deadline_reached(&mut out),
            Input::LastCallOver => self.last_call_over(&mut out),
        }
        out
    }

    /// Whether the input speaks of services and resources that exist.
    fn knows(&self, input: Input) -> bool {
        let service = |ix: ServiceIx| self.services.get(ix.0 as usize);
        match input {
            Input::Answered(ix, ..)
            | Input::Panicked(ix)
            | Input::Gone(ix, _)
            | Input::ResourceStarted(ix) => service(ix).is_some(),
            Input::Released(r, _) | Input::ResourcePanicked(r) | Input::ResourceGone(r, _) => {
                service(r.service).is_some_and(|s| s.resources.len() > r.index as usize)
            }
            _ => true,
        }
    }

    pub(super) fn service(&mut self, ix: ServiceIx) -> &mut Service {
        &mut self.services[ix.0 as usize]
    }

    pub(super) fn each(&self) -> impl Iterator<Item = ServiceIx> + use<> {
        (0..self.services.len() as u32).map(ServiceIx)
    }

    fn start(&mut self, out: &mut Commands) {
        if self.stage != Stage::Created {
            return;
        }
        self.stage = Stage::SettingUp;
        // A port that cannot be had is known before anybody's set-up begins.
        match self.each().find(|&ix| self.service(ix).kind == Kind::Server) {
            Some(server) => self.send(server, Step::Setup, out),
            None => self.open_set_up(out),
        }
    }

    fn open_set_up(&mut self, out: &mut Commands) {
        for ix in self.each() {
            match self.service(ix).kind {
                Kind::Server => {}
                kind if kind.registers() => self.send(ix, Step::Register, out),
                _ => self.send(ix, Step::Setup, out),
            }
        }
        self.run_when_set_up(out);
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
    }

    fn answered(&mut self, ix: ServiceIx, step: Step, answer: Answer, out: &mut Commands) {
        if !self.service(ix).is_open(step) {
            return;
        }
        self.step_over(ix, step, answer.outcome(), out);
        if answer == Answer::Ok {
            match step {
                Step::Register if !self.is_stopping() => self.send(ix, Step::Setup, out),
                Step::Setup if !self.is_stopping() && self.service(ix).kind == Kind::Server => {
                    self.open_set_up(out);
                }
                Step::Setup => self.run_when_set_up(out),
                _ => {}
            }
        }
        self.run_over(out);
    }

    /// Closes an open step, tells of it, and lets a failure take its course.
    pub(super) fn step_over(&mut self, ix: ServiceIx, step: Step, outcome: Outcome, out: &mut Commands) {
        let asked = self.service(ix).step(Step::Shutdown) != Progress::Unsent;
        let error = error_of(step, outcome, asked);
        let kind = self.service(ix).kind;
        self.service(ix).set(step, Progress::Over(outcome));
        self.open_steps -= 1;
        self.open_runs -= usize::from(step == Step::Run);
        self.set_up += usize::from(step == Step::Setup && outcome == Outcome::Ok);
        out.push(Command::Announce(Announcement::StepFinished { service: ix, step, outcome, error }));
        if kind == Kind::Server && step == Step::Run {
            self.drained(out);
        }
        match error {
            Some(ErrorStage::Setup) => self.request_shutdown(Cause::SetupFailed(ix), out),
            Some(ErrorStage::Run) => self.request_shutdown(Cause::RunFailed(ix), out),
            Some(ErrorStage::Shutdown) | None => {}
        }
    }

    fn run_when_set_up(&mut self, out: &mut Commands) {
        if self.stage != Stage::SettingUp || self.set_up < self.services.len() {
            return;
        }
        self.stage = Stage::Running;
        let mut server = false;
        for ix in self.each() {
            let kind = self.service(ix).kind;
            server |= kind == Kind::Server;
            if kind.runs() {
                self.send(ix, Step::Run, out);
            }
        }
        if !server {
            self.serving(out);
        }
        self.run_over(out);
    }

    /// Everybody runs, and the server, where there is one, accepts calls.
    fn serving(&mut self, out: &mut Commands) {
        if self.stage == Stage::Running && !self.running_announced {
            self.running_announced = true;
            out.push(Command::Announce(Announcement::Running));
        }
    }

    /// What follows when a step is over: everybody may have finished, or settled.
    fn run_over(&mut self, out: &mut Commands) {
        if self.stage == Stage::Running && self.open_runs == 0 {
            self.request_shutdown(Cause::Finished, out);
        }
        self.advance(out);
        self.stop_when_over(out);
    }

    fn panicked(&mut self, ix: ServiceIx, resource: Option<ResourceIx>, out: &mut Commands) {
        let over = match resource {
            Some(r) => self.service(ix).resources[r.index as usize] == Resource::Over,
            None => matches!(self.service(ix).actor, Actor::Unborn | Actor::Gone),
        };
        if !over {
            let error = self.error_stage(self.services[ix.0 as usize].is_needed());
            out.push(Command::Announce(Announcement::Panicked { service: ix, resource, error }));
            self.fail(ix, error, out);
        }
    }

    fn gone(&mut self, ix: ServiceIx, departure: Departure, out: &mut Commands) {
        let before = self.service(ix).actor;
        let possible = match departure {
            Departure::Ended | Departure::Panicked => !matches!(before, Actor::Unborn | Actor::Gone),
            Departure::Dismissed => matches!(before, Actor::Retiring | Actor::Forcing),
            Departure::Abandoned => before == Actor::Forcing,
        };
        if !possible {
            return;
        }
        let needed = self.service(ix).is_needed();
        self.service(ix).actor = Actor::Gone;
        self.actors -= 1;
        let open: Vec<Step> = Step::ALL.into_iter().filter(|&step| self.service(ix).is_open(step)).collect();
        if open.is_empty() {
            self.gone_idle(ix, needed, departure, out);
        }
        for &step in &open {
            // The one panic is told with the first step that it ended; the others just never got an answer.
            let outcome = match departure {
                Departure::Panicked if step != open[0] => Outcome::Ended,
                _ => departure.outcome(),
            };
            self.step_over(ix, step, outcome, out);
        }
        self.run_over(out);
    }

    /// An actor without an open step went: as told, or by itself while others still counted on it.
    fn gone_idle(&mut self, ix: ServiceIx, needed: bool, departure: Departure, out: &mut Commands) {
        let lost = match departure {
            Departure::Dismissed => false,
            Departure::Abandoned => {
                out.push(Command::Announce(Announcement::ServiceStuck(ix)));
                false
            }
            Departure::Panicked => true,
            // An actor may stop itself once shutdown was asked.
            Departure::Ended => needed && !self.is_stopping(),
        };
        if lost {
            let error = self.error_stage(needed);
            let outcome = departure.outcome();
            out.push(Command::Announce(Announcement::ServiceLost { service: ix, outcome, error }));
            self.fail(ix, error, out);
        }
    }

    /// The part of the error that a failure outside of any step belongs to.
    /// One who is not needed any more brings nobody else down.
    pub(super) fn error_stage(&self, needed: bool) -> ErrorStage {
        match self.stage {
            _ if !needed => ErrorStage::Shutdown,
            Stage::Created | Stage::SettingUp => ErrorStage::Setup,
            Stage::Running => ErrorStage::Run,
            Stage::Stopping if self.stopping.ran => ErrorStage::Run,
            Stage::Stopping => ErrorStage::Setup,
            Stage::Releasing | Stage::Stopped => ErrorStage::Shutdown,
        }
    }

    pub(super) fn fail(&mut self, ix: ServiceIx, error: ErrorStage, out: &mut Commands) {
        match error {
            ErrorStage::Setup => self.request_shutdown(Cause::SetupFailed(ix), out),
            ErrorStage::Run => self.request_shutdown(Cause::RunFailed(ix), out),
            ErrorStage::Shutdown => {}
        }
    }

    /// G12: gracefully, then now, then at once.
    fn signal(&mut self, signal: SignalKind, out: &mut Commands) {
        self.signals = self.signals.saturating_add(1);
        match self.signals {
            1 => self.request_shutdown(Cause::Signal(signal), out),
            2 => self.force_now(Cause::Signal(signal), out),
            _ => out.push(Command::Exit(signal)),
        }
    }
}

/// Which part of the manager's error an ended step belongs to, if it is an error at all.
fn error_of(step: Step, outcome: Outcome, asked_to_stop: bool) -> Option<ErrorStage> {
    match (step, outcome) {
        (_, Outcome::Ok) => None,
        (_, Outcome::Forced) => Some(ErrorStage::Shutdown),
        (Step::Register | Step::Setup, _) => Some(ErrorStage::Setup),
        // An actor that stops itself when asked to stop does what it was asked.
        (Step::Run, Outcome::Ended) if asked_to_stop => None,
        (Step::Shutdown, Outcome::Ended) => None,
        (Step::Run, _) => Some(ErrorStage::Run),
        (Step::Shutdown, _) => Some(ErrorStage::Shutdown),
    }
}
