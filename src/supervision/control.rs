//! What the manager tells an incarnation, from another thread.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use actix::MailboxError;
use smallvec::SmallVec;

use super::alarm::Alarm;
use super::batch_delivery::{Job, Outbox, WakeHere, is_batching};
use super::wake::Wakeups;
use crate::base::{BoxError, PanicError};

/// The answer of an actor, as it comes over the mailbox.
pub(crate) type Answer = Result<Result<(), BoxError>, MailboxError>;

/// What an actor answers in its own time, on its own thread.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Answer>>>;

/// Sends a message, and waits for its answer; made on the actor's own thread, where it is result the actor's
/// `PriorityInbox`, if it wants that.
pub(crate) type Request = Box<dyn FnOnce(&mut dyn Any) -> Answering + Send>;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Ok,
    /// With its text, taken on the actor's thread.
    Error(Arc<dyn Error + Send + Sync>, Arc<str>),
    Panic(Box<PanicError>),
    /// The request was dropped.
    Missing,
}

/// Called with the reply.
pub(super) type PassOn = Box<dyn FnOnce(Reply) + Send>;

/// A request on its way to the incarnation.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) reply: PassOn,
    /// Whether the actor ends once it has answered.
    pub(super) last: bool,
}

/// Something that an incarnation is told, in the order in which it is told.
pub(super) enum Order {
    Ask(Ask),
    Suspend,
    /// Start again, with this as the first that the new life is asked.
    Restart(Ask),
}

/// What was still on its way to an actor whose life is over. It may only be dropped.
pub(crate) struct LateOrders(#[expect(dead_code, reason = "kept to be dropped")] SmallVec<[Order; 1]>);

/// How an actor is to end. It only gets stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExitMode {
    Live,
    Retire,
    Force,
}

/// The manager's end of an incarnation. What wakes the actor wakes it through this, so that it is known whether it waits for
/// its thread.
pub(crate) struct Control {
    wakeups: Wakeups<Waker>,
    /// Whether the actor's context, or its tasks, were woken: not only an answer that it owes.
    context: Alarm,
    orders: Mutex<Orders>,
    /// The way to its thread.
    outbox: Outbox,
}

/// There are few at a time: a manager waits for the answer to each of its messages, but for those of the end, and what ends
/// an actor is no entry of the queue.
pub(super) struct Orders {
    pub(super) queue: SmallVec<[Order; 1]>,
    pub(super) exit_mode: ExitMode,
}

impl Orders {
    pub(super) fn none() -> Self {
        Self { queue: SmallVec::new(), exit_mode: ExitMode::Live }
    }
}

impl Control {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, wakeups: Wakeups::new(), context: Alarm::silent(), orders: Mutex::new(Orders::none()) }
    }

    /// Sends a request; `reply` is called on the actor's thread, once, unless the actor goes first.
    pub(crate) fn ask(self: &Arc<Self>, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Ask(Ask { request, reply: Box::new(reply), last: false }));
    }

    /// Sends the actor's last request: it is retired as soon as it has answered.
    pub(crate) fn ask_last(self: &Arc<Self>, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Ask(Ask { request, reply: Box::new(reply), last: true }));
    }

    /// Brings an actor to rest between two polls: its tasks and pending answers are dropped, its mailbox waits.
    pub(crate) fn suspend(self: &Arc<Self>) {
        self.push(Order::Suspend);
    }

    /// Starts an actor again that rests, with this as the first request: nothing that is queued comes between.
    pub(crate) fn restart(self: &Arc<Self>, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Restart(Ask { request, reply: Box::new(reply), last: false }));
    }

    /// Ends an actor that has nothing left to do; it sees its own `stopping` and `stopped`, unless it rests.
    pub(crate) fn retire(self: &Arc<Self>) {
        self.order(|orders| orders.exit_mode = orders.exit_mode.max(ExitMode::Retire));
    }

    /// Ends an actor between two polls; none of its code runs any more, but for destructors.
    pub(crate) fn force(self: &Arc<Self>) {
        self.order(|orders| orders.exit_mode = ExitMode::Force);
    }

    /// Takes away what has not reached the actor, whose life is over: it is not for the next.
    pub(crate) fn take_late(&self) -> LateOrders {
        LateOrders(std::mem::take(&mut self.lock().queue))
    }

    fn push(self: &Arc<Self>, order: Order) {
        self.order(|orders| orders.queue.push(order));
    }

    fn order(self: &Arc<Self>, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock());
        self.wakeups.order();
        self.wake_actor();
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the actor was woken and waits for its thread.
    pub(crate) fn is_woken(&self) -> bool {
        self.wakeups.is_woken()
    }

    /// Has the actor's task polled.
    pub(super) fn wake_actor(self: &Arc<Self>) {
        if let Some(task) = self.wakeups.wake() {
            match is_batching() {
                true => self.outbox.send(Job::Wake(Arc::<Self>::clone(self))),
                false => task.wake_by_ref(),
            }
        }
    }

    /// Whether what wakes the context has done so since this was last asked.
    #[inline]
    pub(super) fn take_context_woken(&self) -> bool {
        self.context.take()
    }

    /// A poll begins: whether orders have come in. Whom to wake for the next is learned from the first poll.
    #[inline]
    pub(super) fn begin(&self, cx: &Context<'_>) -> bool {
        self.wakeups.begin(|| cx.waker().clone())
    }

    /// The orders that have come in.
    pub(super) fn take_orders(&self) -> Orders {
        let mut orders = self.lock();
        Orders { queue: std::mem::take(&mut orders.queue), exit_mode: orders.exit_mode }
    }
}

impl WakeHere for Control {
    fn wake_here(&self) {
        if let Some(task) = self.wakeups.task() {
            task.wake_by_ref();
        }
    }
}

/// What the actor's context and its tasks wake.
impl Wake for Control {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.context.ring();
        self.wake_actor();
    }
}
