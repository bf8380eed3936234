//! The program, by its processes, with real managers.

mod faults;
mod guide;
mod handover;
mod looks;
mod orders;
mod played;
mod usage;
