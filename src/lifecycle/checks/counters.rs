//! The machine's counters against a scan of all that they count.

use super::super::machine::Machine;
use super::super::names::{Outcome, Step};
use super::super::service::{Actor, Progress, Resource};

pub(super) fn counters_match(machine: &Machine) -> bool {
    let services = &machine.services;
    let steps = services.iter().map(|s| Step::ALL.into_iter().filter(|&step| s.is_open(step)).count());
    let alive = |actor: Actor| !matches!(actor, Actor::Unborn | Actor::Gone);
    let left = services.iter().map(|s| s.resources.iter().filter(|&&r| r != Resource::Over).count());
    machine.open_steps == steps.sum::<usize>()
        && machine.open_runs == services.iter().filter(|s| s.is_open(Step::Run)).count()
        && machine.set_up
            == services.iter().filter(|s| s.step(Step::Setup) == Progress::Over(Outcome::Ok)).count()
        && machine.actors == services.iter().filter(|s| alive(s.actor)).count()
        && machine.resources == left.sum::<usize>()
}
