//! The server driven as the manager drives it, over loopback.

mod drain;
mod rig;
mod serving;
