//! What was promised, judged step by step from inputs and commands alone.
//!
//! [`World::observe`] takes one input and the commands it led to, and either agrees or says which
//! guarantee is broken. It works in four moves: what must be told of this input (`accounts`), what the
//! input itself changes (`take`), each command against the history so far (`obey`), and what must hold
//! once the step is done (`settle`).

use super::super::io::{Announcement as Told, Answer, Command, Departure, Input};
use super::super::names::{Cause, ErrorStage, Kind, Outcome, ResourceIx, ServiceIx, Step};
use super::accounts::Account;
use super::world::{Hold, Life, Once, Pressure, Seen, World};

/// The guarantees of the contract that the rules have to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Guarantee {
    G01,
    G02,
    G03,
    G04,
    G05,
    G06,
    G07,
    G08,
    G12,
    G13,
}

/// A promise that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Broken(pub(super) Guarantee, pub(super) &'static str);

pub(super) type Verdict = Result<(), Broken>;

pub(super) fn ensure(kept: bool, guarantee: Guarantee, promise: &'static str) -> Verdict {
    if kept { Ok(()) } else { Err(Broken(guarantee, promise)) }
}

/// What is remembered only within one step of the machine.
struct Moment {
    input: Input,
    due: Vec<Account>,
    /// How many of the due accounts have been given.
    given: usize,
    /// The announcement that the next message must match.
    step: Option<(ServiceIx, Step)>,
    release: Option<ResourceIx>,
    /// The latest failure that must begin the shutdown.
    failure: Option<(ServiceIx, ErrorStage)>,
    /// The shutdown began in this step, and whether services were running then.
    requested: Option<bool>,
    deadlines: bool,
    /// Whether others counted on the service that the input is about.
    needed: bool,
    /// How many resources were asked when the deadline came.
    overdue: usize,
}

impl World {
    /// Judges one step of the machine, and remembers it.
    pub(super) fn observe(&mut self, input: Input, commands: &[Command]) -> Verdict {
        use Guarantee::*;
        if self.stopped {
            self.signals += u8::from(matches!(input, Input::Signal(_)) && self.signals < 3);
            let quiet = commands.iter().all(|command| matches!(command, Command::Exit(_)));
            return ensure(quiet, G13, "the end is the end");
        }
        if !self.knows(input) {
            return ensure(commands.is_empty(), G07, "who does not exist changes nothing");
        }
        let mut now = Moment {
            input,
            due: self.accounts(input),
            given: 0,
            step: None,
            release: None,
            failure: None,
            requested: None,
            deadlines: false,
            needed: self.is_needed(input),
            overdue: 0,
        };
        let before = self.pressure;
        self.take(input);
        if before < self.pressure && self.pressure == Pressure::Deadline {
            now.overdue = self.count(Hold::Asked);
        }
        for command in commands {
            ensure(!self.stopped, G13, "nothing comes after the end")?;
            self.obey(command, &mut now)?;
        }
        ensure(now.given == now.due.len(), G07, "every answer, end and failure is told")?;
        ensure(now.step.is_none() && now.release.is_none(), G07, "what is announced is sent")?;
        ensure(now.requested.is_some() == now.deadlines, G08, "the deadline runs from the request on")?;
        let forced = self.stopped || self.count(Hold::Forced) >= now.overdue;
        ensure(forced, G08, "at the deadline, who was asked before has had its time")?;
        if let Some(true) = now.requested {
            ensure(self.draining != Once::NotYet, G05, "the drain of what ran is told")?;
        }
        ensure(now.failure.is_none() || self.requested, G04, "a failure begins the shutdown")?;
        self.settle(input)
    }

