//! Which states count as the same.
//!
//! Two states are visited as one when they differ only in ways that no later step can tell apart:
//!
//! - *Services of a kind are interchangeable*, where none depends on another. The machine treats them by kind and state alone; their order
//!   decides the order of commands within one step, and no promise speaks about that. So services count as
//!   a sorted list, not as a sequence.
//! - *Failures of a step are alike.* The machine and the promises ask of a step that is over only whether
//!   it ended well ([`Outcome::Ok`]); how else it ended is told when it ends and is never read again.
//! - *Causes are alike.* Which cause began the shutdown is told then; later only whether there is one matters.
//!
//! [`random`](super::random) follows histories without any of this.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use super::super::machine::Machine;
use super::super::names::{Cause, Outcome, Step};
use super::super::service::{Progress, Service};
use super::watched::Watched;
use super::world::World;

/// Hashes machine and world such that states which count as the same are the same.
pub(super) fn hash<H: Hasher>(machine: &Machine, world: &World, to: &mut H) {
    let pairs = machine.services.iter().zip(&world.services);
    let mut codes: Vec<u64> = pairs.map(|(service, watched)| code(service, watched)).collect();
    let alike = world.specs.iter().all(|spec| spec.depends_on.is_empty() && !spec.restartable);
    if alike {
        codes.sort_unstable();
    }
    codes.hash(to);
    let mut stopping = machine.stopping.clone();
    stopping.cause = stopping.cause.map(|_| Cause::Finished);
    stopping.hash(to);
    (machine.stage, machine.signals, machine.running_announced, machine.opened).hash(to);
    [world.started, world.running, world.launched, world.requested, world.drained_enough].hash(to);
    [world.releasing, world.stopped, world.exited].hash(to);
    [world.draining, world.drain_delay, world.last_call].hash(to);
    (world.pressure, world.signals, world.shares, world.shares_spent, world.orders).hash(to);
    (machine.reload, world.reloading).hash(to);
    (machine.handover, world.handing).hash(to);
    // The counters are not hashed: each follows from the services, which a property of the model holds.
}

/// All that is known of one service, in one number.
fn code(service: &Service, watched: &Watched) -> u64 {
    let mut code = FixedState::default().build_hasher();
    (service.kind, service.mode, service.life, service.transition, service.actor, service.registry)
        .hash(&mut code);
    (service.wanted, service.leaves_for_good, service.vacant, service.owes_delay).hash(&mut code);
    (
        service.restarts,
        service.setup_retries,
        service.setup_retried,
        service.asked,
        service.cut,
        service.level,
    )
        .hash(&mut code);
    service.resources.hash(&mut code);
    (watched.life, watched.way, watched.transition, watched.wanted, watched.removed).hash(&mut code);
    (watched.vacant, watched.signalled, watched.closing, watched.delay, watched.owes_delay).hash(&mut code);
    (watched.stop_timer, watched.restarts, watched.forgotten, watched.lives, watched.cut).hash(&mut code);
    (service.permitted, watched.permitted).hash(&mut code);
    (service.serving, watched.serving).hash(&mut code);
    (service.waits, service.yields, watched.yielding).hash(&mut code);
    (watched.waits, watched.standby, watched.late).hash(&mut code);
    (
        service.lease,
        service.left_behind,
        watched.tenure,
        watched.losses,
        watched.returns,
        watched.stays,
        watched.left_behind,
    )
        .hash(&mut code);
    (service.reload, service.commits_after, watched.part).hash(&mut code);
    (watched.setup_retries, watched.setup_retries_forgotten).hash(&mut code);
    for step in Step::ALL {
        (progress(service.step(step)), watched.step(step)).hash(&mut code);
    }
    watched.holds().hash(&mut code);
    code.finish()
}

fn progress(progress: Progress) -> u8 {
    match progress {
        Progress::Unsent => 0,
        Progress::Open => 1,
        Progress::Over(Outcome::Ok) => 2,
        Progress::Over(_) => 3,
    }
}
