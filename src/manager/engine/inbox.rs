//! What a manager is told from other threads and by its own timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::backpressure::Backlog;
use super::question::Question;
use crate::handover::{FromPredecessor, FromSuccessor};
use crate::lifecycle::{Input, ReloadStep, ResourceIx, ServiceIx, SignalKind, Step};
use crate::notify::Liveness;
use crate::server::notice::ServerNotice;
use crate::service::{LeaseNews, ResourceEvent};
use crate::supervision::{ForeignStop, Notice, Reply};

/// Everything that reaches a manager, but for its users' messages.
///
/// A service's place may be taken by another, and a service lives more than once: what is told late, of an actor or of a
/// life that is over, is told apart by its [`Generation`].
#[derive(Debug)]
pub(crate) enum ManagerInput {
    Service(ServiceIx, Generation, Notice),
    Answered(ServiceIx, Generation, Step, Reply),
    /// A service has begun its next life, as it was permitted to: `permits.rs` knows which.
    StartedOver,
    /// A service answered a message of the reload of that number.
    Reloaded {
        ix: ServiceIx,
        generation: Generation,
        number: u64,
        step: ReloadStep,
        reply: Reply,
    },
    Resource(ResourceIx, Generation, ResourceEvent),
    Released(ResourceIx, Generation, Reply),
    Server(ServiceIx, ServerNotice),
    Signal(SignalKind),
    PrintStatus,
    /// SIGHUP: what comes more than once before it is heard is one.
    ReloadSignal,
    /// SIGUSR2: likewise.
    HandoverSignal,
    /// Something was heard of the process that is to take over.
    Successor(FromSuccessor),
    /// Something was heard of the process before this one.
    Predecessor(FromPredecessor),
    /// Something was heard of a lease: a few times for each that is asked for.
    Lease(ServiceIx, LeaseNews),
    /// The operations endpoint asks: one at a time for each of its connections.
    Asked(Question),
    /// Whoever tells systemd asks whether the manager answers: one question at a time.
    AskedForLife(oneshot::Sender<Liveness>),
    /// Code on a thread of services or resources stopped the thread's system.
    ForeignStop(ForeignStop),
    Timer(TimerEvent),
}

/// A life of a service, or the actor that lives it; unique within its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Generation(u64);

impl Generation {
    /// The next one.
    pub(crate) fn take(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

/// A moment that has come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TimerEvent {
    /// For the rules.
    Input(Input),
    /// For the rules, as far as that life of the service is not over.
    Service(ServiceIx, Generation, Input),
    /// A forced end is waited for no longer.
    ForceWaitOver,
    /// Time for the watchdog to look.
    LookAtThreads,
    /// Time to say who is being waited for.
    Progress,
    /// Time to tell the predecessor how the set-up gets on.
    TellPredecessor,
    /// All is over but for the threads.
    Stopped,
    /// The threads are over, too.
    Finished,
}

impl ManagerInput {
    /// Whether a service can have the manager told of this as often as it likes.
    fn is_at_will(&self) -> bool {
        matches!(
            self,
            Self::Service(_, _, Notice::Panicked(_))
                | Self::Resource(_, _, ResourceEvent::Started | ResourceEvent::Notice(Notice::Panicked(_)))
        )
    }
}

/// How many signals wait at most. The third ends the process, so that none is missed that would.
const SIGNALS: usize = 16;

/// The way to a manager. It keeps none alive: what outlives a manager has nobody left to tell.
///
/// Bounds: signals, 16; requests for the status, a reload or a hand-over by a signal, one; panics and starts of resources, as `backpressure.rs` tells; of the rest each
/// service and resource tells a few.
#[derive(Debug, Clone)]
pub(crate) struct ManagerSender(Arc<Channels>);

#[derive(Debug)]
struct Channels {
    inputs: mpsc::UnboundedSender<ManagerInput>,
    signals: mpsc::Sender<SignalKind>,
    /// What counts once until it is heard.
    prints: AtomicBool,
    reloads: AtomicBool,
    handovers: AtomicBool,
    at_will: Backlog,
}

impl Channels {
    /// Whether one like this waits already, where one is enough.
    fn waits(&self, input: &ManagerInput) -> Option<&AtomicBool> {
        match input {
            ManagerInput::PrintStatus => Some(&self.prints),
            ManagerInput::ReloadSignal => Some(&self.reloads),
            ManagerInput::HandoverSignal => Some(&self.handovers),
            _ => None,
        }
    }
}

impl ManagerSender {
    /// The way, and where it leads. Cheaper than the manager's mailbox, by which it is told by others than its own.
    /// So many services will use it.
    pub(crate) fn new(services: usize) -> (Self, Inbox) {
        let (inputs, inputs_receiver) = mpsc::unbounded_channel();
        let (signals, signals_receiver) = mpsc::channel(SIGNALS);
        let at_will = Backlog::of_services(services);
        let channels = Channels {
            inputs,
            signals,
            prints: AtomicBool::new(false),
            reloads: AtomicBool::new(false),
            handovers: AtomicBool::new(false),
            at_will,
        };
        let sender = Self(Arc::new(channels));
        let inbox = Inbox {
            inputs: inputs_receiver,
            signals: signals_receiver,
            chunk: Vec::new(),
            channels: Arc::clone(&sender.0),
        };
        (sender, inbox)
    }

