//! One connection: its state, and the task that serves it.

pub(crate) mod arrival;
pub(crate) mod batch;
pub(crate) mod call_entry;
pub(crate) mod io_observer;
pub(crate) mod late_head;
pub(crate) mod late_streams;
pub(crate) mod lifetime;
pub(crate) mod protocol;
pub(crate) mod requests;
pub(crate) mod serve;
pub(crate) mod state;
pub(crate) mod unread;
pub(crate) mod unread_list;
