//! The systems in which set-ups are tried again that are walked through, each state of them.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::retries
//! ```

use super::super::names::Kind::{Both, Generic, Grpc, Listener, Server};
use super::super::spec::{RestartMode, Spec};
use super::environment::{ALL_ANSWERS, ALL_DEPARTURES};
use super::restarts::{depending, following, restarting, small};
use super::sizes::{in_full, system};

/// The same service, whose set-up is tried again up to so many times.
pub(super) fn retrying(spec: Spec, retries: u32) -> Spec {
    Spec { most_setup_retries: Some(retries), restartable: true, ..spec }
}

#[test]
fn g21_late_starts_hold_in_every_state_of_one_service() {
    for kind in [Generic, Listener, Grpc] {
        let mut system = system(&[kind], 1);
        system.specs = vec![retrying(Spec::plain(kind), 2)];
        system.check();
    }
}

#[test]
fn g21_late_starts_and_restarts_hold_in_every_state_of_one_service() {
    for mode in [RestartMode::Never, RestartMode::OnFailure] {
        let spec = Spec { mode, stop_limit: true, ..restarting(Generic, 1) };
        let mut system = small(vec![retrying(spec, 1)], 1);
        system.bounds.orders = 1;
        system.bounds.forgotten = 1;
        system.bounds.answers = ALL_ANSWERS;
        system.bounds.departures = ALL_DEPARTURES;
        system.bounds.strays = in_full();
        system.check();
    }
}

#[test]
fn g21_late_starts_hold_in_every_state_beside_a_service_that_is_not_late() {
    for specs in [
        vec![retrying(Spec::plain(Generic), 1), Spec::plain(Generic)],
        vec![Spec::plain(Server), retrying(Spec::plain(Grpc), 1)],
        vec![retrying(Spec::plain(Both), 1), Spec::plain(Server)],
        vec![retrying(Spec::plain(Generic), 1), retrying(Spec::plain(Listener), 1)],
    ] {
        let mut system = small(specs, 1);
        system.drain_delay = true;
        system.check();
    }
}

#[test]
fn g21_late_starts_hold_in_every_state_of_a_chain_and_a_fork() {
    let late = || retrying(restarting(Generic, 1), 1);
    let mut system = small(vec![late(), following(Generic, &[0])], 1);
    system.bounds.orders = 1;
    system.check();
    small(vec![late(), depending(late(), &[0], false)], 0).check();
    small(vec![late(), following(Generic, &[0]), Spec::plain(Generic)], 0).check();
}
