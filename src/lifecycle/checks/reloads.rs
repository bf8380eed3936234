//! G26, reloads as an observer sees them: who was asked what, and whether that was its turn. And the systems with reloads that are walked
//! through, each state of them.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::reloads
//! ```

use super::super::io::{Answer, Input};
use super::super::names::{Outcome, ServiceIx, Step};
use super::super::reload_names::{ReloadEnd, ReloadStep};
use super::promises::{Guarantee, Verdict, ensure};
use super::watched::{Life, Seen, Watched, Way};
use super::world::World;

/// What a service has to do with the reload that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    None,
    /// It is being set up.
    SetUp,
    /// It is to be asked to prepare, at once.
    Owed,
    Preparing,
    Prepared,
    Committing,
    /// It refused or failed, which is to be told at once.
    Failing,
    /// It has done its part, or takes none any more.
    Over,
}

/// A reload, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reloading {
    /// Whether one is asked for and has not begun.
    pub(super) due: bool,
    pub(super) step: Option<ReloadStep>,
    pub(super) failed: bool,
    /// Reloads asked for, begun and over.
    pub(super) asked: u8,
    pub(super) begun: u8,
    pub(super) over: u8,
}

impl Reloading {
    pub(super) fn new() -> Self {
        Self { due: false, step: None, failed: false, asked: 0, begun: 0, over: 0 }
    }

    /// How far it has come: a reload outweighs the parts in it.
    pub(super) fn rank(self) -> usize {
        let commits = usize::from(self.step == Some(ReloadStep::Commit));
        20_000 * usize::from(self.asked)
            + 2_000 * (usize::from(self.begun) + usize::from(self.over))
            + commits
            + usize::from(self.failed)
    }
}

impl Watched {
    /// Whether settings mean anything to it now: it is set up, and its main loop has not returned.
    fn works(&self) -> bool {
        self.is_up() && self.life == Life::Alive && matches!(self.step(Step::Run), Seen::Unsent | Seen::Open)
    }

    /// Whether a step of the reload waits for it.
    pub(super) fn is_awaited_in_reload(&self) -> bool {
        matches!(self.part, Part::SetUp | Part::Preparing | Part::Committing)
    }

    /// Whether it failed, or was cut off, rather than asked to go.
    fn is_cut(&self) -> bool {
        self.way == Way::AtOnce || (self.way == Way::On && self.life != Life::Alive)
    }

    /// Whether it takes no part any more, without a word: it is set up anew, or its main loop has returned.
    fn slips_away(&self, step: Option<ReloadStep>) -> bool {
        let over = self.way == Way::On && !matches!(self.step(Step::Run), Seen::Unsent | Seen::Open);
        match self.part {
            Part::SetUp => self.way != Way::On || self.is_cut() || self.is_only_registered(),
            Part::Preparing => over,
            Part::Prepared => !self.works() && (over || step == Some(ReloadStep::Commit)),
            Part::Committing => !self.works() && (over || !self.is_cut()),
            _ => false,
        }
    }
}

impl World {
    /// What a service's own answer, or its silence, means to the reload: how it failed.
    pub(super) fn reload_failure(&self, input: Input) -> Option<(ServiceIx, ReloadStep, Outcome)> {
        let (ix, outcome) = match input {
            Input::ReloadAnswered(ix, step, answer) if self.is_asked(ix, step) => {
                (ix, super::promises::outcome_of(answer))
            }
            Input::ReloadTimeout(ix) if self.get(ix).is_awaited_in_reload() => (ix, Outcome::Forced),
            _ => return None,
        };
        let step =
            if self.get(ix).part == Part::Committing { ReloadStep::Commit } else { ReloadStep::Prepare };
        (outcome != Outcome::Ok).then_some((ix, step, outcome))
    }

    fn is_asked(&self, ix: ServiceIx, step: ReloadStep) -> bool {
        let asked = match step {
            ReloadStep::Prepare => Part::Preparing,
            ReloadStep::Commit => Part::Committing,
        };
        self.get(ix).part == asked
    }

    pub(super) fn reload_means_anything(&self, input: Input) -> bool {
        match input {
            Input::ReloadAnswered(ix, step, _) => self.is_asked(ix, step),
            Input::ReloadTimeout(ix) => self.get(ix).is_awaited_in_reload(),
            _ => !self.requested,
        }
    }

    pub(super) fn take_reload(&mut self, input: Input) {
        if let Some((ix, ..)) = self.reload_failure(input) {
            self.at(ix).part = Part::Failing;
            return;
        }
        match input {
            Input::ReloadAsked if !self.requested => {
                self.reloading.due = true;
                self.reloading.asked += 1;
            }
            Input::ReloadAnswered(ix, step, Answer::Ok) if self.is_asked(ix, step) => {
                self.at(ix).part = match step {
                    ReloadStep::Prepare => Part::Prepared,
                    ReloadStep::Commit => Part::Over,
                };
            }
            _ => {}
        }
    }

