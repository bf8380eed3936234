//! Which states count as the same.
//!
//! Two states are visited as one when they differ only in ways that no later step can tell apart:
//!
//! - *Services of a kind are interchangeable.* The machine treats them by kind and state alone; their order
//!   decides the order of commands within one step, and no promise speaks about that. So services count as
//!   a sorted list, not as a sequence.
//! - *Failures of a step are alike.* The machine and the promises ask of a step that is over only whether
//!   it ended well ([`Outcome::Ok`]); how else it ended is told when it ends and is never read again.
//! - *Causes are alike.* Which cause began the shutdown is told then; later only whether there is one matters.
//!
//! [`random`](super::random) follows histories without any of this.

use std::hash::{Hash, Hasher};

use super::super::machine::Machine;
use super::super::names::{Cause, Outcome, Step};
use super::super::service::{Progress, Service};
use super::world::{Watched, World};

/// Hashes machine and world such that states which count as the same are the same.
pub(super) fn hash<H: Hasher>(machine: &Machine, world: &World, to: &mut H) {
    let pairs = machine.services.iter().zip(&world.services);
    let mut codes: Vec<u64> = pairs.map(|(service, watched)| code(service, watched)).collect();
    codes.sort_unstable();
    codes.hash(to);
    let mut stopping = machine.stopping.clone();
    stopping.cause = stopping.cause.map(|_| Cause::Finished);
    stopping.hash(to);
    let mut rest = Packed(0);
    rest.push(machine.stage as u64, 8);
    rest.push(u64::from(machine.signals), 8);
    rest.push(u64::from(machine.running_announced), 2);
    let flags =
        [world.started, world.running, world.requested, world.signalled, world.releasing, world.stopped];
    for flag in flags.into_iter().chain([world.exited]) {
        rest.push(u64::from(flag), 2);
    }
    for once in [world.draining, world.drain_delay, world.last_call, world.closing] {
        rest.push(once as u64, 3);
    }
    rest.push(world.pressure as u64, 3);
    rest.push(u64::from(world.signals), 4);
    rest.0.hash(to);
    // The counters are not hashed: each follows from the services, which a property of the model holds.
}

/// All that is known of one service, in one number.
fn code(service: &Service, watched: &Watched) -> u64 {
    let mut code = Packed(0);
    code.push(service.kind as u64, 4);
    code.push(service.actor as u64, 5);
    code.push(watched.life as u64, 5);
    for step in Step::ALL {
        code.push(progress(service.step(step)), 4);
        code.push(watched.step(step) as u64, 4);
    }
    code.push(service.resources.len() as u64, 8);
    for &resource in &service.resources {
        code.push(resource as u64, 4);
    }
    code.push(watched.holds().len() as u64, 8);
    for &hold in watched.holds() {
        code.push(hold as u64, 4);
    }
    code.0
}

fn progress(progress: Progress) -> u64 {
    match progress {
        Progress::Unsent => 0,
        Progress::Open => 1,
        Progress::Over(Outcome::Ok) => 2,
        Progress::Over(_) => 3,
    }
}

/// A number in mixed radix. Both ends are in this file, so nobody needs to unpack it.
struct Packed(u64);

impl Packed {
    fn push(&mut self, digit: u64, radix: u64) {
        debug_assert!(digit < radix && self.0 <= u64::MAX / radix);
        self.0 = self.0 * radix + digit;
    }
}
