//! The systems that are walked through, each state of them.
//!
//! Every stage of every service may succeed, err, panic, end, hang or never be answered at every step, and
//! shutdown, force, three signals, drain delay, reserve, deadline and last call may come at every step.
//!
//! A system without drain delay, or without deadline, goes through states that the same system with both goes
//! through as well (the delay is over at once; the deadline has not come yet), and what such a state
//! promises is checked there too. So the larger systems have both, and the small ones check the rest.
//!
//! States visited, after symmetry (see [`canonical`](super::canonical)); the last four take about four minutes on two cores:
//!
//! ```text
//!   services x resources each             states   transitions
//!   Generic, Both x 2                    161 645      1 803 913
//!   Server, Both x 2                     347 140      3 891 105
//!   Generic, Grpc, Both x 1              205 523      2 480 648
//!   Server, Both, Both x 1             1 555 551     21 650 716   full
//!   Generic, Grpc, Both x 2            2 457 865     35 828 530   full
//!   Generic, Generic, Generic x 2      2 860 022     47 117 001   full
//!   Server (bare), Generic, Both x 2   5 547 443     81 032 168   full
//!   Server, Both, Both x 2            19 719 192    321 932 472   full
//! ```
//!
//! ```text
//!   cargo test -p majordomo-rules checks::sizes                            the default
//!   MAJORDOMO_MODEL_FULL=1 cargo test -p majordomo-rules checks::sizes     up to 3 services x 2 resources
//! ```

use super::super::names::Kind::{self, Both, Generic, Grpc, Listener, Server};
use super::super::spec::Spec;
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES, Bounds};
use super::model::System;

/// A system of everything that can be: drain delay, deadline, signals.
pub(super) fn system(kinds: &[Kind], resources: usize) -> System {
    System {
        specs: kinds.iter().copied().map(Spec::plain).collect(),
        drain_delay: true,
        succeeds: false,
        bounds: Bounds {
            resources,
            server_resources: resources,
            deadline: true,
            signals: true,
            shutdown: true,
            orders: 0,
            reloads: 0,
            handovers: 0,
            leases: 0,
            forgotten: 0,
            strays: true,
            answers: ALL_ANSWERS,
            departures: ALL_DEPARTURES,
        },
        fault: None,
    }
}

/// The same, with a server that holds no resources of its own.
fn with_bare_server(kinds: &[Kind], resources: usize) -> System {
    let mut system = system(kinds, resources);
    system.bounds.server_resources = 0;
    system
}

pub(super) fn in_full() -> bool {
    std::env::var_os("MAJORDOMO_MODEL_FULL").is_some_and(|full| full == "1")
}

#[test]
fn g01_to_g13_hold_in_every_state_of_no_service_and_of_one() {
    system(&[], 0).check();
    for kind in [Generic, Grpc, Both, Server, Listener] {
        system(&[kind], 3).check();
    }
}

#[test]
fn g01_to_g13_hold_in_every_state_without_drain_delay_and_without_deadline() {
    for kinds in [[Generic, Both], [Server, Grpc], [Server, Generic]] {
        for (drain_delay, deadline) in [(false, true), (true, false), (false, false)] {
            let mut system = system(&kinds, 1);
            system.drain_delay = drain_delay;
            system.bounds.deadline = deadline;
            system.check();
        }
    }
}

#[test]
fn g01_to_g13_hold_in_every_state_of_two_services_with_two_resources_each() {
    for kinds in [[Generic, Both], [Generic, Grpc], [Server, Both], [Server, Grpc]] {
        system(&kinds, 2).check();
    }
}

#[test]
fn g01_to_g13_hold_in_every_state_of_two_servers() {
    for kinds in [[Listener, Listener], [Server, Listener], [Listener, Generic]] {
        system(&kinds, 1).check();
    }
}

#[test]
fn g01_to_g13_hold_in_every_state_of_three_services_with_a_resource_each() {
    system(&[Generic, Grpc, Both], 1).check();
    with_bare_server(&[Server, Generic, Grpc], 1).check();
    if in_full() {
        with_bare_server(&[Server, Generic, Both], 1).check();
        for kinds in [[Generic, Generic, Generic], [Server, Grpc, Generic], [Server, Both, Both]] {
            system(&kinds, 1).check();
        }
    }
}

#[test]
fn g01_to_g13_hold_in_every_state_of_three_services_with_two_resources_each_when_asked_in_full() {
    if in_full() {
        system(&[Generic, Grpc, Both], 2).check();
        system(&[Generic, Generic, Generic], 2).check();
        with_bare_server(&[Server, Generic, Both], 2).check();
        system(&[Server, Both, Both], 2).check();
    }
}
