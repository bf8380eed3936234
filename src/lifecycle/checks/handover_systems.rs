//! The systems with hand-overs that are walked through, each state of them: one process, and all that may come from the other.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::handover_systems
//! ```

use super::super::io::{Answer, Departure};
use super::super::names::Kind::{Both, Generic, Grpc, Listener, Server};
use super::super::spec::Spec;
use super::faults::Fault;
use super::handover_faults::HandoverFault;
use super::model::System;
use super::restarts::{depending, following, restarting, small};
use super::sizes::in_full;

pub(super) fn late(spec: Spec) -> Spec {
    Spec { after_handover: true, ..spec }
}

/// A system in which so many hand-overs are asked for, at any time.
pub(super) fn handing(specs: Vec<Spec>, handovers: u8) -> System {
    let mut system = small(specs, 0);
    system.drain_delay = true;
    system.bounds.handovers = handovers;
    system
}

/// A system of a process that has a predecessor.
pub(super) fn succeeding(specs: Vec<Spec>) -> System {
    let mut system = small(specs, 0);
    system.succeeds = true;
    system.bounds.deadline = in_full();
    system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    system
}

#[test]
fn g24_hand_overs_hold_in_every_state_of_one_server_and_of_two() {
    for mut system in [
        handing(vec![restarting(Listener, 1)], 2),
        handing(vec![Spec::plain(Server), Spec::plain(Grpc)], 2),
        handing(vec![restarting(Listener, 1), Spec::plain(Server)], 1),
    ] {
        system.bounds.deadline = in_full();
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
        system.bounds.orders = 1;
        system.check();
    }
}

#[test]
fn g24_hand_overs_hold_in_every_state_without_a_server_and_with_signals() {
    let mut system = handing(vec![restarting(Generic, 1)], 2);
    (system.bounds.signals, system.bounds.orders) = (true, 1);
    system.check();
    handing(vec![], 1).check();
    let mut system = handing(vec![Spec::plain(Listener)], 2);
    (system.bounds.signals, system.bounds.strays) = (true, true);
    system.check();
}

#[test]
fn g24_g26_reloads_and_hand_overs_come_one_after_the_other_in_every_state() {
    let reloadable = |spec| Spec { reloadable: true, ..spec };
    let mut system = handing(vec![reloadable(restarting(Listener, 1))], 1);
    system.bounds.reloads = 2;
    system.check();
    let mut system = handing(vec![reloadable(Spec::plain(Generic)), Spec::plain(Listener)], 2);
    system.bounds.reloads = 1;
    system.check();
}

#[test]
fn g24_who_waits_for_the_predecessor_holds_in_every_state_of_a_successor() {
    for mut system in [
        succeeding(vec![Spec::plain(Listener), late(restarting(Generic, 1))]),
        succeeding(vec![Spec::plain(Server), late(Spec::plain(Grpc))]),
        succeeding(vec![late(restarting(Listener, 0)), Spec::plain(Generic)]),
        succeeding(vec![Spec::plain(Generic), late(restarting(Both, 1))]),
    ] {
        system.bounds.orders = 1;
        (system.bounds.handovers, system.bounds.resources) = if in_full() { (1, 1) } else { (0, 0) };
        system.check();
    }
    let mut system = succeeding(vec![late(restarting(Generic, 1))]);
    (system.bounds.orders, system.bounds.resources, system.bounds.handovers) = (2, 1, 1);
    system.check();
}

#[test]
fn g24_who_waits_for_the_predecessor_and_who_depends_on_it_hold_in_every_state() {
    // One that is not marked waits with the one that it depends on; one that survives that one's restarts, too.
    for after in [following(Generic, &[0]), late(depending(restarting(Generic, 0), &[0], true))] {
        let mut system = succeeding(vec![late(restarting(Generic, if in_full() { 1 } else { 0 })), after]);
        system.bounds.orders = 1;
        system.check();
    }
    succeeding(vec![late(Spec::plain(Generic)), late(Spec::plain(Grpc))]).check();
    succeeding(vec![late(restarting(Generic, 0)), following(Both, &[0])]).check();
    succeeding(vec![restarting(Generic, 0), late(following(Generic, &[0])), following(Generic, &[0])])
        .check();
}

fn found_in(mut system: System, fault: HandoverFault) {
    system.fault = Some(Fault::Handover(fault));
    let found = system.broken();
    assert!(found.iter().any(|property| property.starts_with("G24")), "{fault:?} was found as {found:?}");
}

#[test]
fn g24_a_broken_rule_of_who_hands_over_is_found() {
    use HandoverFault as F;
    for fault in [
        F::PassesOnBeforeReady,
        F::StartsTwo,
        F::LetsTheLateGoOn,
        F::LeavesTheSuccessorAlone,
        F::ForgetsToResume,
        F::LetsOneAccept,
        F::ForgetsTheTimeOfGivingWay,
        F::TellsItPassed,
    ] {
        found_in(handing(vec![Spec::plain(Listener), Spec::plain(Listener)], 1), fault);
    }
}

#[test]
fn g24_a_broken_rule_of_who_waits_for_its_predecessor_is_found() {
    let system = || succeeding(vec![Spec::plain(Listener), late(Spec::plain(Generic))]);
    found_in(system(), HandoverFault::StartsBesideThePredecessor);
    let calls = || succeeding(vec![Spec::plain(Generic), late(Spec::plain(Both))]);
    found_in(calls(), HandoverFault::SetsUpBesideThePredecessor);
    let mut unregistered = calls();
    unregistered.fault = Some(Fault::Handover(HandoverFault::RegistersLate));
    let found = unregistered.broken();
    assert!(found.iter().any(|property| property.starts_with("G4")), "found as {found:?}");
    let mut forgotten = system();
    forgotten.fault = Some(Fault::Handover(HandoverFault::ForgetsWhoWaits));
    let found = forgotten.broken();
    assert!(found.iter().any(|property| property.starts_with("G4")), "found as {found:?}");
}
