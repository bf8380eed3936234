//! The checks can fail: each rule that `faults.rs` breaks is found.

use super::super::names::Kind::{self, Both, Generic, Listener, Server};
use super::super::spec::Spec;
use super::faults::Fault;
use super::model::System;
use super::restarts::{following, restarting, small};
use super::retries::retrying;
use super::sizes::system;

/// Asserts that the fault is found, and as what: the beginning of a property's name.
fn found(fault: Fault, kinds: &[Kind], as_: &str) {
    found_in(system(kinds, 2), fault, as_);
}

fn found_in(mut broken: System, fault: Fault, as_: &str) {
    broken.fault = Some(fault);
    let found = broken.broken();
    assert!(found.iter().any(|property| property.starts_with(as_)), "{fault:?} was found as {found:?}");
}

#[test]
fn g02_a_run_before_the_last_setup_is_found() {
    found(Fault::RunsBeforeTheLastSetup, &[Generic, Both], "G2");
}

#[test]
fn g04_a_manager_that_forgets_to_run_is_found() {
    found(Fault::ForgetsToRun, &[Server, Generic], "G4");
}

#[test]
fn g13_running_before_every_server_accepts_is_found() {
    for kinds in [[Server, Generic], [Listener, Generic]] {
        found(Fault::TellsRunningEarly, &kinds, "G13");
    }
}

#[test]
fn g05_a_second_shutdown_message_is_found() {
    found(Fault::AsksTwice, &[Generic], "G2");
}

#[test]
fn g05_a_skipped_drain_delay_is_found() {
    found(Fault::SkipsTheDrainDelay, &[Generic], "G5");
}

#[test]
fn g05_a_drain_that_is_never_over_is_found() {
    found(Fault::ForgetsDrained, &[Server, Generic], "G5");
}

#[test]
fn g06_a_release_before_run_ended_is_found() {
    found(Fault::ReleasesBeforeRunEnded, &[Generic, Generic], "G6");
}

#[test]
fn g06_a_release_in_order_of_start_is_found() {
    found(Fault::ReleasesInOrderOfStart, &[Generic], "G6");
}

#[test]
fn g07_a_lost_acknowledgement_is_found() {
    found(Fault::LosesAcknowledgements, &[Generic], "G7");
}

#[test]
fn g07_a_lost_failure_is_found() {
    found(Fault::LosesFailures, &[Generic], "G7");
}

#[test]
fn g07_a_step_that_is_counted_twice_is_found() {
    found(Fault::CountsTwice, &[Generic], "G7");
}

#[test]
fn g08_a_deadline_that_forces_nobody_is_found() {
    found(Fault::ForcesNobody, &[Generic], "G8");
}

#[test]
fn g08_a_force_before_its_time_is_found() {
    found(Fault::ForcesAtOnce, &[Generic], "G8");
}

#[test]
fn g13_a_way_down_that_gets_stuck_is_found() {
    let mut stuck = system(&[Generic], 1);
    stuck.fault = Some(Fault::ForgetsToClose);
    stuck.bounds.deadline = false;
    let found = stuck.broken();
    assert!(found.contains(&"G13 without a deadline, the end comes when everybody answers"), "{found:?}");
}

#[test]
fn g07_an_end_before_everything_is_released_or_a_second_one_is_found() {
    found(Fault::EndsEarly, &[Generic], "G7");
    found(Fault::EndsTwice, &[Generic], "G13");
}

/// The same for a chain of two, the first of which is restarted.
fn found_in_a_chain(fault: Fault, as_: &str) {
    found_in(small(vec![restarting(Generic, 1), following(Generic, &[0])], 1), fault, as_);
}

#[test]
fn broken_restarts_and_dependencies_are_found() {
    found_in_a_chain(Fault::StartsTooEarly, "G2");
    found_in_a_chain(Fault::ForgetsDependents, "G");
    found_in_a_chain(Fault::ForgetsTheBudget, "G4");
    found_in_a_chain(Fault::BlamesTheManager, "G7");
    found_in_a_chain(Fault::ClosesTooEarly, "G6");
    found_in_a_chain(Fault::SkipsTheSetUp, "G");
    found_in_a_chain(Fault::AsksAllAtOnce, "G5");
    found_in_a_chain(Fault::SignalsBeforeTheLimit, "G8");
    found_in_a_chain(Fault::ForgetsTheRestart, "G");
}

/// The same for one whose set-up is tried again.
fn found_in_a_late_start(fault: Fault, as_: &str) {
    found_in(small(vec![retrying(Spec::plain(Generic), 1), Spec::plain(Generic)], 1), fault, as_);
}

#[test]
fn g21_a_retry_that_is_forgotten_beyond_its_budget_blamed_or_too_early_is_found() {
    found_in_a_late_start(Fault::ForgetsTheRetry, "G");
    found_in_a_late_start(Fault::ForgetsTheBudgetOfSetUps, "G21");
    found_in_a_late_start(Fault::ForgetsTheDelay, "G4");
    found_in_a_late_start(Fault::TellsNoRetry, "G7");
    found_in_a_late_start(Fault::BlamesTheManager, "G7");
    found_in_a_late_start(Fault::ClosesTooEarly, "G6");
    found_in_a_late_start(Fault::SkipsTheSetUp, "G");
    found_in_a_late_start(Fault::RunsBeforeTheLastSetup, "G2");
}

#[test]
fn g21_a_set_up_that_is_not_told_of_the_shutdown_or_blamed_for_it_is_found() {
    found(Fault::LetsSetUpsWait, &[Generic, Both], "G21");
    found(Fault::BlamesTheCancelled, &[Generic], "G21");
}
