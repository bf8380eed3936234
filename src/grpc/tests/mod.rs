//! The server driven as the manager drives it, over loopback.

mod connection;
mod drain;
mod rig;
mod serving;
