//! The rules: who is set up when, who runs, who is asked to stop, what is released in which order, and
//! what a failure, a signal or a deadline does to all of that.
//!
//! ```text
//!   Input --> Machine::take_step --> Commands
//!
//!   Created -> SettingUp -> Running -> Stopping -> Releasing -> Stopped
//!                  |                      ^
//!                  +--- failed, asked ----+
//! ```
//!
//! Nothing here knows an actor, a clock, a thread or a socket: time enters as an [`Input`], and what is
//! to be done leaves as a [`Command`]. The machine is a plain value (`Clone + Eq + Hash`), so the code
//! that runs in production is the code that is checked exhaustively for small systems and by random
//! histories for large ones.

mod absence;
mod adding;
mod announcement;
mod backoff;
mod budget;
mod facts;
mod failing;
mod handover;
mod handover_names;
mod handover_state;
mod io;
mod lease_keeper;
mod lease_state;
mod lease_terms;
mod leasing;
mod machine;
mod names;
mod permits;
mod queries;
mod releasing;
mod reload_names;
mod reload_state;
mod reloading;
mod restart_policy;
mod restarting;
mod service;
mod spec;
mod stalls;
mod starting;
mod stepping_down;
mod stop_state;
mod stopping;
mod store_checks;
mod waits_for;

// Built for speed, by themselves: tests/rules.
#[cfg(all(test, rules_alone))]
mod checks;

pub(crate) use absence::Absence;
pub(crate) use announcement::{Announcement, Fault, Remedy};
pub(crate) use backoff::{Backoff, Intensity};
pub(crate) use budget::Budget;
pub use budget::BudgetError;
pub use handover_names::HandoverEnd;
pub(crate) use io::{Answer, Command, Departure, Input, Limited};
pub(crate) use lease_keeper::{Act, Call, Keeper as LeaseKeeper, Loss, Reply as StoreReply};
pub(crate) use lease_state::Lease as LeaseState;
pub use lease_terms::LeaseTermsError;
pub(crate) use lease_terms::Terms as LeaseTerms;
pub(crate) use machine::{Commands, Machine};
pub(crate) use names::{Activity, Kind, Repeat, ResourceIx, ServiceIx};
pub use names::{Cause, ErrorStage, Outcome, RestartCause, SignalKind, Stage, Step};
pub use reload_names::{ReloadEnd, ReloadStep};
pub use restart_policy::{RestartPolicy, RestartPolicyError};
pub use spec::RestartMode;
pub(crate) use spec::{Dependency, Spec, start_order, stop_turns};
pub(crate) use stalls::{LongPoll, StallChange, StallKind, Stalls};
pub use waits_for::WaitsFor;
