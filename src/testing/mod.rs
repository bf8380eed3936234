//! What a user needs to test services of their own, and what this crate's tests use: scripted services and
//! resources that succeed, err, panic, hang or block on demand, scenarios made of them, and [paused time](paused()).
//!
//! Cargo feature `testing`.

mod behaviour;
mod paused;
mod scenario;
mod scripted;

pub use behaviour::{Behaviour, RunBehaviour, UnknownWord};
pub use paused::{paused, start_paused};
pub use scenario::{Action, ActionKind, Scenario};
pub use scripted::{
    ResourceScript, RestartScript, RestartWord, ScriptedResource, ScriptedService, ServiceScript,
};
