//! What a status says.
//!
//! ```text
//!   sentence.rs    how things stand, in one sentence      table.rs    every service, a line each
//!   faults.rs      what is wrong, and what to do          event_text.rs    an event on one line
//!   ----------------------------------------------------------------------------------------
//!   condition.rs   what the text of a state comes to
//!   handover.rs    hand-overs, and what is wrong with them
//!   lease.rs       leases, likewise
//!   model.rs       a status, as far as it is read here
//! ```

pub(crate) mod condition;
pub(crate) mod ending;
pub(crate) mod event_text;
pub(crate) mod fault;
pub(crate) mod faults;
pub(crate) mod handover;
pub(crate) mod lease;
pub(crate) mod model;
pub(crate) mod sentence;
pub(crate) mod table;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
