//! Who joins a running manager, and who leaves it for good.

use super::super::announcement::{Announcement as Told, Fault};
use super::super::io::{Answer, Command, Departure, Input};
use super::super::machine::{Commands, Machine};
use super::super::names::{Kind, ServiceIx, Stage, Step};
use super::super::spec::{Dependency, Spec};
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::watched::{Seen, Transition, Way};
use super::world::World;

impl World {
    pub(super) fn obey_added(&mut self, ix: ServiceIx) -> Verdict {
        use Guarantee::*;
        let service = self.at(ix);
        let runs = !service.kind.runs() || service.step(Step::Run) != Seen::Unsent;
        let fits = runs || service.stands_by();
        ensure(service.transition == Transition::Addition && fits, G07, "what is added runs")?;
        service.transition = Transition::None;
        Ok(())
    }

    pub(super) fn obey_removed(&mut self, ix: ServiceIx) -> Verdict {
        use Guarantee::*;
        let alone = self.dependents(ix, false).next().is_none();
        let service = self.at(ix);
        let gone = service.removed && service.is_down() && !service.lives();
        ensure(gone && alone, G07, "what is removed is gone, and nobody needs it")?;
        (service.vacant, service.transition) = (true, Transition::None);
        Ok(())
    }

    /// A service that was added and failed is taken back, unless its set-up is tried again.
    pub(super) fn roll_back(&mut self, ix: ServiceIx, fault: Option<Fault>, now: &Moment) {
        let up = self.is_up() && now.retry != Some(ix);
        let service = self.at(ix);
        if up && fault.is_some() && service.transition == Transition::Addition && service.way == Way::On {
            self.take_back(ix);
        }
    }

    /// What was added is taken back, with all that depend on it.
    pub(super) fn take_back(&mut self, ix: ServiceIx) {
        let service = self.at(ix);
        (service.wanted, service.removed, service.owes_delay) = (false, true, None);
        if service.way != Way::Down {
            service.way = Way::AtOnce;
        }
        for at in 0..self.services.len() {
            let depends = self.specs[at].depends_on.iter().any(|on| on.on == ix);
            if depends && !self.services[at].vacant && !self.services[at].removed {
                self.take_back(ServiceIx(at as u32));
            }
        }
    }
}

/// A machine beside its history, which judges each of its steps.
struct Judged {
    machine: Machine,
    world: World,
}

impl Judged {
    fn running() -> Self {
        let specs = || [Spec::plain(Kind::Generic)];
        let mut both = Self { machine: Machine::new(specs(), false), world: World::new(specs()) };
        both.step(Input::Start);
        both.step(Input::Answered(ServiceIx(0), Step::Setup, Answer::Ok));
        both
    }

    fn step(&mut self, input: Input) -> Commands {
        let commands = self.machine.step(input);
        let judged = self.world.observe(input, &commands);
        assert!(judged.is_ok(), "{input:?} led to {commands:?}: {judged:?}");
        commands
    }

    fn add(&mut self, depends_on: &[ServiceIx], leased: bool) -> ServiceIx {
        let depends_on = depends_on.iter().map(|&on| Dependency { on, survives: false }).collect();
        let spec = Spec { depends_on, leased, restartable: leased, ..Spec::plain(Kind::Generic) };
        let ix = self.machine.add(spec.clone());
        self.world.add(ix, spec);
        self.step(Input::Added(ix));
        ix
    }
}

fn removed(commands: &Commands) -> Vec<ServiceIx> {
    let of = |command: &Command| match command {
        Command::Announce(Told::ServiceRemoved(ix)) => Some(*ix),
        _ => None,
    };
    commands.iter().filter_map(of).collect()
}

#[test]
fn g07_what_was_added_and_failed_takes_those_along_that_were_added_to_depend_on_it() {
    let mut both = Judged::running();
    let first = both.add(&[], false);
    let second = both.add(&[first], false);
    let third = both.add(&[second, first], true);
    let stopped = both.add(&[first], false);
    both.step(Input::StopAsked(stopped));
    let failed = both.step(Input::Answered(first, Step::Setup, Answer::Error));
    assert_eq!(removed(&failed), [stopped], "a store is still asked for the third");
    let checked = both.step(Input::LeaseChecked(third));
    assert_eq!(removed(&checked), [third, second]);
    both.step(Input::Gone(first, Departure::Dismissed));
    assert_eq!(removed(&both.step(Input::ResourcesClosed(first))), [first]);
    // Places are free again, and nobody depends on whoever has them next.
    let next = both.add(&[], false);
    assert!([first, second, third, stopped].contains(&next) && both.machine.dependents(next).is_empty());
}

#[test]
fn g25_what_was_added_is_taken_back_when_its_store_refuses_the_lease() {
    let mut both = Judged::running();
    let leased = both.add(&[], true);
    let refused = both.step(Input::LeaseRefused(leased));
    assert_eq!(removed(&refused), [leased]);
    assert_eq!(both.machine.stage(), Stage::Running);
    // Who was stopped meanwhile hears of no refusal.
    let leased = both.add(&[], true);
    both.step(Input::StopAsked(leased));
    assert_eq!(both.step(Input::LeaseRefused(leased)), []);
    assert_eq!(both.machine.stage(), Stage::Running);
}
