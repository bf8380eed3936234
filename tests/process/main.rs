//! Signals, exit codes and outputs, each in a process of its own.

mod answers;
mod blame;
mod deploys;
mod exit_codes;
mod no_threads;
mod notified;
mod outputs;
mod signals;
mod signals_around;
