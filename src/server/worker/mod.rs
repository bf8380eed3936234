//! The workers: threads that serve connections, what each server has on them, and which of them serves what.

pub(crate) mod accept_task;
pub(crate) mod alarm;
pub(crate) mod balance;
pub(crate) mod busy_polling;
pub(crate) mod current_poll;
pub(crate) mod idle;
pub(crate) mod intake;
pub(crate) mod part;
pub(crate) mod stream_executor;
pub(crate) mod stuck;
pub(crate) mod thread;
pub(crate) mod workers;
