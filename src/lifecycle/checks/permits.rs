//! G4, the permit of a restart as an observer sees it: who has it, and what follows from it. And the systems with permits that are walked
//! through, each state of them.
//!
//! In each state between a permit and its withdrawal the service may have taken it. So whatever withdraws it, an order, a reload, a
//! resource, a shutdown, is met by one that has not begun anew, and by one that just has.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::permits
//! ```

use super::super::io::{Command, Departure, Input};
use super::super::names::{Kind, ServiceIx, Step};
use super::super::spec::RestartMode;
use super::environment::Bounds;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::reloads::Part;
use super::watched::{Life, Once, Transition, Watched, Way};
use super::world::World;

impl Watched {
    /// Whether it can have begun its next life by itself, in this way.
    pub(super) fn can_start_over(&self, departure: Departure) -> bool {
        self.permitted && matches!(departure, Departure::Ended | Departure::Panicked)
    }
}

/// Whoever has a permit may have taken it.
pub(super) fn of_permits(ix: ServiceIx, service: &Watched, bounds: &Bounds, to: &mut Vec<Input>) {
    let taken = bounds.departures.iter().filter(|&&departure| service.can_start_over(departure));
    to.extend(taken.map(|&departure| Input::StartedOver(ix, departure)));
}

impl World {
    /// Whether a failure would have the service started again with nothing to wait for: no delay, nobody else, no release.
    fn may_start_over(&self, ix: ServiceIx) -> bool {
        let (spec, service) = (self.spec(ix), self.get(ix));
        let policy = spec.at_once && spec.mode != RestartMode::Never && self.may_restart(ix);
        let runs = service.way == Way::On && service.life == Life::Alive && service.is_open(Step::Run);
        let stays = service.transition == Transition::None && service.wanted && !service.removed;
        let alone = self.dependents(ix, false).next().is_none() && service.count == 0;
        let up = spec.depends_on.iter().all(|dependency| self.get(dependency.on).is_up());
        let reloads = !matches!(service.part, Part::None | Part::Over);
        let is_plain = service.kind == Kind::Generic && !service.vacant;
        self.is_up() && is_plain && policy && runs && stays && alone && up && !reloads
    }

    /// Until its permit is withdrawn a service is told nothing: it would not be known to which of its lives.
    pub(super) fn obey_beside_permit(&self, command: &Command) -> Verdict {
        let (Command::Send(ix, _)
        | Command::SignalRequested(ix)
        | Command::Suspend(ix)
        | Command::Restart(ix)
        | Command::Adopt(ix)
        | Command::Retire(ix)
        | Command::Force(ix)
        | Command::CloseResources(ix)
        | Command::Reload(ix, _)) = *command
        else {
            return Ok(());
        };
        let told = !self.get(ix).permitted;
        ensure(told, Guarantee::G04, "who may begin anew by itself is told nothing before that is withdrawn")
    }

    pub(super) fn obey_permit(&mut self, ix: ServiceIx, permitted: bool) -> Verdict {
        let before = std::mem::replace(&mut self.at(ix).permitted, permitted);
        ensure(before != permitted, Guarantee::G04, "a permit is granted once, and withdrawn once")
    }

    /// A service took its permit: it rests in no one's sight, and has nothing to give back.
    pub(super) fn obey_adopt(&mut self, ix: ServiceIx, now: &mut Moment) -> Verdict {
        ensure(
            self.get(ix).count == 0,
            Guarantee::G06,
            "who begins anew by itself has nothing to give back",
        )?;
        now.adopted = Some(ix);
        let service = self.at(ix);
        (service.closing, service.owes_delay) = (Once::Done, None);
        self.obey_start_again(ix)
    }

    /// What holds of permits between steps.
    pub(super) fn settle_permits(&self) -> Verdict {
        let due = |(ix, _)| self.get(ix).permitted == self.may_start_over(ix);
        let due = self.each().all(due);
        ensure(due, Guarantee::G04, "who would be started again at once has the permit, and nobody else")
    }
}

