//! Random histories of large systems: up to 50 services, late, doubled and impossible inputs among them.
//!
//! A history is a list of random numbers, each read as one input. Most pick something that is possible at that
//! moment; the others pick any input at all, also of services and resources that do not exist. Once the list
//! is used up the history is brought to its end, by forced ends alone where there is a deadline. Each step
//! is judged by the promises that the model is judged by.

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};

use super::super::io::Input;
use super::super::machine::Machine;
use super::super::names::{Kind, ServiceIx, SignalKind};
use super::super::spec::{Dependency, RestartMode, Spec};
use super::counters::counters_match;
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES, Bounds, forced_to_come, kindly_to_come, possible};
use super::promises::Broken;
use super::strays::{is_harmless, strays};
use super::watched::MOST_RESOURCES;
use super::world::World;

/// A system and what befalls it.
#[derive(Debug, Clone)]
struct History {
    specs: Vec<Spec>,
    resources: usize,
    drain_delay: bool,
    deadline: bool,
    /// Whether there is a predecessor.
    succeeds: bool,
    /// How many in 100 inputs may be anything, once the calm is over; the others harm nobody.
    chaos: u64,
    /// How many inputs come before there is any chaos.
    calm: usize,
    inputs: Vec<u64>,
}

/// A service that depends on some of those before it.
fn spec() -> impl Strategy<Value = (Spec, Vec<(prop::sample::Index, bool)>)> {
    let kind = prop_oneof![Just(Kind::Generic), Just(Kind::Grpc), Just(Kind::Both), Just(Kind::Listener)];
    let mode = prop_oneof![
        Just(RestartMode::Never),
        Just(RestartMode::OnFailure),
        Just(RestartMode::OnFailure),
        Just(RestartMode::Always)
    ];
    let budget = || prop_oneof![Just(None), (0..4_u32).prop_map(Some)];
    let depends_on = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..3);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
    );
    (kind, mode, (budget(), budget()), prop::bool::weighted(0.9), flags, depends_on).prop_map(
        |(
            kind,
            mode,
            (most_restarts, most_setup_retries),
            restartable,
            (stop_limit, reloadable, after_handover, at_once, leased),
            depends_on,
        )| {
            let budgets = Spec { most_restarts, most_setup_retries, ..Spec::plain(kind) };
            // Nobody depends on it, which is seen to below.
            let leased = leased && restartable && !kind.registers() && !kind.accepts();
            let waits = Spec { after_handover, leased, ..budgets };
            let spec = Spec { mode, restartable, at_once, stop_limit, reloadable, ..waits };
            (spec, depends_on)
        },
    )
}

/// Services without the one or the other, or with both: dependencies, and restarts.
fn specs() -> impl Strategy<Value = Vec<Spec>> {
    (prop::collection::vec(spec(), 0..=50), any::<bool>(), any::<bool>()).prop_map(
        |(drawn, depend, restart)| {
            let mut specs: Vec<Spec> = Vec::new();
            for (mut spec, depends_on) in drawn {
                if !restart {
                    spec = Spec { stop_limit: spec.stop_limit, ..Spec::plain(spec.kind) };
                }
                for (on, survives) in depends_on {
                    if depend && !specs.is_empty() {
                        let on = ServiceIx(on.index(specs.len()) as u32);
                        let leased = specs[on.0 as usize].leased;
                        if !leased && spec.depends_on.iter().all(|known| known.on != on) {
                            spec.depends_on.push(Dependency { on, survives });
                        }
                    }
                }
                specs.push(spec);
            }
            specs
        },
    )
}

fn histories() -> impl Strategy<Value = History> {
    let chaos = prop_oneof![Just(0), Just(1), Just(5), Just(50), Just(100)];
    (
        specs(),
        prop::option::of(0..50_usize),
        0..=4_usize,
        (any::<bool>(), any::<bool>(), prop::bool::weighted(0.3)),
        chaos,
        prop_oneof![Just(0), 0..800_usize],
        prop::collection::vec(any::<u64>(), 0..1000),
    )
        .prop_map(
            |(mut specs, server, resources, (drain_delay, deadline, succeeds), chaos, calm, inputs)| {
                // The server's place is not always the first, and at most one.
                if let Some(at) = server
                    && at < specs.len()
                {
                    let mut depends_on = specs[at].depends_on.clone();
                    depends_on.iter_mut().for_each(|dependency| dependency.survives = true);
                    specs[at] = Spec { depends_on, ..Spec::plain(Kind::Server) };
                    // Nobody depends on it.
                    for spec in &mut specs {
                        spec.depends_on.retain(|dependency| dependency.on.0 as usize != at);
                    }
                }
                History { specs, resources, drain_delay, deadline, succeeds, chaos, calm, inputs }
            },
        )
}

/// The machine under test, beside its world.
struct Run {
    machine: Machine,
    world: World,
    bounds: Bounds,
    steps: usize,
}

impl Run {
    fn new(history: &History) -> Self {
        let specs = || history.specs.iter().cloned();
        let mut machine = Machine::new(specs(), history.drain_delay);
        let mut world = World::new(specs());
        if history.succeeds {
            machine.succeeds();
            world.succeeds();
        }
        Self {
            machine,
            world,
            bounds: Bounds {
                resources: history.resources,
                server_resources: history.resources,
                deadline: history.deadline,
                signals: true,
                shutdown: true,
                orders: 20,
                reloads: 20,
                handovers: 20,
                leases: 20,
                forgotten: 20,
                strays: true,
                answers: ALL_ANSWERS,
                departures: ALL_DEPARTURES,
            },
            steps: 0,
        }
    }

