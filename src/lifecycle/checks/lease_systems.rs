//! The systems with leases that are walked through, each state of them: one process, and all that a store may tell it.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::lease_systems
//! ```

use super::super::io::Departure;
use super::super::names::Kind::{self, Generic, Grpc, Listener, Server};
use super::super::spec::Spec;
use super::faults::Fault;
use super::lease_faults::LeaseFault;
use super::model::System;
use super::restarts::{following, restarting, small};
use super::sizes::in_full;

fn leased(spec: Spec) -> Spec {
    Spec { leased: true, ..spec }
}

/// A service that runs on one replica, and is restarted up to so many times.
fn alone(kind: Kind, restarts: u32) -> Spec {
    leased(restarting(kind, restarts))
}

/// A system in which each service may lose its lease so many times.
fn losing(specs: Vec<Spec>, losses: u8) -> System {
    let mut system = small(specs, 0);
    system.bounds.leases = losses;
    system
}

#[test]
fn g25_leases_hold_in_every_state_of_one_service_with_a_resource() {
    let mut system = losing(vec![Spec { stop_limit: true, ..alone(Generic, 1) }], 2);
    system.drain_delay = true;
    (system.bounds.resources, system.bounds.orders) = (1, 1);
    system.check();
    let mut system = losing(vec![leased(Spec::plain(Generic))], 1);
    (system.bounds.resources, system.bounds.strays, system.bounds.signals) = (2, true, true);
    system.check();
}

#[test]
fn g25_leases_hold_in_every_state_beside_others() {
    for specs in [
        vec![alone(Generic, 0), Spec::plain(Generic)],
        vec![alone(Listener, 0), Spec::plain(Listener)],
        vec![Spec::plain(Server), alone(Grpc, 0)],
        vec![alone(Generic, 0), alone(Generic, 0)],
    ] {
        let mut system = losing(specs, 1);
        system.drain_delay = in_full();
        system.bounds.orders = u8::from(in_full());
        system.bounds.deadline = in_full();
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
        system.check();
    }
}

#[test]
fn g25_leases_hold_in_every_state_of_one_that_needs_another() {
    let restarts = if in_full() { 1 } else { 0 };
    let mut system = losing(vec![restarting(Generic, restarts), leased(following(Generic, &[0]))], 1);
    system.bounds.orders = 1;
    if !in_full() {
        system.bounds.deadline = false;
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    }
    system.check();
}

#[test]
fn g24_g25_leases_hold_in_every_state_of_a_successor_and_through_reloads() {
    let late = Spec { after_handover: true, ..alone(Generic, u32::from(in_full())) };
    let mut system = losing(vec![late, Spec::plain(Listener)], 1);
    system.succeeds = true;
    system.bounds.deadline = in_full();
    system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    system.check();
    let mut system = losing(vec![Spec { reloadable: true, ..alone(Generic, 0) }, Spec::plain(Generic)], 1);
    (system.bounds.reloads, system.bounds.handovers) = (1, u8::from(in_full()));
    system.bounds.deadline = in_full();
    system.check();
}

#[test]
fn g25_who_steps_down_gives_its_lease_away_and_asks_for_it_again_only_later() {
    for specs in [
        vec![alone(Generic, 0)],
        vec![alone(Listener, 0), Spec::plain(Listener)],
        vec![restarting(Generic, 0), leased(following(Generic, &[0]))],
    ] {
        let orders = if specs.len() == 1 || in_full() { 2 } else { 1 };
        let mut system = losing(specs, u8::from(in_full()));
        system.bounds.orders = orders;
        system.bounds.resources = usize::from(in_full());
        system.bounds.deadline = in_full();
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
        system.check();
    }
}

#[test]
fn g25_each_broken_rule_of_leases_is_found() {
    use LeaseFault as F;
    for (fault, as_) in [
        (F::StartsUnchecked, "G25"),
        (F::GoesOnRefused, "G4"),
        (F::NeverBegins, "G4"),
        (F::StartsWithoutALease, "G25"),
        (F::ReturnsTooEarly, "G25"),
        (F::LetsTheLoserGoOn, "G25"),
        (F::ForgetsToCut, "G25"),
        (F::ForgetsToReturn, "G25"),
        (F::ForgetsWhoWasLeftBehind, "G25"),
        (F::AsksBeforeOthers, "G25"),
        (F::StaysOutForEver, "G4"),
        (F::KeepsItsLease, "G5"),
        (F::TellsNobody, "G25"),
    ] {
        let mut system = losing(vec![alone(Generic, 1)], 1);
        (system.bounds.resources, system.bounds.orders) = (1, 1);
        system.fault = Some(Fault::Lease(fault));
        let found = system.broken();
        assert!(found.iter().any(|property| property.starts_with(as_)), "{fault:?} was found as {found:?}");
    }
}