    /// What the input itself changes, before the machine says a word.
    fn take(&mut self, input: Input) {
        match input {
            Input::Start => self.started |= !self.requested,
            Input::Gone(ix, departure) if self.can_go(ix, departure) => self.at(ix).life = Life::Gone,
            Input::ResourcesClosed if self.closing == Once::Pending => self.closing = Once::Done,
            Input::ForceAsked => self.pressure = Pressure::Deadline,
            Input::Signal(_) => {
                self.signals = 3.min(self.signals + 1);
                match self.signals {
                    1 => {}
                    2 => self.pressure = Pressure::Deadline,
                    _ => self.exited = true,
                }
            }
            Input::DrainDelayOver if self.drain_delay == Once::Pending => self.drain_delay = Once::Done,
            Input::ReserveReached if self.requested => self.pressure = self.pressure.max(Pressure::Reserve),
            Input::DeadlineReached if self.requested => self.pressure = Pressure::Deadline,
            Input::LastCallOver if self.last_call == Once::Pending => self.last_call = Once::Done,
            _ => {}
        }
    }

    fn obey(&mut self, command: &Command, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        match *command {
            Command::Send(ix, step) => {
                ensure(now.step.take() == Some((ix, step)), G07, "a message is announced first")?;
                self.obey_send(ix, step)
            }
            Command::SignalRequested => {
                ensure(self.requested, G05, "requested resolves after the request")?;
                ensure(!self.signalled, G05, "requested resolves once")?;
                if self.drain_delay == Once::Pending {
                    let idle = self.services.iter().all(|service| !service.is_open(Step::Run));
                    let cut = idle || self.pressure > Pressure::None;
                    ensure(cut, G05, "everything works during the drain delay")?;
                    self.drain_delay = Once::Done;
                }
                self.signalled = true;
                Ok(())
            }
            Command::Retire(ix) => {
                let service = self.at(ix);
                ensure(service.life == Life::Alive, G01, "an actor is retired once")?;
                service.life = Life::Retired;
                let forced = self.pressure > Pressure::None;
                let settled = self.services.iter().all(|service| service.is_settled());
                ensure(forced || settled, G06, "no actor is retired while a step is open")?;
                ensure(self.signalled, G05, "actors live until the shutdown")
            }
            Command::Force(ix) => {
                let late = self.pressure > Pressure::None;
                ensure(late, G08, "nobody is forced before the reserve begins")?;
                let deadline = self.pressure == Pressure::Deadline;
                let service = self.at(ix);
                let idle = service.is_settled() && service.life == Life::Alive;
                ensure(deadline || !idle, G08, "the reserve leaves alone who has settled")?;
                let forcible = matches!(service.life, Life::Alive | Life::Retired);
                ensure(forcible, G01, "an actor that lives is forced, once")?;
                service.life = Life::Forced;
                Ok(())
            }
            Command::CloseResources => {
                ensure(self.closing == Once::NotYet, G06, "resources are closed once")?;
                self.closing = Once::Pending;
                let gone = self.services.iter().all(|service| !service.lives());
                let deadline = self.pressure == Pressure::Deadline;
                ensure(gone || deadline, G06, "no resource is released while an actor may use it")?;
                self.no_step_is_open("resources are open while a step is")
            }
            Command::Release(resource) => {
                ensure(now.release.take() == Some(resource), G07, "a release is announced first")?;
                self.obey_release(resource)
            }
            Command::ForceResource(resource) => {
                ensure(
                    self.pressure == Pressure::Deadline,
                    G08,
                    "no resource is forced before the deadline",
                )?;
                let hold = self.at(resource.service).hold(resource.index);
                ensure(*hold == Hold::Asked, G07, "a resource that was asked is forced, once")?;
                *hold = Hold::Forced;
                Ok(())
            }
            Command::StartDeadlines => {
                ensure(now.requested.is_some() && !now.deadlines, G08, "one deadline, from the request on")?;
                now.deadlines = true;
                Ok(())
            }
            Command::StartDrainDelay => {
                let once = self.drain_delay == Once::NotYet && now.requested == Some(true);
                ensure(once, G05, "the drain delay begins with the request, when services ran")?;
                self.drain_delay = Once::Pending;
                Ok(())
            }
            Command::StartLastCall => {
                let once = self.last_call == Once::NotYet && self.pressure == Pressure::Deadline;
                ensure(once, G08, "the last call begins at the deadline, once")?;
                self.last_call = Once::Pending;
                Ok(())
            }
            Command::Exit(signal) => {
                let third = self.signals == 3 && now.input == Input::Signal(signal);
                ensure(third, G12, "the third signal ends the process")
            }
            Command::Announce(ref told) => self.obey_announcement(told, now),
        }
    }

