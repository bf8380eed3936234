//! The systems with permits that are walked through, each state of them, and the broken rules that are found in them.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::permit_systems
//! ```

use super::super::io::{Answer, Command, Departure, Input};
use super::super::machine::Machine;
use super::super::names::Kind::{Generic, Listener, Server};
use super::super::names::{ServiceIx, Step};
use super::super::spec::{RestartMode, Spec};
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES};
use super::faults::Fault;
use super::handover_systems::{handing, late, succeeding};
use super::model::System;
use super::permit_faults::PermitFault::{self, *};
use super::restarts::{depending, following, restarting, small};
use super::retries::retrying;
use super::sizes::in_full;

/// A service that is restarted up to so many times, without delay.
fn at_once(restarts: u32) -> Spec {
    Spec { at_once: true, ..restarting(Generic, restarts) }
}

fn reloadable(spec: Spec) -> Spec {
    Spec { reloadable: true, ..spec }
}

#[test]
fn g04_permits_hold_in_every_state_of_one_service() {
    for mode in [RestartMode::OnFailure, RestartMode::Always] {
        let mut system = small(vec![Spec { mode, stop_limit: true, ..at_once(2) }], 1);
        system.drain_delay = true;
        system.bounds.orders = if in_full() { 2 } else { 1 };
        system.bounds.forgotten = 1;
        system.bounds.signals = in_full();
        system.bounds.strays = true;
        system.bounds.answers = if in_full() { ALL_ANSWERS } else { &[Answer::Ok, Answer::Panic] };
        system.bounds.departures = ALL_DEPARTURES;
        system.check();
    }
}

#[test]
fn g04_permits_hold_in_every_state_of_one_whose_set_up_is_tried_again() {
    let mut system = small(vec![retrying(at_once(2), 1), Spec::plain(Generic)], 1);
    system.bounds.forgotten = 1;
    system.check();
}

#[test]
fn g04_permits_hold_in_every_state_of_one_that_depends_on_another() {
    let needed = || restarting(Generic, 1);
    for survives in [false, true] {
        let mut system = small(vec![needed(), depending(at_once(1), &[0], survives)], 0);
        system.bounds.orders = 1;
        system.check();
    }
    // The one that is depended on has none, but may come to have one.
    let mut system = small(vec![at_once(1), following(Generic, &[0])], 0);
    system.bounds.orders = 2;
    system.check();
}

#[test]
fn g04_permits_hold_in_every_state_of_two_beside_a_server() {
    let mut system = small(vec![at_once(1), at_once(1), Spec::plain(Server)], 0);
    system.drain_delay = true;
    system.bounds.deadline = in_full();
    system.check();
}

#[test]
fn g04_g26_permits_hold_in_every_state_of_reloads() {
    let first = || reloadable(at_once(1));
    for specs in [
        vec![first()],
        vec![first(), reloadable(Spec::plain(Generic))],
        vec![reloadable(restarting(Generic, 1)), depending(first(), &[0], true)],
        // One that takes no part begins anew while others prepare.
        vec![at_once(1), reloadable(Spec::plain(Generic))],
    ] {
        let alone = specs.len() == 1;
        let mut system = small(specs, 0);
        system.bounds.reloads = if alone { 2 } else { 1 };
        system.bounds.orders = u8::from(alone);
        system.bounds.departures = &[Departure::Ended, Departure::Panicked, Departure::Dismissed];
        system.check();
    }
}

/// A system that hands over, in which actors end by themselves, and nobody hangs for ever unless all is to be checked.
fn passing(specs: Vec<Spec>, handovers: u8) -> System {
    let mut system = handing(specs, handovers);
    system.bounds.deadline = in_full();
    system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    system
}

#[test]
fn g04_g24_permits_hold_in_every_state_of_a_process_that_hands_over() {
    // Without a server it is over as soon as the successor is ready; with one it may be taken back.
    let mut alone = passing(vec![reloadable(at_once(1))], 2);
    (alone.bounds.orders, alone.bounds.reloads, alone.bounds.resources) = (1, 1, 1);
    alone.check();
    passing(vec![at_once(1), Spec::plain(Listener)], 2).check();
    let mut with_orders = passing(vec![at_once(1), Spec::plain(Listener)], 1);
    with_orders.bounds.orders = 1;
    with_orders.check();
}

#[test]
fn g04_g24_g26_permits_hold_in_every_state_of_reloads_hand_overs_and_dependencies_together() {
    let needed = reloadable(restarting(Generic, 1));
    let mut system = passing(vec![needed, depending(reloadable(at_once(1)), &[0], true)], 1);
    system.bounds.reloads = 1;
    system.check();
}

