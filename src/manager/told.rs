//! What a manager is told from other threads and by its own timers.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::grpc::GrpcAddress;
use crate::lifecycle::{Input, ResourceIx, ServiceIx, SignalKind, Step};
use crate::service::Told as ToldOf;
use crate::supervision::{Notice, Reply};

/// Everything that reaches a manager, but for its users' messages.
///
/// A service's place may be taken by another, and a service lives more than once: what is told late, of an actor or of a
/// life that is over, is told apart by its [`Turn`].
#[derive(Debug)]
pub(super) enum Told {
    Service(ServiceIx, Turn, Notice),
    Answered(ServiceIx, Turn, Step, Reply),
    Resource(ResourceIx, Turn, ToldOf),
    Released(ResourceIx, Turn, Reply),
    Serving(Vec<GrpcAddress>),
    Signal(SignalKind),
    PrintStatus,
    Tick(Tick),
}

/// A life of a service, or the actor that lives it; unique within its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turn(u64);

impl Turn {
    /// The next one.
    pub(super) fn take(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

/// A moment that has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tick {
    /// For the rules.
    Input(Input),
    /// For the rules, as far as that life of the service is not over.
    Service(ServiceIx, Turn, Input),
    /// A forced end is waited for no longer.
    ForceOver,
    /// Time for the watchdog to look.
    Look,
    /// Time to say who is being waited for.
    Progress,
    /// All is over but for the threads.
    Stopped,
    /// The threads are over, too.
    Finished,
}

/// The way to a manager. It keeps none alive: what outlives a manager has nobody left to tell.
#[derive(Debug, Clone)]
pub(super) struct Home(mpsc::UnboundedSender<Told>);

impl Home {
    /// The way, and where it leads. Cheaper than the manager's mailbox, by which it is told by others than its own.
    pub(super) fn new() -> (Self, Inbox) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Inbox(receiver))
    }

    pub(super) fn tell(&self, told: Told) {
        // A manager that is gone needs no word.
        let _ = self.0.send(told);
    }
}

/// What a manager is told, in the order in which it is.
pub(super) struct Inbox(mpsc::UnboundedReceiver<Told>);

impl Stream for Inbox {
    type Item = Told;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        self.0.poll_recv(cx)
    }
}
