//! What holds between steps, whatever has happened.

use super::super::io::Input;
use super::super::names::{ServiceIx, Step};
use super::super::spec::Dependency;
use super::promises::{Guarantee, Verdict, ensure};
use super::watched::{Hold, Life, Once, Pressure, Seen, Transition, Watched, Way};
use super::world::World;

impl World {
    /// What holds between steps.
    pub(super) fn settle(&self, input: Input) -> Verdict {
        use Guarantee::*;
        if self.exited || self.stopped {
            return Ok(());
        }
        let asks = matches!(input, Input::ShutdownAsked | Input::ForceAsked | Input::Signal(_));
        ensure(self.requested || !asks, G05, "whoever asks for the shutdown gets it")?;
        if self.is_active() {
            self.settle_up(input)?;
        }
        if self.is_active() {
            self.settle_active()?;
        }
        let closing = |service: &Watched| service.vacant || service.closing != Once::NotYet;
        let closed = self.services.iter().all(|service| service.vacant || service.closing == Once::Done);
        let lives = |service: &Watched| service.lives() && !service.vacant;
        for (ix, service) in self.each().filter(|(_, service)| !service.vacant) {
            if service.signalled && service.is_open(Step::Run) && service.life == Life::Alive {
                ensure(service.step(Step::Shutdown) != Seen::Unsent, G05, "everybody who runs is asked")?;
            }
            let told = service.signalled || !service.is_being_set_up() || !self.requested;
            ensure(told, G21, "who is being set up when shutdown is asked is told at once")?;
            if self.drained_enough && !service.signalled {
                let alone = self.dependents(ix, false).all(|dependent| dependent.is_done());
                ensure(!alone, G05, "nobody is asked later than need be")?;
                ensure(
                    self.get(ix).level > self.shares_spent,
                    G08,
                    "nobody waits beyond the share of others",
                )?;
                ensure(self.pressure == Pressure::None, G08, "in the reserve everybody has been asked")?;
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
                let ends = self.services.iter().all(closing) || self.services.iter().any(lives);
                ensure(ends, G08, "at the deadline only forced ends are waited for")?;
                let asked = !closed || !service.holds().contains(&Hold::Alive);
                ensure(asked || !self.releasing, G08, "at the deadline every resource is asked")?;
                let over = closed && self.last_call == Once::Done;
                let forced = !over || !service.holds().contains(&Hold::Asked);
                ensure(forced, G08, "after the last call every resource is forced")?;
            }
        }
        let left = |hold: &Hold| *hold != Hold::Over;
        let done = self.releasing
            && self
                .services
                .iter()
                .all(|service| service.vacant || !service.lives() && !service.holds().iter().any(left));
        let done = done && !self.waits_for_store();
        ensure(!done, G13, "the end comes as soon as nothing is left")
    }

    /// On the way up, nobody is forgotten and somebody always works.
    fn settle_up(&self, input: Input) -> Verdict {
        use Guarantee::*;
        let has_work = |service: &Watched| {
            let retried = !self.launched() && service.is_leaving();
            !service.is_settled() || service.transition != Transition::None || !service.wanted || retried
        };
        let waits = |(ix, service): (ServiceIx, &Watched)| service.kind.runs() && self.waits(ix);
        let stands_by =
            self.services.iter().any(|service| service.works_for_its_lease() || service.is_checked());
        let works = self.services.iter().any(has_work) || self.each().any(waits) || stands_by;
        ensure(works, G04, "a manager nobody works in ends by itself")?;
        ensure(self.launched() || !self.all_set_up(), G02, "everybody runs once all are set up")?;
        if self.all_were_let_run() && self.all_accept(input) {
            ensure(self.running, G13, "who waits for Running is told")?;
        }
        let failed = |service: &Watched| service.way == Way::On && service.steps.contains(&Seen::Failed);
        ensure(!self.services.iter().any(failed), G03, "no failure goes without a shutdown")
    }

    /// Until the shutdown, whoever may go a step up or down has gone it.
    fn settle_active(&self) -> Verdict {
        use Guarantee::*;
        for (ix, service) in self.each().filter(|(_, service)| !service.vacant) {
            let lost = |on: &Dependency| !on.survives && !self.get(on.on).is_up();
            let needs = service.way == Way::On && service.has_begun();
            let follows = !needs || !self.spec(ix).depends_on.iter().any(lost);
            ensure(follows, G04, "who depends on one that goes down goes, too")?;
            let due = !self.waits(ix) && self.all_up_for(ix) && service.life == Life::Alive;
            ensure(!service.is_only_registered() || !due, G02, "who has registered is set up")?;
            ensure(!self.waits(ix) || service.standby || !self.port_is_bound(), G24, "who waits is told of")?;
            let runs = !service.kind.runs() || service.step(Step::Run) != Seen::Unsent;
            ensure(runs || !service.is_up() || !self.launched(), G02, "who is set up runs")?;
            let blocking = self.dependents(ix, true).any(|dependent| dependent.blocks_stop());
            let holding = self.dependents(ix, true).any(|dependent| dependent.leans());
            match service.way {
                Way::Asked if !service.signalled => {
                    let rests = service.rests();
                    ensure(blocking || rests, G05, "who may be asked to stop is")?;
                }
                Way::Asked => {
                    let stays = service.life == Life::Alive && service.is_settled();
                    ensure(!stays, G05, "who is done is brought to rest")?;
                }
                Way::AtOnce => ensure(service.life != Life::Alive, G04, "who failed is brought to rest")?,
                Way::Down | Way::On => {}
            }
            if service.is_leaving() && service.rests() && service.is_settled() {
                let asked = service.way == Way::AtOnce || service.signalled;
                let waits = service.closing != Once::NotYet || holding || !asked;
                ensure(waits, G06, "who is at rest gives its resources back")?;
                let busy = |hold: &Hold| matches!(hold, Hold::Asked | Hold::Forced);
                let goes_on = service.is_cleared() || service.holds().iter().any(busy);
                ensure(service.closing != Once::Done || goes_on, G06, "one resource after the other goes")?;
            }
            self.settle_down(ix, service)?;
        }
        Ok(())
    }

    /// Whether all are up that a service depends on.
    fn all_up_for(&self, ix: ServiceIx) -> bool {
        self.spec(ix).depends_on.iter().all(|dependency| self.get(dependency.on).is_up())
    }

    /// Whoever is down starts again as soon as it may, or leaves.
    fn settle_down(&self, ix: ServiceIx, service: &Watched) -> Verdict {
        use Guarantee::*;
        if !service.is_down() {
            return Ok(());
        }
        ensure(service.owes_delay.is_none() || !service.wanted, G04, "who failed waits for its restart")?;
        let startable = matches!(service.life, Life::Unborn | Life::Resting);
        let registers = service.kind.registers() && service.step(Step::Register) == Seen::Unsent;
        let may = if self.waits(ix) { registers } else { self.all_up_for(ix) };
        let due = startable && may && self.port_is_bound() && service.delay != Once::Pending;
        ensure(!service.wanted || !due || service.is_between_leases(), G04, "who may start does")?;
        ensure(service.transition != Transition::Stop, G07, "the stop of one that is down is over")?;
        // Those that were added to depend on it go first.
        let needed = self.dependents(ix, false).next().is_some();
        let leaves = service.removed && !service.is_between_leases() && !needed;
        let stays = leaves && matches!(service.life, Life::Unborn | Life::Gone | Life::Resting);
        ensure(!stays, G07, "who is to leave, and is down, leaves")
    }
}