    /// Tells the manager. Whoever tells too much at will is held up, after that.
    pub(crate) fn send(&self, input: ManagerInput) {
        if let Some(delay) = self.send_now(input) {
            thread::sleep(delay);
        }
    }

    /// The same, where the sender holds a lock that the manager takes, too: for how long it is to sleep when it holds it no more.
    #[must_use = "who is not held up is faster than the manager"]
    pub(crate) fn send_now(&self, input: ManagerInput) -> Option<Duration> {
        let channels = &self.0;
        // A manager that is gone needs no word.
        match input {
            ManagerInput::Signal(signal) => drop(channels.signals.try_send(signal)),
            input if channels.waits(&input).is_some_and(|waits| waits.swap(true, Ordering::Relaxed)) => {}
            input => {
                let delay = input.is_at_will().then(|| channels.at_will.count()).flatten();
                let _ = channels.inputs.send(input);
                return delay;
            }
        }
        None
    }
}

/// How much a manager hears before it has delivered what it told because of that.
const CHUNK: usize = 256;

/// What a manager is told: signals first, then in the order in which it is.
#[derive(Debug)]
pub(crate) struct Inbox {
    inputs: mpsc::UnboundedReceiver<ManagerInput>,
    signals: mpsc::Receiver<SignalKind>,
    chunk: Vec<ManagerInput>,
    channels: Arc<Channels>,
}

impl Inbox {
    /// Whether there is nothing in it. Cheap enough to be asked before each message.
    pub(crate) fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.signals.is_empty()
    }

    /// The next of what it is told: all signals, or a chunk. When there is nothing, the waker is kept.
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<std::vec::Drain<'_, ManagerInput>> {
        while let Poll::Ready(Some(signal)) = self.signals.poll_recv(cx) {
            self.chunk.push(ManagerInput::Signal(signal));
        }
        if self.chunk.is_empty() {
            if self.inputs.poll_recv_many(cx, &mut self.chunk, CHUNK).is_pending() {
                return Poll::Pending;
            }
            for input in &self.chunk {
                if let Some(waits) = self.channels.waits(input) {
                    waits.store(false, Ordering::Relaxed);
                } else if input.is_at_will() {
                    self.channels.at_will.leave();
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
            Poll::Ready(input) => input.map(|input| format!("{input:?}")).collect(),
            Poll::Pending => Vec::new(),
        }
    }

    #[test]
    fn g16_signals_stand_behind_nothing_else() {
        let (sender, mut inbox) = ManagerSender::new(1);
        assert!(inbox.is_empty());
        (0..100_000).for_each(|_| sender.send(ManagerInput::Timer(TimerEvent::LookAtThreads)));
        sender.send(ManagerInput::Signal(SignalKind::Terminate));
        assert!(!inbox.is_empty());
        assert_eq!(take(&mut inbox), ["Signal(Terminate)"]);
        assert_eq!(take(&mut inbox).len(), CHUNK);
    }

    #[test]
    fn g16_signals_and_requests_for_the_status_do_not_pile_up() {
        let (sender, mut inbox) = ManagerSender::new(1);
        for _ in 0..1_000 {
            sender.send(ManagerInput::Signal(SignalKind::Interrupt));
            sender.send(ManagerInput::PrintStatus);
        }
        assert_eq!(take(&mut inbox).len(), SIGNALS);
        assert_eq!(take(&mut inbox), ["PrintStatus"]);
        assert!(inbox.is_empty());
        sender.send(ManagerInput::PrintStatus);
        assert_eq!(take(&mut inbox), ["PrintStatus"]);
    }
}
