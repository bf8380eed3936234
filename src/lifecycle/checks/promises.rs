//! What was promised, judged step by step from inputs and commands alone.
//!
//! [`World::observe`] takes one input and the commands it led to, and either agrees or says which
//! guarantee is broken. It works in four moves: what must be told of this input ([`accounts`](super::accounts)),
//! what the input itself changes (`take`), each command against the history so far ([`orders`](super::orders) and
//! [`tidings`](super::tidings)), and what must hold once the step is done ([`between`](super::between)).

use super::super::announcement::{Fault, Remedy};
use super::super::io::{Answer, Command, Departure, Input};
use super::super::names::{ErrorStage, Outcome, Repeat, ResourceIx, ServiceIx, Step};
use super::bookkeeping::Account;
use super::watched::{Hold, Life, Once, Pressure, Seen, Transition, Watched, Way};
use super::world::World;

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
    G21,
    G24,
    G25,
    G26,
}

/// A promise that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Broken(pub(super) Guarantee, pub(super) &'static str);

pub(super) type Verdict = Result<(), Broken>;

pub(super) fn ensure(kept: bool, guarantee: Guarantee, promise: &'static str) -> Verdict {
    if kept { Ok(()) } else { Err(Broken(guarantee, promise)) }
}

/// What is remembered only within one step of the machine.
pub(super) struct Moment {
    pub(super) input: Input,
    pub(super) due: Vec<Account>,
    /// How many of the due accounts have been given.
    pub(super) given: usize,
    /// The announcement that the next message must match.
    pub(super) step: Option<(ServiceIx, Step)>,
    pub(super) release: Option<ResourceIx>,
    /// The latest failure that must begin the shutdown.
    pub(super) failure: Option<(ServiceIx, ErrorStage)>,
    /// Whoever failed and must be restarted.
    pub(super) restart: Option<ServiceIx>,
    /// Whose set-up failed and must be tried again.
    pub(super) retry: Option<ServiceIx>,
    /// Who has begun a life by itself, and is still to be told to be set up.
    pub(super) adopted: Option<ServiceIx>,
    /// Who was permitted to.
    pub(super) permitted: Vec<ServiceIx>,
    /// The shutdown began in this step, and whether services were running then.
    pub(super) requested: Option<bool>,
    pub(super) deadlines: bool,
    /// Whether others counted on the service that the input is about.
    pub(super) needed: bool,
    /// How many resources were asked when the deadline came.
    pub(super) overdue: usize,
    /// Whether something fails of itself by this input; whether an error of the manager's was told.
    failed: bool,
    pub(super) blamed: bool,
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
            restart: None,
            retry: None,
            adopted: None,
            permitted: Vec::new(),
            requested: None,
            deadlines: false,
            needed: self.is_needed(input),
            overdue: 0,
            failed: false,
            blamed: false,
        };
        now.failed = now.due.iter().any(|account| self.fails_of_itself(account, &now));
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
        ensure(now.adopted.is_none(), G02, "who begins anew by itself is set up")?;
        ensure(now.requested.is_some() == now.deadlines, G08, "the deadline runs from the request on")?;
        let forced = self.stopped || self.count(Hold::Forced) >= now.overdue;
        ensure(forced, G08, "at the deadline, who was asked before has had its time")?;
        if let Some(true) = now.requested {
            ensure(self.draining != Once::NotYet, G05, "the drain of what ran is told")?;
        }
        ensure(now.failed == now.blamed, G21, "the end is clean exactly when nothing failed of itself")?;
        ensure(now.failure.is_none() || self.requested, G04, "a failure begins the shutdown")?;
        ensure(now.restart.is_none() || self.requested, G04, "who may be restarted after a failure is")?;
        ensure(now.retry.is_none(), G21, "a set-up that may be tried again is")?;
        // Without a delay there is none to wait for.
        self.drained_enough |= now.requested.is_some() && self.drain_delay == Once::NotYet;
        if self.drain_delay == Once::Pending && self.services.iter().all(|s| !s.is_open(Step::Run)) {
            // Nobody is left who could use it.
            (self.drain_delay, self.drained_enough) = (Once::Done, true);
        }
        self.slip_away();
        self.settle_reload()?;
        self.settle_permits()?;
        self.settle_handover()?;
        self.settle_leases()?;
        self.settle(input)
    }

    /// What the input itself changes, before the machine says a word.
    fn take(&mut self, input: Input) {
        match input {
            Input::Start => self.started |= !self.requested,
            Input::Serving(ix) if self.is_up() && self.may_serve(ix) => self.at(ix).serving = true,
            Input::Suspended(ix, departure) if self.can_rest(ix, departure) => {
                self.at(ix).life = Life::Resting;
            }
            Input::StartedOver(ix, departure) if self.get(ix).can_start_over(departure) => {
                (self.at(ix).life, self.at(ix).permitted) = (Life::Resting, false);
            }
            Input::Gone(ix, departure) if self.can_go(ix, departure) => {
                self.at(ix).life = Life::Gone;
                self.at(ix).cut |= departure == Departure::Abandoned;
                self.at(ix).left_behind |= departure == Departure::Abandoned;
            }
            Input::ResourceGone(resource, Departure::Abandoned) if self.hold(resource) == Hold::Forced => {
                self.at(resource.service).left_behind = true;
            }
            Input::LeaseChecked(_)
            | Input::LeaseAcquired(_)
            | Input::LeaseLost(_)
            | Input::LeaseExpired(_)
            | Input::LeaseRefused(_)
            | Input::LeaseReturned(_)
            | Input::StepDownAsked(_)
            | Input::StayOutOver(_) => self.take_lease(input),
            Input::ResourcesClosed(ix) if self.get(ix).closing == Once::Pending => {
                self.at(ix).closing = Once::Done;
            }
            Input::DelayOver(ix) if self.get(ix).delay == Once::Pending => self.at(ix).delay = Once::Done,
            Input::Forgotten(ix, repeat, count) => {
                let service = self.at(ix);
                let (counted, forgotten) = match repeat {
                    Repeat::Restart => (&mut service.restarts, &mut service.forgotten),
                    Repeat::Setup => (&mut service.setup_retries, &mut service.setup_retries_forgotten),
                };
                let gone = (*counted).min(count as u8);
                (*counted, *forgotten) = (*counted - gone, *forgotten + gone);
            }
            Input::ShareSpent(share) if self.requested && self.drained_enough && !self.releasing => {
                self.shares_spent = self.shares_spent.max(share);
            }
            Input::StopAsked(_) | Input::RestartAsked(_) | Input::RemoveAsked(_) | Input::Added(_)
                if self.is_up() =>
            {
                self.orders += 1;
                self.take_order(input);
            }
            Input::ForceAsked => self.pressure = Pressure::Deadline,
            Input::Signal(_) => {
                self.signals = 3.min(self.signals + 1);
                match self.signals {
                    1 => {}
                    2 => self.pressure = Pressure::Deadline,
                    _ => self.exited = true,
                }
            }
            Input::ReloadAsked | Input::ReloadAnswered(..) | Input::ReloadTimeout(_) => {
                self.take_reload(input)
            }
            Input::HandoverAsked
            | Input::SuccessorReady
            | Input::SuccessorGone
            | Input::HandoverTimeout
            | Input::GaveWay(_)
            | Input::PredecessorGone => self.take_handover(input),
            Input::DrainDelayOver if self.drain_delay == Once::Pending => self.drain_delay = Once::Done,
            Input::ReserveReached if self.requested => self.pressure = self.pressure.max(Pressure::Reserve),
            Input::DeadlineReached if self.requested => self.pressure = Pressure::Deadline,
            Input::LastCallOver if self.last_call == Once::Pending => self.last_call = Once::Done,
            _ => {}
        }
        if self.requested && self.pressure > Pressure::None {
            self.drained_enough = true;
            self.drain_delay = if self.drain_delay == Once::Pending { Once::Done } else { self.drain_delay };
        }
    }

    fn take_order(&mut self, order: Input) {
        match order {
            Input::Added(ix) if self.get(ix).way == Way::Down => {
                self.at(ix).transition = Transition::Addition
            }
            Input::RemoveAsked(ix) if self.dependents(ix, false).next().is_none() => {
                self.at(ix).removed = true;
                self.end_stay_out(ix);
            }
            Input::StopAsked(ix) => self.end_stay_out(ix),
            Input::RestartAsked(ix) if self.can_be_restarted(ix) => {
                self.end_stay_out(ix);
                let service = self.at(ix);
                (service.wanted, service.owes_delay) = (true, None);
                if service.delay == Once::Pending {
                    service.delay = Once::Done;
                }
                if service.way == Way::On {
                    service.way = Way::Asked;
                }
            }
            _ => {}
        }
    }

    pub(super) fn can_be_restarted(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let stays =
            !service.removed && service.transition != Transition::Addition && service.life != Life::Gone;
        self.spec(ix).restartable && stays
    }

    /// Whether others count on the service that lost its actor or a resource: it is on its way up, it runs, or
    /// calls reach it.
    fn is_needed(&self, input: Input) -> bool {
        let ix = match input {
            Input::Gone(ix, _) | Input::Suspended(ix, _) | Input::Panicked(ix) => ix,
            Input::ReloadAnswered(ix, ..) | Input::ReloadTimeout(ix) => ix,
            Input::ResourceGone(resource, _) | Input::ResourcePanicked(resource) => resource.service,
            // A main loop that always is to run is needed when it returns.
            Input::Answered(_, Step::Run, _) => return true,
            _ => return false,
        };
        let service = self.get(ix);
        let up = match service.step(Step::Setup) {
            Seen::Unsent if service.is_only_registered() => !service.signalled,
            Seen::Unsent => matches!(service.step(Step::Register), Seen::Unsent | Seen::Open),
            setup => setup != Seen::Failed,
        };
        let here = service.life == Life::Alive && service.way == Way::On;
        here && up && matches!(service.step(Step::Run), Seen::Unsent | Seen::Open)
    }

    /// Whether an actor can come to rest in this way.
    pub(super) fn can_rest(&self, ix: ServiceIx, departure: Departure) -> bool {
        let by_itself = matches!(departure, Departure::Ended | Departure::Panicked);
        match self.get(ix).life {
            Life::Alive => self.spec(ix).restartable && by_itself,
            Life::Suspending => by_itself || departure == Departure::Dismissed,
            _ => false,
        }
    }

    /// Whether an actor can go in this way: told to, or by itself.
    pub(super) fn can_go(&self, ix: ServiceIx, departure: Departure) -> bool {
        let service = self.get(ix);
        service.lives()
            && match departure {
                Departure::Ended | Departure::Panicked => true,
                Departure::Dismissed => matches!(service.life, Life::Retired | Life::Forced),
                Departure::Abandoned => service.life == Life::Forced,
            }
    }

    pub(super) fn count(&self, hold: Hold) -> usize {
        self.services.iter().flat_map(|service| service.holds()).filter(|&&one| one == hold).count()
    }

    /// Everybody was set up, and everybody with a main loop was let run; some may be restarting by now, or are being added.
    pub(super) fn all_were_let_run(&self) -> bool {
        let set_up = |service: &Watched| service.step(Step::Setup) == Seen::Ok;
        let runs = |service: &Watched| !service.kind.runs() || service.step(Step::Run) != Seen::Unsent;
        let again = |service: &Watched| {
            service.lives > 0 || service.way != Way::On || service.transition == Transition::Addition
        };
        let launched = self.launched() || self.all_set_up();
        let later = |(ix, service): (ServiceIx, &Watched)| {
            service.late || self.waits(ix) || service.is_between_leases()
        };
        launched && self.each().all(|(ix, s)| again(s) || later((ix, s)) || (set_up(s) && runs(s)))
    }
}

