//! The production machine and its environment as a `stateright` model.

use std::hash::{Hash, Hasher};
use std::time::Instant;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

use super::super::io::Input;
use super::super::machine::Machine;
use super::super::names::{Kind, ServiceIx, Stage};
use super::super::spec::Spec;
use super::canonical;
use super::counters::counters_match;
use super::environment::{Bounds, forced_to_come, kindly_to_come, passage_to_go_on, possible};
use super::faults::Fault;
use super::promises::{Broken, Guarantee};
use super::strays::strays;
use super::watched::{Once, Pressure};
use super::world::World;

/// A system to be walked through.
#[derive(Debug, Clone)]
pub(super) struct System {
    pub(super) specs: Vec<Spec>,
    pub(super) drain_delay: bool,
    /// Whether the process has a predecessor.
    pub(super) succeeds: bool,
    pub(super) bounds: Bounds,
    /// The rule that is broken deliberately.
    pub(super) fault: Option<Fault>,
}

/// The machine, what has happened, and the first promise that was broken on the way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    machine: Machine,
    world: World,
    broken: Option<Broken>,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, to: &mut H) {
        canonical::hash(&self.machine, &self.world, to);
        self.broken.hash(to);
    }
}

impl State {
    fn keeps(&self, guarantee: Guarantee) -> bool {
        self.broken.is_none_or(|broken| broken.0 != guarantee)
    }

    fn is_over(&self) -> bool {
        self.world.stopped || self.world.exited || self.broken.is_some()
    }
}

impl Model for System {
    type State = State;
    type Action = Input;

    fn init_states(&self) -> Vec<State> {
        let mut machine = Machine::new(self.specs.iter().cloned(), self.drain_delay);
        let mut world = World::new(self.specs.iter().cloned());
        if self.succeeds {
            machine.succeeds();
            world.succeeds();
        }
        vec![State { machine, world, broken: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Input>) {
        if state.broken.is_none() {
            possible(&state.world, &self.bounds, actions);
        }
    }

    fn next_state(&self, last: &State, input: Input) -> Option<State> {
        let mut next = last.clone();
        let mut commands = next.machine.step(input);
        if let Some(fault) = self.fault {
            fault.apply(&last.world, input, &mut commands);
        }
        next.broken = next.world.observe(input, &commands).err();
        if next.broken.is_none() && next.world.rank() <= last.world.rank() {
            if next.machine == last.machine {
                return None;
            }
            next.broken = Some(Broken(Guarantee::G13, "each change is a step towards the end"));
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        use Guarantee::*;
        vec![
            Property::always("G1 each actor is started, told and ended once", |_, s: &State| s.keeps(G01)),
            Property::always("G2 register, set up all, then run", |_, s: &State| s.keeps(G02)),
            Property::always("G3 nothing begins after a failed set-up", |_, s: &State| s.keeps(G03)),
            Property::always("G4 a failure, or the last return, begins the shutdown", |_, s: &State| {
                s.keeps(G04)
            }),
            Property::always("G5 who runs is asked, once, after the drain delay", |_, s: &State| {
                s.keeps(G05)
            }),
            Property::always("G6 release after run, last started first", |_, s: &State| s.keeps(G06)),
            Property::always("G7 everything is accounted for, once", |_, s: &State| s.keeps(G07)),
            Property::always("G8 force when it is time, never before", |_, s: &State| s.keeps(G08)),
            Property::always("G8 after the deadline only forced ends are waited for", |_, s: &State| {
                let late = s.world.pressure == Pressure::Deadline;
                !late || s.is_over() || forced_to_come(&s.world, false).is_some()
            }),
            Property::always("G12 the third signal ends the process", |_, s: &State| s.keeps(G12)),
            Property::always("G13 the end is the end, and progress is bounded", |_, s: &State| s.keeps(G13)),
            Property::always(
                "G13 with a deadline, the end comes although everybody hangs",
                |m: &Self, s: &State| {
                    let asked = s.world.requested && m.bounds.deadline;
                    !asked || s.is_over() || forced_to_come(&s.world, true).is_some()
                },
            ),
            Property::always(
                "G13 without a deadline, the end comes when everybody answers",
                |_, s: &State| !s.world.requested || s.is_over() || kindly_to_come(&s.world).is_some(),
            ),
            Property::always(
                "G4 a restart, or another set-up, comes to its end when everybody answers",
                |_, s: &State| {
                    let under_way = s.world.is_active() && s.world.has_passage();
                    !under_way || s.is_over() || passage_to_go_on(&s.world).is_some()
                },
            ),
            Property::always("G13 the stage is what was told", |_, s: &State| s.is_over() || stage_fits(s)),
            Property::always("G13 after the end nothing changes anything", |_, s: &State| {
                !s.world.stopped
                    || s.broken.is_some()
                    || strays(ServiceIx(0), 0).all(|input| {
                        let mut machine = s.machine.clone();
                        machine.step(input).is_empty() && machine == s.machine
                    })
            }),
            Property::always("the counters are what a scan would find", |_, s: &State| {
                counters_match(&s.machine)
            }),
            Property::always(
                "G21 who is told to stop in set-up is told at once, and does not fail of it; a set-up is retried",
                |_, s: &State| s.keeps(G21),
            ),
            Property::always("G24 a hand-over leaves one process that serves", |_, s: &State| s.keeps(G24)),
            Property::always("G25 who lives has a lease, and gives it back last", |_, s: &State| {
                s.keeps(G25)
            }),
            Property::always("G26 a reload reaches all before it changes anybody", |_, s: &State| {
                s.keeps(G26)
            }),
            Property::sometimes("an end", |_, s: &State| s.world.stopped),
            Property::sometimes("an end with everybody forced", |m: &Self, s: &State| {
                m.bounds.resources == 0
                    || s.world.stopped && (s.world.last_call == Once::Done || s.world.services.is_empty())
            }),
        ]
    }
}

fn stage_fits(state: &State) -> bool {
    let world = &state.world;
    match state.machine.stage() {
        Stage::Created => !world.started && !world.requested,
        Stage::SettingUp => world.started && !world.requested && !world.launched(),
        Stage::Running => world.launched() && !world.requested,
        Stage::Stopping => world.requested && !world.releasing,
        Stage::Releasing => world.releasing && !world.stopped,
        Stage::Stopped => world.stopped,
    }
}

impl System {
    /// Walks through every state. Panics with the way to the first broken promise.
    pub(super) fn check(self) {
        let began = Instant::now();
        let kinds: Vec<Kind> = self.specs.iter().map(|spec| spec.kind).collect();
        let name = format!("{kinds:?} x {}", self.bounds.resources);
        let checker = self.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
        println!(
            "{name}: {} states, {} transitions, depth {}, {:.1?}",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            began.elapsed()
        );
        for (property, path) in checker.discoveries() {
            if checker.model().property(property).expectation != Expectation::Sometimes {
                let broken = path.last_state().broken;
                let way: Vec<_> =
                    path.into_actions().iter().map(|input| format!("\n    {input:?}")).collect();
                panic!("{name}: {property}: {broken:?} after{}", way.concat());
            }
        }
        checker.assert_properties();
    }

    /// The promises that are found broken.
    pub(super) fn broken(self) -> Vec<&'static str> {
        let checker = self.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let always = |name: &&'static str| checker.model().property(name).expectation == Expectation::Always;
        checker.discoveries().into_keys().filter(always).collect()
    }
}
