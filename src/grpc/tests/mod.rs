//! The server driven as the manager drives it, over loopback.

mod connection;
mod deadlines;
mod drain;
mod drain_peers;
mod give_way;
mod lifetime;
mod limits;
mod logging;
mod peer;
mod probe;
mod raw;
mod requests;
mod rig;
mod serving;
mod streams;

#[cfg(feature = "tls")]
mod tls;
mod unread;