    /// Who takes no part any more, as of now.
    pub(super) fn slip_away(&mut self) {
        let step = self.reloading.step;
        for service in self.services.iter_mut().filter(|service| service.slips_away(step)) {
            service.part = Part::Over;
        }
    }

    pub(super) fn obey_reload_started(&mut self) -> Verdict {
        let apart = !self.handing.told;
        let due = self.reloading.due && self.reloading.step.is_none() && self.is_up() && apart;
        ensure(
            due,
            Guarantee::G26,
            "a reload begins when it was asked for, all run, and no other is under way",
        )?;
        self.reloading = Reloading {
            due: false,
            step: Some(ReloadStep::Prepare),
            begun: self.reloading.begun + 1,
            ..self.reloading
        };
        for at in 0..self.services.len() {
            let service = &mut self.services[at];
            let set_up = service.way == Way::On && service.is_being_set_up();
            service.part = match self.specs[at].reloadable && !service.vacant {
                true if service.works() => Part::Owed,
                true if set_up => Part::SetUp,
                _ => Part::None,
            };
        }
        Ok(())
    }

    pub(super) fn obey_reload(&mut self, ix: ServiceIx, step: ReloadStep) -> Verdict {
        use Guarantee::G26;
        self.slip_away();
        let service = self.get(ix);
        ensure(service.works(), G26, "a reload speaks to those who work")?;
        match step {
            ReloadStep::Prepare => {
                let due = matches!(service.part, Part::Owed | Part::SetUp);
                ensure(
                    due && self.reloading.step == Some(step),
                    G26,
                    "each prepares once, before any commit",
                )?;
                self.at(ix).part = Part::Preparing;
            }
            ReloadStep::Commit => {
                let prepares = |s: &Watched| matches!(s.part, Part::SetUp | Part::Owed | Part::Preparing);
                let all = !self.services.iter().any(prepares);
                let first = self.reloading.step == Some(ReloadStep::Prepare);
                ensure(
                    all && !(first && self.reloading.failed),
                    G26,
                    "nobody commits before all have prepared",
                )?;
                ensure(service.part == Part::Prepared, G26, "who has prepared commits, once")?;
                ensure(!self.waits_to_commit(ix), G26, "who depends on others commits after them")?;
                self.reloading.step = Some(ReloadStep::Commit);
                self.at(ix).part = Part::Committing;
            }
        }
        Ok(())
    }

    /// Whether one that a service depends on, also through others, is still to commit.
    fn waits_to_commit(&self, ix: ServiceIx) -> bool {
        let mut next: Vec<ServiceIx> = self.spec(ix).depends_on.iter().map(|on| on.on).collect();
        while let Some(on) = next.pop() {
            if matches!(self.get(on).part, Part::Prepared | Part::Committing) {
                return true;
            }
            next.extend(self.spec(on).depends_on.iter().map(|on| on.on));
        }
        false
    }

    /// A service that took part goes down.
    pub(super) fn obey_reload_left(&mut self, ix: ServiceIx, step: ReloadStep) -> Verdict {
        let service = self.get(ix);
        let waited = match step {
            ReloadStep::Prepare => matches!(service.part, Part::Preparing | Part::Prepared),
            ReloadStep::Commit => service.part == Part::Committing && service.is_cut(),
        };
        let fits = waited && !service.works() && self.reloading.step == Some(step);
        ensure(fits, Guarantee::G26, "who leaves a reload took part, and is there no more")?;
        self.at(ix).part = Part::Over;
        self.reloading.failed = true;
        Ok(())
    }

    pub(super) fn obey_reload_finished(&mut self, end: ReloadEnd) -> Verdict {
        use Guarantee::G26;
        self.slip_away();
        let step = self.reloading.step;
        ensure(step.is_some(), G26, "a reload is over once, after it began")?;
        let waits = |s: &Watched| s.is_awaited_in_reload() || matches!(s.part, Part::Owed | Part::Failing);
        let waits = self.services.iter().any(waits);
        // Who is about to go down with another reads the new settings when it is set up again.
        let stays = |ix: ServiceIx| {
            !self.spec(ix).depends_on.iter().any(|on| !on.survives && !self.get(on.on).is_up())
        };
        let prepared = self.each().any(|(ix, s)| s.part == Part::Prepared && stays(ix));
        let committed = step == Some(ReloadStep::Commit);
        let fits = match end {
            ReloadEnd::CalledOff => self.requested,
            ReloadEnd::Refused => !waits && !committed && self.reloading.failed,
            ReloadEnd::Done => !waits && !prepared && !self.reloading.failed,
            ReloadEnd::Incomplete => !waits && !prepared && committed && self.reloading.failed,
        };
        ensure(fits, G26, "a reload ends as it went")?;
        self.services.iter_mut().for_each(|service| service.part = Part::None);
        let over = self.reloading.over + 1;
        self.reloading = Reloading { step: None, failed: false, over, ..self.reloading };
        Ok(())
    }