    fn obey_send(&mut self, ix: ServiceIx, step: Step) -> Verdict {
        use Guarantee::*;
        let kind = self.get(ix).kind;
        if step != Step::Shutdown {
            ensure(!self.requested, G03, "nothing begins once shutdown was asked")?;
            let server_first = self
                .services
                .iter()
                .all(|other| other.kind != Kind::Server || other.step(Step::Setup) == Seen::Ok);
            let is_port = kind == Kind::Server && step == Step::Setup;
            ensure(is_port || server_first, G02, "the port is bound before anybody starts")?;
        }
        ensure(self.get(ix).step(step) == Seen::Unsent, G02, "no message is sent twice")?;
        match step {
            Step::Register => ensure(kind.registers(), G02, "who has calls to answer registers")?,
            Step::Setup => {
                let registered = !kind.registers() || self.get(ix).step(Step::Register) == Seen::Ok;
                ensure(registered, G02, "Register comes before Setup")?;
            }
            Step::Run => {
                ensure(self.all_set_up(), G02, "no Run before every Setup succeeded")?;
                ensure(kind.runs(), G02, "who has a main loop runs")?;
            }
            Step::Shutdown => {
                ensure(self.get(ix).is_open(Step::Run), G05, "who runs is asked to shut down")?;
                ensure(self.signalled, G05, "Shutdown comes after the drain delay")?;
            }
        }
        let service = self.at(ix);
        ensure(matches!(service.life, Life::Unborn | Life::Alive), G01, "messages go to the living")?;
        service.life = Life::Alive;
        service.steps[step as usize] = Seen::Open;
        Ok(())
    }

    fn no_step_is_open(&self, promise: &'static str) -> Verdict {
        let over = |life| matches!(life, Life::Forced | Life::Gone);
        let kept = self.services.iter().all(|service| service.is_settled() || over(service.life));
        ensure(kept, Guarantee::G06, promise)
    }

    fn obey_release(&mut self, resource: ResourceIx) -> Verdict {
        use Guarantee::*;
        ensure(self.closing == Once::Done && self.releasing, G06, "no Release while resources are started")?;
        self.no_step_is_open("no Release before every Run ended or was forced")?;
        let deadline = self.pressure == Pressure::Deadline;
        let later = &self.get(resource.service).holds()[resource.index as usize + 1..];
        let in_order = later.iter().all(|&hold| hold == Hold::Over);
        ensure(in_order || deadline, G06, "the last started is released first")?;
        let hold = self.at(resource.service).hold(resource.index);
        ensure(*hold == Hold::Alive, G06, "Release is sent once, to the living")?;
        *hold = Hold::Asked;
        Ok(())
    }

