//! The workers: threads that serve connections, and which of them serves what.

pub(crate) mod accept_task;
pub(crate) mod balance;
pub(crate) mod current_poll;
pub(crate) mod intake;
pub(crate) mod stream_executor;
pub(crate) mod stuck;
pub(crate) mod thread;
