//! The testing kit, as those who test services of their own use it.

mod examples;
mod leases;
mod paused_servers;
mod paused_time;
mod played;
mod recorder;
mod rehearsal;
mod rehearse;
mod services;
mod suite;
