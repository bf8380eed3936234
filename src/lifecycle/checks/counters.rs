//! The machine's counters against a scan of all that they count.

use super::super::handover_state::Yield;
use super::super::lease_state::Lease;
use super::super::machine::Machine;
use super::super::names::{ServiceIx, Step};
use super::super::service::{Actor, Registry, Resource, Service};

pub(super) fn counters_match(machine: &Machine) -> bool {
    let services = &machine.services;
    let steps = services.iter().map(|s| Step::ALL.into_iter().filter(|&step| s.is_open(step)).count());
    let alive = |actor: Actor| !matches!(actor, Actor::Unborn | Actor::Gone);
    let live = |s: &Service| s.resources.iter().filter(|&&r| r != Resource::Over).count();
    machine.open_steps == steps.sum::<usize>()
        && machine.open_runs == services.iter().filter(|s| s.is_open(Step::Run)).count()
        && machine.up as usize == services.iter().filter(|s| s.facts.up).count()
        && machine.working as usize == services.iter().filter(|s| s.facts.has_work).count()
        && machine.actors == services.iter().filter(|s| alive(s.actor)).count()
        && machine.closing == services.iter().filter(|s| s.registry == Registry::Closing).count()
        && machine.handover.waiting as usize == services.iter().filter(|s| s.waits).count()
        && machine.handover.giving_way as usize
            == services.iter().filter(|s| s.yields == Yield::Asked).count()
        && machine.leases.standing_by as usize == services.iter().filter(|s| s.lease == Lease::Sought).count()
        && machine.leases.checking as usize == services.iter().filter(|s| s.lease == Lease::Checking).count()
        && machine.leases.open as usize == services.iter().filter(|s| s.lease.is_open()).count()
        && machine.resources == services.iter().map(live).sum::<usize>()
        && services.iter().all(|s| s.live_resources as usize == live(s))
        && machine.each().all(|ix| neighbours_match(machine, ix))
}

/// What is counted of a service's neighbours, and what others are told of it, is so.
fn neighbours_match(machine: &Machine, ix: ServiceIx) -> bool {
    let service = machine.get(ix);
    let count = |those: usize, counted: u32| those == counted as usize;
    let facts = |of: ServiceIx| machine.get(of).facts;
    let missing = |on: &&super::super::spec::Dependency| !facts(on.on).up;
    let counts = |survives: bool| !survives || machine.stopping.cause.is_some();
    let dependents = || service.dependents.iter().filter(|dependent| counts(dependent.survives));
    machine.facts_of(ix) == service.facts
        && count(service.depends_on.iter().filter(missing).count(), service.neighbours.missing)
        && count(
            service.depends_on.iter().filter(missing).filter(|on| !on.survives).count(),
            service.neighbours.lost,
        )
        && count(dependents().filter(|d| facts(d.by).blocks_stop).count(), service.neighbours.blocking)
        && count(dependents().filter(|d| facts(d.by).holds_resources).count(), service.neighbours.holding)
}
