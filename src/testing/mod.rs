//! What a user needs to test services of their own, and what this crate's own tests use. The guide is `docs/testing.md`.
//!
//! | | |
//! |---|---|
//! | [`ManagerSuite`] | a manager for the time of a test: started, waited for until it serves, shut down, asserted to be clean |
//! | [`ManagerTesting`], [`Signal`] | what a test asks of a manager, and does to it |
//! | [`Recorder`], [`Moment`] | the record of lifecycle events: waiting for one, asserting their order |
//! | [`Gate`] | where an actor waits until a test, which knows that it is there, lets it through |
//! | [`ServiceScript`], [`ResourceScript`] | services and resources that succeed, err, panic, hang or block on demand, at gates |
//! | [`Scenario`] | a manager of scripted services and what is done to it, as the rehearsal reads it |
//! | [`assert_stopped_clean`] | nothing failed, nothing was forced, every resource acknowledged |
//! | [`rehearse`](rehearse()) | your own manager, run many times, each with one thing that goes wrong |
//! | [`start_paused`], [`paused`](paused()) | a manager in paused time: its deadlines are tested in no time |
//! | [`MemoryLeases`], [`lease_store_holds`] | a store of leases in memory, with faults and a clock of its own; what every store has to keep |
//! | [`Leaks`] | threads, file descriptors and tasks that a test has left behind |
//!
//! Whatever fails panics with a message of one form:
//!
//! ```text
//! expected: "run_finished api" before "release_started db/pool"
//! happened: "release_started db/pool" at 12 ms, and then "run_finished api: ok" at 15 ms
//! latest events:
//!   ...
//! ```
//!
//! Cargo feature `testing`, for `[dev-dependencies]`.

mod began;
mod behaviour;
mod blocking_ask;
mod clean;
mod connector;
mod failing;
mod gate;
mod gated_handler;
mod leaks;
mod lease_contract;
mod lease_script;
mod lease_state;
mod leases;
mod manager_testing;
mod moment;
mod paused;
mod process;
mod record;
mod recorder;
mod rehearse;
mod restart_script;
mod scenario;
mod script;
mod script_gates;
mod scripted;
mod scripted_http;
mod suite;

pub use crate::handover::{HandoverStep, on_handover_step};
pub use behaviour::{Behaviour, RunBehaviour, UnknownWord};
pub use clean::{Ending, assert_stopped_clean};
pub use gate::Gate;
pub use leaks::{Leaked, Leaks};
pub use lease_contract::lease_store_holds;
pub use lease_script::{LeaseScript, RehearsedStore};
pub use leases::MemoryLeases;
pub use manager_testing::{ManagerTesting, Signal};
pub use moment::Moment;
pub use paused::{paused, start_paused};
pub use recorder::Recorder;
pub use rehearse::{RehearsalError, Rehearse, Rehearsed, rehearse};
pub use restart_script::{RestartScript, RestartWord};
pub use scenario::{Action, ActionKind, Scenario};
pub use script_gates::{ResourceGates, ServiceGates};
pub use scripted::{ResourceScript, ScriptedResource, ScriptedService, ServiceScript};
pub use suite::ManagerSuite;
