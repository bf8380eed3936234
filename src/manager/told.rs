//! What a manager is told from other threads and by its own timers.

use actix::{Addr, Message, WeakAddr};

use super::Manager;
use crate::grpc::GrpcAddress;
use crate::lifecycle::{Input, ResourceIx, ServiceIx, SignalKind, Step};
use crate::service::Told as ToldOf;
use crate::supervision::{Notice, Reply};

/// Everything that reaches a manager, but for its users' messages.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) enum Told {
    Service(ServiceIx, Notice),
    Answered(ServiceIx, Step, Reply),
    Resource(ResourceIx, ToldOf),
    Released(ResourceIx, Reply),
    Serving(Vec<GrpcAddress>),
    Signal(SignalKind),
    PrintStatus,
    Tick(Tick),
}

/// A moment that has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tick {
    /// For the rules.
    Input(Input),
    /// A forced end is waited for no longer.
    ForceOver,
    /// Time to say who is being waited for.
    Progress,
    /// All is over but for the threads.
    Stopped,
    /// The threads are over, too.
    Finished,
}

/// The way to a manager. It keeps none alive: what outlives a manager has nobody left to tell.
#[derive(Debug, Clone)]
pub(super) struct Home(WeakAddr<Manager>);

impl Home {
    pub(super) fn new(manager: &Addr<Manager>) -> Self {
        Self(manager.downgrade())
    }

    pub(super) fn tell(&self, told: Told) {
        if let Some(manager) = self.0.upgrade() {
            manager.do_send(told);
        }
    }
}
