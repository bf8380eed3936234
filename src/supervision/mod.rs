//! Owning an actor: its future, its panics, its requests, its end, and the thread that it lives on.
//!
//! ```text
//!   launch(thread, make) --> Incarnation, a task on that thread's arbiter
//!        ^                     each poll: inside catch_unwind, inside a LocalSet of its own,
//!   Control: ask, retire,                 seen by the thread's Watch
//!            force             Notice: replied, panicked, gone --> whoever launched it
//! ```
//!
//! actix starts, polls and drops its actors out of sight: a panic loses its message and may abort the
//! process, a dropped actor handles its queue while being dropped, and the tasks that it spawned live on.
//! Here the actor's future is held, so that none of that happens.

mod actor_span;
mod alarm;
mod awake_threads;
mod batch_delivery;
mod budget;
mod control;
pub(crate) mod dispatch;
#[cfg(feature = "testing")]
mod fault_injection;
mod incarnation;
mod live_actor;
mod next_life;
mod notice;
pub(crate) mod panics;
mod pending_replies;
mod pool;
mod priority_inbox;
mod stray_panics;
pub(crate) mod sync;
mod system;
mod tasks;
mod thread;
mod wake;
mod wake_monitor;
mod watch;

pub(crate) use actor_span::MakeSpan;
pub(crate) use batch_delivery::batched;
pub(crate) use control::{Control, LateOrders, Reply, Request};
#[cfg(feature = "testing")]
pub(crate) use fault_injection::{InjectFault, InjectedFault, unasked};
pub(crate) use incarnation::launch;
pub(crate) use live_actor::Restart;
pub(crate) use next_life::NextLife;
pub(crate) use notice::{Gone, Notice, Observer};
#[cfg(feature = "testing")]
pub(crate) use panics::REHEARSED;
pub(crate) use pool::{Lodgers, Pool};
pub(crate) use priority_inbox::PriorityInbox;
pub(crate) use system::{ForeignStop, OnForeignStop};
pub(crate) use thread::{Purpose, Thread};
pub(crate) use wake_monitor::WakeMonitor;
pub(crate) use watch::{Busy, Tag};
