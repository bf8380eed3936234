//! What a manager is told from other threads and by its own timers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix::fut::ActorFuture;
use tokio::sync::mpsc;

use super::Manager;
use crate::grpc::GrpcAddress;
use crate::lifecycle::{Input, ResourceIx, ServiceIx, SignalKind, Step};
use crate::service::Told as ToldOf;
use crate::supervision::{Notice, Reply, batched};

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
        (Self(sender), Inbox { receiver, chunk: Vec::new() })
    }

    pub(super) fn tell(&self, told: Told) {
        // A manager that is gone needs no word.
        let _ = self.0.send(told);
    }
}

/// How much a manager hears before it has delivered what it told because of that.
const CHUNK: usize = 256;

/// What a manager is told, in the order in which it is, and what it tells because of that in few pieces.
pub(super) struct Inbox {
    receiver: mpsc::UnboundedReceiver<Told>,
    chunk: Vec<Told>,
}

impl ActorFuture<Manager> for Inbox {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        manager: &mut Manager,
        ctx: &mut actix::Context<Manager>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Self { receiver, chunk } = &mut *self;
        loop {
            match ready!(receiver.poll_recv_many(cx, chunk, CHUNK)) {
                // Whoever could tell something is gone.
                0 => return Poll::Ready(()),
                count => {
                    batched(|| chunk.drain(..).for_each(|told| manager.hear(told, ctx)));
                    if count == CHUNK {
                        // Its users have their turn, too.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
