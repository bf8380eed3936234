//! What a manager is told from other threads and by its own timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::backpressure::Backlog;
use crate::grpc::{GrpcAddress, WorkerStall};
use crate::lifecycle::{Input, ResourceIx, ServiceIx, SignalKind, Step};
use crate::service::Told as ToldOf;
use crate::supervision::{ForeignStop, Notice, Reply};

/// Everything that reaches a manager, but for its users' messages.
///
/// A service's place may be taken by another, and a service lives more than once: what is told late, of an actor or of a
/// life that is over, is told apart by its [`Turn`].
#[derive(Debug)]
pub(crate) enum Told {
    Service(ServiceIx, Turn, Notice),
    Answered(ServiceIx, Turn, Step, Reply),
    Resource(ResourceIx, Turn, ToldOf),
    Released(ResourceIx, Turn, Reply),
    Serving(Vec<GrpcAddress>),
    /// Of each worker one at a time, four times within the watchdog's limit at most.
    Worker(WorkerStall),
    Signal(SignalKind),
    PrintStatus,
    /// Code on a thread of services or resources stopped the thread's system.
    ForeignStop(ForeignStop),
    Tick(Tick),
}

/// A life of a service, or the actor that lives it; unique within its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn(u64);

impl Turn {
    /// The next one.
    pub(crate) fn take(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

/// A moment that has come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tick {
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

impl Told {
    /// Whether a service can have the manager told of this as often as it likes.
    fn is_at_will(&self) -> bool {
        matches!(
            self,
            Self::Service(_, _, Notice::Panicked(_))
                | Self::Resource(_, _, ToldOf::Started | ToldOf::Notice(Notice::Panicked(_)))
        )
    }
}

/// How many signals wait at most. The third ends the process, so that none is missed that would.
const SIGNALS: usize = 16;

/// The way to a manager. It keeps none alive: what outlives a manager has nobody left to tell.
///
/// Bounds: signals, 16; requests for the status, one; panics and starts of resources, as `backpressure.rs` tells; of the rest each
/// service and resource tells a few.
#[derive(Debug, Clone)]
pub(crate) struct Home(Arc<Ways>);

#[derive(Debug)]
struct Ways {
    inputs: mpsc::UnboundedSender<Told>,
    signals: mpsc::Sender<SignalKind>,
    prints: AtomicBool,
    at_will: Backlog,
}

impl Home {
    /// The way, and where it leads. Cheaper than the manager's mailbox, by which it is told by others than its own.
    /// So many services will use it.
    pub(crate) fn new(services: usize) -> (Self, Inbox) {
        let (inputs, inputs_receiver) = mpsc::unbounded_channel();
        let (signals, signals_receiver) = mpsc::channel(SIGNALS);
        let at_will = Backlog::of_services(services);
        let ways = Ways { inputs, signals, prints: AtomicBool::new(false), at_will };
        let home = Self(Arc::new(ways));
        let inbox = Inbox {
            inputs: inputs_receiver,
            signals: signals_receiver,
            chunk: Vec::new(),
            ways: Arc::clone(&home.0),
        };
        (home, inbox)
    }

    pub(crate) fn tell(&self, told: Told) {
        let ways = &self.0;
        // A manager that is gone needs no word.
        match told {
            Told::Signal(signal) => drop(ways.signals.try_send(signal)),
            Told::PrintStatus => {
                if !ways.prints.swap(true, Ordering::Relaxed) {
                    let _ = ways.inputs.send(told);
                }
            }
            told => {
                if told.is_at_will() {
                    ways.at_will.enter();
                }
                let _ = ways.inputs.send(told);
            }
        }
    }
}

/// How much a manager hears before it has delivered what it told because of that.
const CHUNK: usize = 256;

/// What a manager is told: signals first, then in the order in which it is.
#[derive(Debug)]
pub(crate) struct Inbox {
    inputs: mpsc::UnboundedReceiver<Told>,
    signals: mpsc::Receiver<SignalKind>,
    chunk: Vec<Told>,
    ways: Arc<Ways>,
}

impl Inbox {
    /// Whether there is nothing in it. Cheap enough to be asked before each message.
    pub(crate) fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.signals.is_empty()
    }

    /// The next of what it is told: all signals, or a chunk. When there is nothing, the waker is kept.
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<std::vec::Drain<'_, Told>> {
        while let Poll::Ready(Some(signal)) = self.signals.poll_recv(cx) {
            self.chunk.push(Told::Signal(signal));
        }
        if self.chunk.is_empty() {
            if self.inputs.poll_recv_many(cx, &mut self.chunk, CHUNK).is_pending() {
                return Poll::Pending;
            }
            for told in &self.chunk {
                match told {
                    Told::PrintStatus => self.ways.prints.store(false, Ordering::Relaxed),
                    told if told.is_at_will() => self.ways.at_will.leave(),
                    _ => {}
                }
            }
        }
        Poll::Ready(self.chunk.drain(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn take(inbox: &mut Inbox) -> Vec<String> {
        match inbox.poll_take(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(told) => told.map(|told| format!("{told:?}")).collect(),
            Poll::Pending => Vec::new(),
        }
    }

    #[test]
    fn g16_signals_stand_behind_nothing_else() {
        let (home, mut inbox) = Home::new(1);
        assert!(inbox.is_empty());
        (0..100_000).for_each(|_| home.tell(Told::Tick(Tick::Look)));
        home.tell(Told::Signal(SignalKind::Terminate));
        assert!(!inbox.is_empty());
        assert_eq!(take(&mut inbox), ["Signal(Terminate)"]);
        assert_eq!(take(&mut inbox).len(), CHUNK);
    }

    #[test]
    fn g16_signals_and_requests_for_the_status_do_not_pile_up() {
        let (home, mut inbox) = Home::new(1);
        for _ in 0..1_000 {
            home.tell(Told::Signal(SignalKind::Interrupt));
            home.tell(Told::PrintStatus);
        }
        assert_eq!(take(&mut inbox).len(), SIGNALS);
        assert_eq!(take(&mut inbox), ["PrintStatus"]);
        assert!(inbox.is_empty());
        home.tell(Told::PrintStatus);
        assert_eq!(take(&mut inbox), ["PrintStatus"]);
    }
}
