//! The systems with restarts and dependencies that are walked through, each state of them.
//!
//! ```text
//!   chain:    c -> b -> a           fork:  b -> a <- c           diamond:  d -> b -> a
//!                                                                          d -> c -> a
//! ```
//!
//! An arrow leads to what a service depends on. Every service that is asked, run or released may succeed or fail at every
//! step, come to rest by itself, hang, and outlast its time.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::restarts                            the default
//!   MAJORDOMO_MODEL_FULL=1 cargo test -p majordomo-rules checks::restarts     with more answers, and the diamond
//! ```

use super::super::io::{Answer, Departure};
use super::super::names::Kind::{self, Generic, Grpc, Listener, Server};
use super::super::names::ServiceIx;
use super::super::spec::{Dependency, RestartMode, Spec};
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES, Bounds};
use super::model::System;
use super::sizes::in_full;

/// A service that is restarted up to so many times.
pub(super) fn restarting(kind: Kind, restarts: u32) -> Spec {
    Spec {
        mode: RestartMode::OnFailure,
        most_restarts: Some(restarts),
        restartable: true,
        ..Spec::plain(kind)
    }
}

/// A service that is never restarted, but for what it depends on.
pub(super) fn following(kind: Kind, on: &[u32]) -> Spec {
    depending(restarting(kind, 0), on, false)
}

pub(super) fn depending(spec: Spec, on: &[u32], survives: bool) -> Spec {
    let depends_on = on.iter().map(|&on| Dependency { on: ServiceIx(on), survives }).collect();
    Spec { depends_on, ..spec }
}

/// A system in which nobody hangs for ever, unless all is to be checked.
fn brief(specs: Vec<Spec>, resources: usize) -> System {
    let mut system = small(specs, resources);
    if !in_full() {
        system.bounds.deadline = false;
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    }
    system
}

/// A system in which little else happens than what a restart is about.
pub(super) fn small(specs: Vec<Spec>, resources: usize) -> System {
    System {
        specs,
        drain_delay: false,
        succeeds: false,
        bounds: Bounds {
            resources,
            server_resources: 0,
            deadline: true,
            signals: false,
            shutdown: true,
            orders: 0,
            reloads: 0,
            handovers: 0,
            leases: 0,
            forgotten: 0,
            strays: false,
            answers: &[Answer::Ok, Answer::Error],
            departures: &[Departure::Ended, Departure::Dismissed, Departure::Abandoned],
        },
        fault: None,
    }
}

#[test]
fn restarts_hold_in_every_state_of_one_service() {
    for mode in [RestartMode::Never, RestartMode::OnFailure, RestartMode::Always] {
        let spec = Spec { mode, stop_limit: true, ..restarting(Generic, 2) };
        let mut system = small(vec![spec], 1);
        if in_full() || mode != RestartMode::Always {
            system.drain_delay = true;
            system.bounds.orders = if in_full() { 2 } else { 1 };
            system.bounds.forgotten = 1;
            system.bounds.answers = ALL_ANSWERS;
            system.bounds.departures = ALL_DEPARTURES;
            (system.bounds.signals, system.bounds.strays) = (in_full(), true);
        }
        system.check();
    }
}

#[test]
fn restarts_hold_in_every_state_of_a_server_and_one_service_that_answers_calls() {
    let mut system = small(vec![Spec::plain(Server), restarting(Grpc, 2)], 1);
    if in_full() {
        system.bounds.strays = true;
        system.bounds.orders = 1;
        system.bounds.answers = ALL_ANSWERS;
    }
    system.check();
}

#[test]
fn restarts_and_orders_hold_in_every_state_of_servers_that_are_services() {
    let mut system = small(vec![restarting(Listener, 1), Spec::plain(Server)], 1);
    system.bounds.orders = 1;
    system.check();
    let mut system = small(vec![restarting(Listener, 1), following(Listener, &[0])], 0);
    system.bounds.orders = 1;
    system.check();
}

#[test]
fn restarts_hold_in_every_state_of_a_chain_of_three() {
    let chain = vec![restarting(Generic, 2), following(Generic, &[0]), following(Generic, &[1])];
    brief(chain.clone(), 0).check();
    if in_full() {
        small(chain, 1).check();
    }
}

#[test]
fn restarts_hold_in_every_state_of_a_fork() {
    let survivor = depending(restarting(Generic, 1), &[0], true);
    brief(vec![restarting(Generic, 1), following(Generic, &[0]), survivor], 0).check();
    small(vec![restarting(Generic, 2), following(Generic, &[0])], 1).check();
}

#[test]
fn orders_hold_in_every_state_of_two_services() {
    let mut system = small(vec![restarting(Generic, 0), following(Generic, &[0])], 1);
    system.bounds.orders = 2;
    system.check();
    // One that cannot be started again.
    let mut system = small(vec![Spec::plain(Generic), Spec { stop_limit: true, ..Spec::plain(Generic) }], 1);
    system.bounds.orders = 2;
    system.check();
}

#[test]
fn the_server_is_drained_before_what_it_depends_on_is_asked() {
    let server = depending(Spec::plain(Server), &[0], true);
    small(vec![restarting(Generic, 1), following(Grpc, &[0]), server], 0).check();
}

#[test]
fn restarts_hold_in_every_state_of_a_diamond() {
    let mut system = small(
        vec![
            restarting(Generic, 2),
            following(Generic, &[0]),
            following(Generic, &[0]),
            following(Generic, &[1, 2]),
        ],
        0,
    );
    if !in_full() {
        system.bounds.shutdown = false;
        system.bounds.deadline = false;
        system.bounds.answers = &[Answer::Ok];
        system.bounds.departures = &[Departure::Ended, Departure::Dismissed];
    }
    system.check();
}
