//! What tests and rehearsals reach in a manager. Cargo feature `testing`.

pub(crate) mod fault;
pub(crate) mod given;
pub(crate) mod kit;
mod options;
mod strike;
