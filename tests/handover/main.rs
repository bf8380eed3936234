//! G24: hand-overs between real processes.

mod failures;
mod generations;
mod load;
mod locked;
mod program;
mod refused;
mod serving;
mod soak;
mod steps;
