//! The systems that are walked through, and the rules whose breach is found.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::two_processes                            the default
//!   MAJORDOMO_MODEL_FULL=1 cargo test -p majordomo-rules checks::two_processes     more of all that may go wrong
//! ```

use super::super::super::names::Kind::{Both, Generic, Listener};
use super::super::super::spec::Spec;
use super::super::restarts::{following, restarting};
use super::super::sizes::in_full;
use super::broken::Fault;
use super::{Budget, System};

const CALM: Budget = Budget { handovers: 1, kills: 0, losses: 0, stops: 0, failures: 0 };

/// A server, an ordinary service, and one that exists once and needs that.
fn system(budget: Budget) -> System {
    let once = Spec { after_handover: true, ..following(Generic, &[1]) };
    System { specs: vec![Spec::plain(Listener), restarting(Generic, 0), once], budget, fault: None }
}

/// The same where the server is restarted, an ordinary service may begin anew by itself, and nobody needs another.
fn loose_system(budget: Budget) -> System {
    let once = Spec { after_handover: true, ..Spec::plain(Generic) };
    let by_itself = Spec { at_once: true, ..restarting(Generic, 1) };
    System { specs: vec![restarting(Listener, 1), by_itself, once], budget, fault: None }
}

/// The same where what exists once answers calls.
fn asked_system(budget: Budget) -> System {
    let once = Spec { after_handover: true, ..following(Both, &[1]) };
    System { specs: vec![Spec::plain(Listener), restarting(Generic, 0), once], budget, fault: None }
}

fn check(system: &System) {
    let explored = system.explore();
    let Budget { handovers, kills, losses, stops, failures } = system.budget;
    println!(
        "two processes, {handovers} hand-overs, {kills} kills, {losses} losses, {stops} stops, {failures} failures: \
         {} states, {} transitions, {:.1?}",
        explored.states, explored.transitions, explored.took
    );
    if let Some((broken, way)) = explored.broken {
        let way: Vec<_> = way.iter().map(|action| format!("\n    {action:?}")).collect();
        panic!("{broken} after{}", way.concat());
    }
}

#[test]
fn g24_never_down_and_never_two_whoever_is_killed_and_whatever_is_lost_of_the_channel() {
    check(&system(CALM));
    check(&system(Budget { kills: 2, losses: 2, ..CALM }));
    check(&system(Budget { handovers: 2, kills: 1, losses: 1, ..CALM }));
    check(&loose_system(Budget { handovers: 2, kills: 1, losses: 1, ..CALM }));
    check(&asked_system(Budget { kills: 2, losses: 1, ..CALM }));
}

#[test]
fn g24_never_down_and_never_two_whoever_is_asked_to_stop_or_fails() {
    check(&system(Budget { stops: 2, kills: 1, ..CALM }));
    check(&loose_system(Budget { failures: 1, kills: 1, ..CALM }));
    check(&asked_system(Budget { failures: 1, stops: 1, kills: 1, ..CALM }));
}

#[test]
fn g24_never_down_and_never_two_when_all_of_that_comes_together() {
    check(&system(Budget { kills: 2, losses: 1, stops: 1, failures: 1, ..CALM }));
    if in_full() {
        check(&system(Budget { kills: 2, losses: 2, stops: 2, failures: 1, ..CALM }));
        check(&system(Budget { handovers: 2, kills: 2, losses: 2, stops: 1, failures: 1 }));
        check(&loose_system(Budget { kills: 2, losses: 1, stops: 1, failures: 2, ..CALM }));
    }
}

#[test]
fn g24_each_rule_that_is_broken_in_one_of_two_processes_is_found() {
    for (fault, as_) in Fault::ALL {
        let mut broken = system(Budget { losses: 1, kills: 1, ..CALM });
        broken.fault = Some(fault);
        let found = broken.explore().broken.map(|(found, _)| found);
        assert_eq!(found, Some(as_), "{fault:?}");
    }
}
