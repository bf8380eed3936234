//! HTTP services, by real connections.

mod drain;
mod drain_peers;
mod fallback;
mod heads;
mod peers;
mod refused;
mod rehearsed;
mod request_ends;
mod serving;
mod shared_workers;
mod spans;
