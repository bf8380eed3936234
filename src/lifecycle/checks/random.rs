//! Random histories of large systems: up to 50 services, late, doubled and impossible inputs among them.
//!
//! A history is a list of random numbers, each read as one input. Most pick something that is possible at that
//! moment; the others pick any input at all, also of services and resources that do not exist. Once the list
//! is used up the history is brought to its end, by forced ends alone where there is a deadline. Each step
//! is judged by the promises that the model is judged by.

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};

use super::super::io::{Answer, Departure, Input};
use super::super::machine::Machine;
use super::super::names::{Kind, ServiceIx, SignalKind};
use super::counters::counters_match;
use super::environment::{
    ALL_ANSWERS, ALL_DEPARTURES, Bounds, forced_to_come, kindly_to_come, possible, strays,
};
use super::promises::Broken;
use super::world::{MOST_RESOURCES, World};

/// A system and what befalls it.
#[derive(Debug, Clone)]
struct History {
    kinds: Vec<Kind>,
    resources: usize,
    drain_delay: bool,
    deadline: bool,
    /// How many in 100 inputs may be anything, once the calm is over; the others harm nobody.
    chaos: u64,
    /// How many inputs come before there is any chaos.
    calm: usize,
    inputs: Vec<u64>,
}

fn histories() -> impl Strategy<Value = History> {
    let kind = prop_oneof![Just(Kind::Generic), Just(Kind::Grpc), Just(Kind::Both)];
    let chaos = prop_oneof![Just(0), Just(1), Just(5), Just(50), Just(100)];
    (
        prop::collection::vec(kind, 0..=50),
        prop::option::of(0..50_usize),
        0..=4_usize,
        any::<bool>(),
        any::<bool>(),
        chaos,
        prop_oneof![Just(0), 0..800_usize],
        prop::collection::vec(any::<u64>(), 0..1000),
    )
        .prop_map(|(mut kinds, server, resources, drain_delay, deadline, chaos, calm, inputs)| {
            // The server's place is not always the first, and at most one.
            if let Some(at) = server
                && at < kinds.len()
            {
                kinds[at] = Kind::Server;
            }
            History { kinds, resources, drain_delay, deadline, chaos, calm, inputs }
        })
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
        let kinds = history.kinds.iter().copied();
        Self {
            machine: Machine::new(kinds.clone(), history.drain_delay),
            world: World::new(kinds),
            bounds: Bounds {
                resources: history.resources,
                server_resources: history.resources,
                deadline: history.deadline,
                signals: true,
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

/// Whether an input lets everything go on as it should.
fn is_harmless(input: Input) -> bool {
    match input {
        Input::Answered(_, _, answer) | Input::Released(_, answer) => answer == Answer::Ok,
        Input::Gone(_, departure) | Input::ResourceGone(_, departure) => departure == Departure::Dismissed,
        Input::Panicked(_) | Input::ResourcePanicked(_) => false,
        Input::ForceAsked | Input::Signal(_) | Input::ReserveReached | Input::DeadlineReached => false,
        Input::ShutdownAsked => false,
        Input::Start
        | Input::Serving
        | Input::ResourceStarted(_)
        | Input::ResourcesClosed
        | Input::DrainDelayOver
        | Input::LastCallOver => true,
    }
}

fn fail(reason: String) -> TestCaseError {
    TestCaseError::fail(reason)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
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
            if let Some(input) = run.choose(number, chaos) {
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
