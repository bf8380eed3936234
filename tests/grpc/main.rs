//! The gRPC server, by real clients over real connections.

mod accounting;
mod addresses;
mod call_ends;
mod deadline;
mod drain;
mod drain_table;
mod health;
mod in_memory;
mod logged;
mod logged_messages;
mod logging;
mod middleware;
mod reflection;
mod restarts;
mod service_fn;
mod serving;
mod spans;
mod systemd_sockets;
mod table;
mod tls;
mod web;
mod workers;
