//! Leases: a service that runs on one replica only.
//!
//! ```text
//!   manager's thread     majordomo-leases                    majordomo-stores
//!     orders  -------->    keepers: when to ask, renew,  -->   the store's code
//!     news   <--------     stop, cut, end the process   <--   answers
//! ```
//!
//! What is asked in a turn goes in one piece, what is answered in a turn wakes the other side once, and that a lease was renewed wakes nobody: it is
//! heard when the next renewal is due.
//!
//! Code of users runs on the threads of services and of stores alone. So none of it can hold up the thread that knows when a lease ends.

mod agenda;
mod answer;
mod answers;
mod checks;
mod errors;
mod news;
mod per_runtime;
mod spec;
mod store;
mod stores;
mod tenant;
mod thread;
mod view;

pub use errors::{LeaseError, LeaseLostError, LeaseRefusedError};
pub use per_runtime::PerRuntime;
pub use spec::Lease;
pub use store::{LeaseGrant, LeaseRequest, LeaseStore};

pub(crate) use news::LeaseNews;
pub(crate) use thread::Leases;
pub(crate) use view::ViewReceiver;