mod systems {
    use super::super::super::io::{Answer, Departure};
    use super::super::super::names::Kind::{Generic, Server};
    use super::super::super::spec::{RestartMode, Spec};
    use super::super::environment::{ALL_ANSWERS, ALL_DEPARTURES};
    use super::super::faults::Fault;
    use super::super::model::System;
    use super::super::restarts::{depending, following, restarting, small};
    use super::super::retries::retrying;
    use super::super::sizes::in_full;

    /// A service that is restarted up to so many times, without delay.
    fn at_once(restarts: u32) -> Spec {
        Spec { at_once: true, ..restarting(Generic, restarts) }
    }

    #[test]
    fn g04_permits_hold_in_every_state_of_one_service() {
        for mode in [RestartMode::OnFailure, RestartMode::Always] {
            let mut system = small(vec![Spec { mode, stop_limit: true, ..at_once(2) }], 1);
            system.drain_delay = true;
            system.bounds.orders = if in_full() { 2 } else { 1 };
            system.bounds.forgotten = 1;
            system.bounds.signals = in_full();
            system.bounds.strays = true;
            system.bounds.answers = if in_full() { ALL_ANSWERS } else { &[Answer::Ok, Answer::Panic] };
            system.bounds.departures = ALL_DEPARTURES;
            system.check();
        }
    }

    #[test]
    fn g04_permits_hold_in_every_state_of_one_whose_set_up_is_tried_again() {
        let mut system = small(vec![retrying(at_once(2), 1), Spec::plain(Generic)], 1);
        system.bounds.forgotten = 1;
        system.check();
    }

    #[test]
    fn g04_permits_hold_in_every_state_of_one_that_depends_on_another() {
        let needed = || restarting(Generic, 1);
        for survives in [false, true] {
            let mut system = small(vec![needed(), depending(at_once(1), &[0], survives)], 0);
            system.bounds.orders = 1;
            system.check();
        }
        // The one that is depended on has none, but may come to have one.
        let mut system = small(vec![at_once(1), following(Generic, &[0])], 0);
        system.bounds.orders = 2;
        system.check();
    }

    #[test]
    fn g04_permits_hold_in_every_state_of_two_beside_a_server() {
        let mut system = small(vec![at_once(1), at_once(1), Spec::plain(Server)], 0);
        system.drain_delay = true;
        system.bounds.deadline = in_full();
        system.check();
    }

    #[test]
    fn g04_permits_hold_in_every_state_of_reloads() {
        let first = || Spec { reloadable: true, ..at_once(1) };
        for specs in [
            vec![first()],
            vec![first(), Spec { reloadable: true, ..Spec::plain(Generic) }],
            vec![Spec { reloadable: true, ..restarting(Generic, 1) }, depending(first(), &[0], true)],
        ] {
            let alone = specs.len() == 1;
            let mut system = small(specs, 0);
            system.bounds.reloads = if alone { 2 } else { 1 };
            system.bounds.orders = u8::from(alone);
            system.bounds.departures = &[Departure::Ended, Departure::Panicked, Departure::Dismissed];
            system.check();
        }
    }

    fn found(fault: Fault, as_: &str) {
        let mut system = small(vec![at_once(1), Spec::plain(Generic)], 1);
        system.bounds.orders = 1;
        system.fault = Some(fault);
        let found = system.broken();
        assert!(found.iter().any(|property| property.starts_with(as_)), "{fault:?} was found as {found:?}");
    }

    #[test]
    fn g04_a_permit_that_is_kept_too_long_or_beyond_its_budget_is_found() {
        found(Fault::KeepsThePermit, "G4");
        found(Fault::WithdrawsTooLate, "G4");
        found(Fault::PermitsBeyondTheBudget, "G4");
    }

    #[test]
    fn g04_a_life_that_began_by_permit_and_is_not_counted_or_not_set_up_is_found() {
        found(Fault::CountsNoPermit, "G4");
        found(Fault::AdoptsWithoutSetUp, "G");
    }
}