    fn obey_announcement(&mut self, told: &Told, now: &mut Moment) -> Verdict {
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
                let on_time = !self.releasing || self.pressure == Pressure::Deadline;
                ensure(on_time, G06, "gRPC is drained before resources are released")?;
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

    /// Whether others count on the service that lost its actor or a resource: it is on its way up, it runs, or
    /// calls reach it.
    fn is_needed(&self, input: Input) -> bool {
        let ix = match input {
            Input::Gone(ix, _) => ix,
            Input::ResourceGone(resource, _) => resource.service,
            _ => return false,
        };
        let service = self.get(ix);
        let up = match service.step(Step::Setup) {
            Seen::Unsent => matches!(service.step(Step::Register), Seen::Unsent | Seen::Open),
            setup => setup != Seen::Failed,
        };
        service.life == Life::Alive && up && matches!(service.step(Step::Run), Seen::Unsent | Seen::Open)
    }

    fn count(&self, hold: Hold) -> usize {
        self.services.iter().flat_map(|service| service.holds()).filter(|&&one| one == hold).count()
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

    /// Everybody was set up, and everybody with a main loop was let run.
    fn all_run(&self) -> bool {
        let runs = |kind: Kind, step| !kind.runs() || step != Seen::Unsent;
        self.all_set_up() && self.services.iter().all(|service| runs(service.kind, service.step(Step::Run)))
    }

    /// What holds between steps.
    fn settle(&self, input: Input) -> Verdict {
        use Guarantee::*;
        if self.exited || self.stopped {
            return Ok(());
        }
        let asks = matches!(input, Input::ShutdownAsked | Input::ForceAsked | Input::Signal(_));
        ensure(self.requested || !asks, G05, "whoever asks for the shutdown gets it")?;
        if self.started && !self.requested {
            self.settle_up(input)?;
        }
        for service in &self.services {
            if self.signalled && service.is_open(Step::Run) && service.life == Life::Alive {
                ensure(service.step(Step::Shutdown) != Seen::Unsent, G05, "everybody who runs is asked")?;
            }
            if self.pressure >= Pressure::Reserve && !service.is_settled() {
                ensure(service.life == Life::Forced, G08, "in the reserve, who still works is forced")?;
            }
            if self.pressure == Pressure::Deadline {
                ensure(
                    !service.lives() || service.life == Life::Forced,
                    G08,
                    "at the deadline all are forced",
                )?;
                ensure(self.closing != Once::NotYet, G08, "at the deadline no step is waited for")?;
                let asked = self.closing != Once::Done || !service.holds().contains(&Hold::Alive);
                ensure(asked, G08, "at the deadline every resource is asked")?;
                let over = self.closing == Once::Done && self.last_call == Once::Done;
                let forced = !over || !service.holds().contains(&Hold::Asked);
                ensure(forced, G08, "after the last call every resource is forced")?;
            }
        }
        if self.drain_delay == Once::Pending {
            let used = self.services.iter().any(|service| service.is_open(Step::Run));
            ensure(used, G05, "a drain delay that nobody can use is cut")?;
        }
        let left = |hold: &Hold| *hold != Hold::Over;
        let done = self.releasing
            && self.services.iter().all(|service| !service.lives() && !service.holds().iter().any(left));
        ensure(!done, G13, "the end comes as soon as nothing is left")
    }

    /// On the way up, nobody is forgotten and somebody always works.
    fn settle_up(&self, input: Input) -> Verdict {
        use Guarantee::*;
        let works = self.services.iter().any(|service| !service.is_settled());
        ensure(works, G04, "a manager nobody works in ends by itself")?;
        ensure(!self.all_set_up() || self.all_run(), G02, "everybody runs once all are set up")?;
        if self.all_run() && (!self.has_server() || input == Input::Serving) {
            ensure(self.running, G13, "who waits for Running is told")?;
        }
        let failed = |service: &super::world::Watched| service.steps.contains(&Seen::Failed);
        ensure(!self.services.iter().any(failed), G03, "no failure goes without a shutdown")
    }

    /// Whether an actor can go in this way: told to, or by itself.
    pub(super) fn can_go(&self, ix: ServiceIx, departure: Departure) -> bool {
        let service = self.get(ix);
        service.lives()
            && match departure {
                Departure::Ended | Departure::Panicked => true,
                Departure::Dismissed => service.life >= Life::Retired,
                Departure::Abandoned => service.life == Life::Forced,
            }
    }
}

impl Moment {
    fn fails(&mut self, ix: ServiceIx, error: Option<ErrorStage>) {
        if let Some(stage @ (ErrorStage::Setup | ErrorStage::Run)) = error {
            self.failure = Some((ix, stage));
        }
    }
}

/// The outcome that an answer stands for.
pub(super) fn outcome_of(answer: Answer) -> Outcome {
    match answer {
        Answer::Ok => Outcome::Ok,
        Answer::Error => Outcome::Error,
        Answer::Panic => Outcome::Panic,
        Answer::Missing => Outcome::Ended,
    }
}
