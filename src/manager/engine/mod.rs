//! How a manager works: its inbox, its loop, and the shell around the rules.

pub(crate) mod askers;
pub(crate) mod backpressure;
pub(crate) mod due_times;
pub(crate) mod forcing;
pub(crate) mod foreign_stop;
pub(crate) mod handlers;
pub(crate) mod inbox;
pub(crate) mod mailbox;
pub(crate) mod manager_loop;
pub(crate) mod message_routes;
pub(crate) mod orders;
pub(crate) mod own_thread;
pub(crate) mod restart_history;
pub(crate) mod restarting;
pub(crate) mod run_guard;
pub(crate) mod running;
pub(crate) mod sending;
pub(crate) mod service_slot;
pub(crate) mod shell;
pub(crate) mod shutdown_timers;
pub(crate) mod status_requests;
pub(crate) mod waiters;
