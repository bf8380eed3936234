//! The rules, checked: every state of small systems, and random histories of large ones.
//!
//! ```text
//!              environment: what may happen next
//!                    |
//!                  Input --> Machine::take_step --> Commands
//!                    |                            |
//!                    +-----> world: what has happened, and is it what was promised? <-----+
//! ```
//!
//! - [`world`] keeps the history of one manager as an observer sees it: inputs and commands alone.
//! - [`promises`] judges each step of the machine by that history; it never looks inside the machine.
//!   Its parts: [`accounts`] (what must be told), [`orders`] (what may be done), [`tidings`] (what may be
//!   said), [`between`] (what holds between steps), [`clean`] (what is nobody's failure).
//! - [`environment`] lists what services, resources, users and timers may do next.
//! - [`model`] walks all of that exhaustively, [`faults`] shows that a broken rule is found, and [`random`]
//!   follows up to 50 services through random, late, doubled and impossible inputs.
//! - [`leases`] has the promises of a service that needs a lease; [`replicas`] is several processes and a store in one model.
//! - [`handovers`] has the promises of one process that hands over, or was handed over to; [`two_processes`] is both in one model.
//!
//! Why every path ends: [`world::World::rank`] grows with each input that changes anything and is bounded,
//! so that no path is infinite; and in each state short of the end something is still to come that needs
//! nobody's goodwill ([`environment::forced_to_come`]), or, without a deadline, somebody's answer.

mod adding;
mod announcements;
mod bookkeeping;
mod canonical;
mod clean;
mod counters;
mod crowd;
mod environment;
mod faults;
mod found;
mod gated_start;
mod handover_faults;
mod handover_systems;
mod handovers;
mod invariants;
mod lease_faults;
mod lease_systems;
mod leases;
mod model;
mod orders;
mod otp;
mod permit_faults;
mod permit_systems;
mod permits;
mod promises;
mod random;
mod reloads;
mod replicas;
mod restarts;
mod retries;
mod sizes;
mod store_checks;
mod strays;
mod successors;
mod two_processes;
mod watched;
mod world;