impl World {
    /// What a failure is to be told as, and what must follow from it.
    pub(super) fn expect(&self, ix: ServiceIx, stage: Option<ErrorStage>, now: &mut Moment) -> Option<Fault> {
        let (stage, service) = (stage?, self.get(ix));
        if stage != ErrorStage::Shutdown && self.may_retry_setup(ix) {
            now.retry = Some(ix);
            return Some(Fault { stage, remedy: Remedy::SetupRetry });
        }
        let mended = match (self.is_active(), service.way) {
            (true, Way::On) if service.transition == Transition::Addition => true,
            (true, Way::On)
                if stage != ErrorStage::Shutdown && self.is_up() && self.restarts_on_failure(ix) =>
            {
                now.restart = Some(ix);
                true
            }
            (true, Way::On | Way::Down) | (false, _) => false,
            (true, Way::Asked | Way::AtOnce) => true,
        };
        if !mended && stage != ErrorStage::Shutdown {
            now.failure = Some((ix, stage));
        }
        Some(Fault { stage, remedy: Remedy::when(mended) })
    }
}

/// The outcome that an answer stands for.
pub(super) fn outcome_of(answer: Answer) -> Outcome {
    match answer {
        Answer::Ok => Outcome::Ok,
        Answer::Error | Answer::OwnError => Outcome::Error,
        Answer::Panic => Outcome::Panic,
        Answer::Missing => Outcome::Ended,
    }
}
