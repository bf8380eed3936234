//! G25: a service with a lease runs on one replica only.

mod blocked;
mod checked;
mod loss;
mod many;
mod refused;
mod rig;
mod standby;
mod step_down;
mod stores;
mod suspended;
mod take_over;
mod threads;