    fn step(&mut self, input: Input) -> Result<(), TestCaseError> {
        let rank = self.world.rank();
        let before = (!self.world.means_anything(input)).then(|| self.machine.clone());
        let commands = self.machine.step(input);
        self.steps += 1;
        self.world.observe(input, &commands).map_err(|Broken(guarantee, promise)| {
            fail(format!("{guarantee:?} {promise}: {input:?} led to {commands:?}"))
        })?;
        prop_assert!(counters_match(&self.machine), "counters after {input:?}: {:?}", self.machine);
        match before {
            Some(before) => {
                prop_assert!(commands.is_empty(), "{input:?} meant nothing, but led to {commands:?}");
                prop_assert!(
                    before == self.machine,
                    "{input:?} meant nothing, but changed {before:?} to {:?}",
                    self.machine
                );
            }
            None => prop_assert!(self.world.rank() >= rank, "{input:?} was a step back"),
        }
        Ok(())
    }

    /// The input that a random number stands for.
    fn choose(&self, number: u64, chaos: u64) -> Option<Input> {
        let (roll, pick) = (number % 1000, number / 1000);
        let wild = roll / 10 < chaos;
        if roll % 5 == 0 {
            let stray = self.stray(pick);
            return (wild || !self.world.means_anything(stray))
                .then_some(stray)
                .filter(|&i| self.has_room(i));
        }
        let mut all = Vec::new();
        possible(&self.world, &self.bounds, &mut all);
        all.retain(|&input| wild || is_harmless(input));
        (!all.is_empty()).then(|| all[pick as usize % all.len()])
    }

    /// Hands another service to the running manager, which depends on some that are there.
    fn add(&mut self, number: u64) -> Result<(), TestCaseError> {
        let count = self.world.services.len() as u64;
        let mode = [RestartMode::Never, RestartMode::OnFailure, RestartMode::Always][number as usize % 3];
        let mut spec = Spec {
            mode,
            most_restarts: Some(1),
            most_setup_retries: Some((number % 2) as u32),
            restartable: !number.is_multiple_of(5),
            at_once: number.is_multiple_of(2),
            after_handover: number.is_multiple_of(3),
            leased: number.is_multiple_of(4) && !number.is_multiple_of(5),
            ..Spec::plain(Kind::Generic)
        };
        for draw in [number / 7, number / 70].into_iter().filter(|_| count > 0) {
            // Often the latest, which may be on its way up itself.
            let on = if draw % 3 == 0 { count - 1 } else { draw % count };
            let on = ServiceIx(on as u32);
            let there = !self.world.get(on).vacant
                && !self.world.get(on).removed
                && self.world.get(on).kind != Kind::Server;
            let there = there && !self.world.spec(on).leased;
            if there && spec.depends_on.iter().all(|known| known.on != on) {
                spec.depends_on.push(Dependency { on, survives: draw.is_multiple_of(2) });
            }
        }
        let ix = self.machine.add(spec.clone());
        self.world.add(ix, spec);
        self.step(Input::Added(ix))?;
        // Some are not even let come up.
        let orders = [Input::StopAsked(ix), Input::RemoveAsked(ix), Input::LeaseRefused(ix)];
        let order = orders.get(number as usize / 101 % 9);
        match order.filter(|&&order| self.world.means_anything(order)) {
            Some(order) => self.step(*order),
            None => Ok(()),
        }
    }

    /// Any input, of services and resources that may not exist.
    fn stray(&self, pick: u64) -> Input {
        let services = self.world.services.len() as u64;
        let (ix, pick) = (pick % (services + 1), pick / (services + 1));
        let (index, pick) = (pick % (MOST_RESOURCES as u64 + 1), pick / (MOST_RESOURCES as u64 + 1));
        let all: Vec<Input> = strays(ServiceIx(ix as u32), index as u32)
            .chain([Input::Signal(SignalKind::Interrupt)])
            .filter(|input| !matches!(input, Input::Signal(_)) || self.world.signals < 2)
            .collect();
        all[pick as usize % all.len()]
    }

    fn has_room(&self, input: Input) -> bool {
        !matches!(input, Input::ResourceStarted(ix)
            if self.world.knows(input) && self.world.get(ix).holds().len() == MOST_RESOURCES)
    }

    fn is_over(&self) -> bool {
        self.world.stopped || self.world.exited
    }
}

fn fail(reason: String) -> TestCaseError {
    TestCaseError::fail(reason)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn g01_to_g13_hold_in_random_histories_of_up_to_50_services(history in histories()) {
        let mut run = Run::new(&history);
        for (n, &number) in history.inputs.iter().enumerate() {
            let chaos = if n < history.calm { 0 } else { history.chaos };
            if number.is_multiple_of(101) && run.world.is_up() && run.world.services.len() < 60 {
                run.add(number)?;
            } else if let Some(input) = run.choose(number, chaos) {
                run.step(input)?;
            }
        }
        // To the end: nobody answers any more where a deadline ends all that, and all do where there is none.
        if !run.world.requested {
            run.step(Input::ShutdownAsked)?;
        }
        let most = run.steps + 1000;
        while !run.is_over() {
            let next = if history.deadline {
                forced_to_come(&run.world, true)
            } else {
                kindly_to_come(&run.world)
            };
            let Some(next) = next else {
                return Err(fail(format!("no way to the end from {:?}", run.machine)));
            };
            run.step(next)?;
            prop_assert!(run.steps < most, "no end in sight of {:?}", run.machine);
        }
        // Whatever still comes is late.
        for &number in history.inputs.iter().take(100) {
            run.step(run.stray(number))?;
        }
    }
}
