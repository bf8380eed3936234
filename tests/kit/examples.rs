//! Every numbered example survives what can go wrong in it.

#![allow(clippy::duplicate_mod)] // examples share files, and each has a module of its own for them

use std::time::Duration;

use majordomo::testing::rehearse;

/// Includes examples as modules.
macro_rules! examples {
    ($($path:literal $name:ident)+) => {$(
        #[path = $path]
        #[allow(dead_code)] // nobody calls a `main` here, nor what only that calls
        mod $name;
    )+};
}
examples! {
    "../../examples/01_ping.rs" ping
    "../../examples/02_resources.rs" resources
    "../../examples/03_signals.rs" signals
    "../../examples/06_restarts.rs" restarts
    "../../examples/07_dependencies.rs" dependencies
    "../../examples/08_dynamic.rs" dynamic
    "../../examples/13_handover.rs" handover
}

const ANY_PORT: &str = "127.0.0.1:0";

/// Long enough to be kept by a busy machine, short enough to be waited for.
const WITHIN: Duration = Duration::from_millis(500);

#[test]
fn ping_is_rehearsed() {
    rehearse(|| ping::manager(ANY_PORT)).shutdown_within(WITHIN).run();
}

#[test]
fn resources_are_rehearsed() {
    rehearse(resources::manager).shutdown_within(WITHIN).run();
}

#[test]
fn signals_are_rehearsed() {
    let unfinished = Duration::from_millis(20);
    rehearse(|| signals::manager(ANY_PORT, unfinished)).shutdown_within(WITHIN).run();
}

#[test]
fn restarts_are_rehearsed() {
    rehearse(|| restarts::manager().0).shutdown_within(WITHIN).run();
}

#[test]
fn dependencies_are_rehearsed() {
    rehearse(dependencies::manager).shutdown_within(WITHIN).run();
}

#[test]
fn dynamic_is_rehearsed() {
    rehearse(|| dynamic::manager().service(dynamic::tenant("red"))).shutdown_within(WITHIN).run();
}

#[test]
fn handover_is_rehearsed() {
    let silent = || majordomo::events::channel().0;
    rehearse(move || handover::manager(ANY_PORT, ANY_PORT, silent())).shutdown_within(WITHIN).run();
}