#[test]
fn g04_g24_permits_hold_in_every_state_of_a_successor() {
    let mut system = succeeding(vec![Spec::plain(Listener), late(at_once(1))]);
    system.bounds.orders = 1;
    system.check();
    let mut alone = succeeding(vec![late(at_once(1))]);
    (alone.bounds.orders, alone.bounds.resources, alone.bounds.handovers) = (1, 1, 1);
    alone.check();
    // One that runs is depended on by one that waits; and the other way round.
    succeeding(vec![at_once(1), late(following(Generic, &[0]))]).check();
    succeeding(vec![late(restarting(Generic, 0)), depending(at_once(1), &[0], true), at_once(1)]).check();
}

fn found_in(mut system: System, fault: PermitFault) {
    system.fault = Some(Fault::Permit(fault));
    let found = system.broken();
    assert!(found.iter().any(|property| property.starts_with("G4")), "{fault:?} was found as {found:?}");
}

#[test]
fn g04_a_permit_that_is_not_granted_kept_too_long_or_beyond_its_budget_is_found() {
    for fault in [
        ForgetsThePermit,
        PermitsWhoeverRuns,
        GrantsTwice,
        KeepsThePermit,
        KeepsItInTheShutdown,
        KeepsItUnderAnOrder,
        KeepsItWithAResource,
        WithdrawsTooLate,
    ] {
        let mut system = small(vec![at_once(1), Spec::plain(Generic)], 1);
        system.bounds.orders = 1;
        found_in(system, fault);
    }
    found_in(
        small(vec![restarting(Generic, 1), depending(at_once(1), &[0], true)], 0),
        KeepsItWithoutItsDependency,
    );
}

#[test]
fn g04_a_permit_that_is_kept_or_lost_in_a_reload_or_a_hand_over_is_found() {
    for fault in [KeepsItInAReload, ForgetsItAfterAReload] {
        let mut system = small(vec![reloadable(at_once(1))], 0);
        system.bounds.reloads = 1;
        found_in(system, fault);
    }
    for fault in [KeepsItWhenThisProcessHasPassed, WithdrawsItWhenASuccessorIsReady] {
        found_in(passing(vec![at_once(1), Spec::plain(Listener)], 1), fault);
    }
}

#[test]
fn g04_a_life_that_began_by_permit_and_is_not_counted_set_up_or_left_alone_is_found() {
    for fault in [CountsNoRestart, AdoptsWithoutSetUp, RestartsWhoHasBegun, DelaysWhoHasBegun] {
        let mut system = small(vec![at_once(1), Spec::plain(Generic)], 1);
        system.fault = Some(Fault::Permit(fault));
        let found = system.broken();
        assert!(found.iter().any(|property| property.starts_with('G')), "{fault:?} was found as {found:?}");
    }
}

const FIRST: ServiceIx = ServiceIx(0);

fn running() -> Machine {
    let mut machine = Machine::new([at_once(1)], false);
    machine.step(Input::Start);
    let running = machine.step(Input::Answered(FIRST, Step::Setup, Answer::Ok));
    let place = |command| running.iter().position(|known| *known == command).expect("it was given");
    assert!(place(Command::Send(FIRST, Step::Run)) < place(Command::Permit(FIRST)));
    machine
}

#[test]
fn g04_a_service_that_comes_to_be_depended_on_has_its_permit_withdrawn() {
    let mut machine = running();
    let ix = machine.add(following(Generic, &[0]));
    let added = machine.step(Input::Added(ix));
    assert!(added.contains(&Command::Withdraw(FIRST)) && added.contains(&Command::Send(ix, Step::Setup)));
    let removed = machine.step(Input::RemoveAsked(ix));
    assert!(!removed.contains(&Command::Permit(FIRST)), "it is there until it is down");
    machine.step(Input::Answered(ix, Step::Setup, Answer::Ok));
    machine.step(Input::Gone(ix, Departure::Dismissed));
    assert!(machine.step(Input::ResourcesClosed(ix)).contains(&Command::Permit(FIRST)));
}

#[test]
fn g04_one_that_began_anew_before_the_order_to_add_its_dependent_was_heard_is_waited_for() {
    let mut machine = running();
    let ix = machine.add(following(Generic, &[0]));
    let begun = machine.step(Input::StartedOver(FIRST, Departure::Panicked));
    assert!(begun.contains(&Command::Adopt(FIRST)) && !begun.contains(&Command::Send(ix, Step::Setup)));
    assert!(machine.step(Input::Added(ix)).is_empty(), "what it depends on is being set up");
    let up = machine.step(Input::Answered(FIRST, Step::Setup, Answer::Ok));
    assert!(up.contains(&Command::Send(FIRST, Step::Run)) && up.contains(&Command::Send(ix, Step::Setup)));
    assert!(!up.contains(&Command::Permit(FIRST)), "it is depended on");
}
