//! What the soak test is made of.

mod actions;
mod client;
mod count;
mod service;

pub(crate) use client::{Client, Tally};
pub(crate) use count::Counted;
pub(crate) use service::{Guards, PANIC, Soaked};