    /// What holds of reloads between steps.
    pub(super) fn settle_reload(&self) -> Verdict {
        use Guarantee::G26;
        if self.requested {
            return ensure(self.reloading.step.is_none(), G26, "a shutdown calls a reload off");
        }
        let due =
            self.reloading.due && self.reloading.step.is_none() && self.launched() && !self.handing.told;
        ensure(!due, G26, "who asks for a reload gets it")?;
        if self.reloading.step.is_none() {
            return Ok(());
        }
        for (ix, service) in self.each() {
            let told = !matches!(service.part, Part::Owed | Part::Failing);
            ensure(told, G26, "all are asked at once, and who fails is named")?;
            let works = service.works() || service.part == Part::SetUp;
            let takes_part = matches!(service.part, Part::None | Part::Over);
            ensure(works || takes_part, G26, "who goes down refuses")?;
            let set_up = service.part == Part::SetUp && service.works();
            ensure(!set_up, G26, "who has been set up is asked")?;
            let commits = self.reloading.step == Some(ReloadStep::Commit) && service.part == Part::Prepared;
            ensure(!commits || self.waits_to_commit(ix), G26, "who may commit does")?;
        }
        let waits = self.services.iter().any(Watched::is_awaited_in_reload);
        ensure(waits, G26, "a reload for which nobody is waited is over")
    }
}

mod systems {
    use super::super::super::io::{Answer, Departure};
    use super::super::super::names::Kind::{Generic, Grpc, Server};
    use super::super::super::spec::Spec;
    use super::super::faults::Fault;
    use super::super::model::System;
    use super::super::restarts::{depending, following, restarting, small};
    use super::super::retries::retrying;

    fn reloadable(spec: Spec) -> Spec {
        Spec { reloadable: true, ..spec }
    }

    /// A system in which so many reloads are asked for, at any time.
    fn reloading(specs: Vec<Spec>, reloads: u8) -> System {
        let mut system = small(specs, 0);
        system.bounds.reloads = reloads;
        system.bounds.answers = &[Answer::Ok, Answer::Error, Answer::Panic];
        system.bounds.departures = &[Departure::Ended, Departure::Panicked, Departure::Dismissed];
        system
    }

    #[test]
    fn g26_reloads_hold_in_every_state_of_one_service_and_of_two() {
        for mut system in [
            reloading(vec![reloadable(restarting(Generic, 1))], 2),
            reloading(vec![reloadable(Spec::plain(Generic)), reloadable(restarting(Generic, 1))], 2),
            reloading(vec![reloadable(Spec::plain(Server)), reloadable(Spec::plain(Grpc))], 1),
        ] {
            system.bounds.orders = 1;
            system.bounds.strays = true;
            system.check();
        }
    }

    #[test]
    fn g26_reloads_hold_in_every_state_of_a_chain_a_fork_and_a_late_start() {
        let first = || reloadable(restarting(Generic, 1));
        let then = |on: &[u32]| reloadable(following(Generic, on));
        reloading(vec![first(), then(&[0])], 2).check();
        reloading(vec![first(), following(Generic, &[0]), then(&[1])], 1).check();
        reloading(vec![first(), then(&[0]), reloadable(depending(restarting(Generic, 0), &[0], true))], 1)
            .check();
        reloading(vec![reloadable(retrying(restarting(Generic, 0), 1)), reloadable(Spec::plain(Generic))], 1)
            .check();
    }

    fn found(fault: Fault) {
        let first = reloadable(restarting(Generic, 1));
        let mut system = reloading(vec![first, reloadable(following(Generic, &[0]))], 1);
        system.fault = Some(fault);
        let found = system.broken();
        assert!(found.iter().any(|property| property.starts_with("G26")), "{fault:?} was found as {found:?}");
    }

    #[test]
    fn g26_a_reload_that_is_half_done_forgets_somebody_or_its_order_is_found() {
        found(Fault::CommitsBeforeAllHavePrepared);
        found(Fault::CommitsAllAtOnce);
        found(Fault::ForgetsARefusal);
        found(Fault::LeavesOneOutOfTheReload);
        found(Fault::ForgetsTheEndOfAReload);
    }
}
