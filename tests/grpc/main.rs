//! The gRPC server, by real clients over real connections.

mod accounting;
mod addresses;
mod deadline;
mod drain;
mod drain_table;
mod health;
mod in_memory;
mod logged;
mod logging;
mod middleware;
mod reflection;
mod restarts;
mod serving;
mod table;
mod tls;
mod workers;
