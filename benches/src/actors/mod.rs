//! Actors, services and their supervision side by side: each contender in a process of its own.

mod ask;
mod channel;
mod erlang;
mod graceful;
mod idle;
mod idle_leases;
mod kameo;
mod lifecycle;
mod majordomo;
mod plain;
mod ractor;
mod restart;
mod shutdown;
mod tasks;
mod worker;

pub(crate) use ask::{ASK, TELL};
pub(crate) use idle::IDLE;
pub(crate) use idle_leases::IDLE_LEASES;
pub(crate) use lifecycle::{LIFECYCLE, MEMORY};
pub(crate) use restart::RESTART;
pub(crate) use shutdown::{EXIT, SHUTDOWN, until_signal};

use tokio::runtime::{Builder, Runtime};

/// One that has its turn in a process of its own.
macro_rules! contender {
    ($name:expr, $settings:expr, $turn:expr) => {
        $crate::measure::Contender {
            name: $name,
            settings: $settings,
            turn: $crate::measure::Turn::Apart($turn),
            cannot: $crate::measure::can,
        }
    };
}
use contender;

/// As by `#[tokio::main]` on two cores.
fn many_threads() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// As by `#[tokio::main(flavor = "current_thread")]`.
fn one_thread() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A panic that is meant is told nobody.
fn panic_in_silence() {
    std::panic::set_hook(Box::new(|_| {}));
}
