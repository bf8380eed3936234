//! What the soak test is made of.

mod actions;
mod client;
mod memory;
mod service;

pub(crate) use client::{Client, Tally};
pub(crate) use memory::memory;
pub(crate) use service::{Guards, PANIC, Soaked};
