//! A process hands over to another: the program is started anew, gets the sockets, and serves; then the old process goes.
//!
//! ```text
//!   predecessor                                       successor
//!   start ------------------------------------------> the program, anew; the channel is its stdin
//!   <------------------------------------- hello      its manager asks
//!   hello, socket, socket, .., complete ------------> what it binds is there already
//!   accepts as before       <------------- doing      sets up
//!                           <------------- ready      all run
//!   in charge --------------------------------------> READY, MAINPID
//!   its connections end, it could take back
//!   released ---------------------------------------> what exists once may be set up
//! ```
//!
//! Whatever fails before `in charge`, the predecessor serves on, and the successor ends. The channel is a socket that keeps the bounds of
//! messages; each process finds its end when the other is gone.
//!
//! What may block (the start of a program, the other process, its end) has a thread of its own on each side, `majordomo-handover`. Here is
//! neither an order of steps, which the rules have, nor a word of managers.

mod channel;
mod command;
mod conversation;
mod inheritance;
mod keeper;
mod options;
mod predecessor;
mod program;
mod protocol;
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "tests alone see the steps"))]
mod steps;
mod store;
mod successor;
#[cfg(test)]
mod tests;

pub use options::Handover;
#[cfg(feature = "testing")]
pub use steps::{HandoverStep, on_handover_step};

pub(crate) use conversation::FromSuccessor;
pub(crate) use inheritance::Inheritance;
pub(crate) use keeper::Keeper;
pub(crate) use options::CheckedHandover;
pub(crate) use predecessor::SuccessorProcess;
#[cfg(feature = "testing")]
pub(crate) use program::VARIABLE;
pub(crate) use store::receive_stored;
pub(crate) use successor::{FromPredecessor, Predecessor};

pub(crate) use crate::server::listen::passing::{SocketName, close_unclaimed, turn_on as keep_sockets};
