//! What the manager tells an incarnation, from another thread.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::MailboxError;
use atomic_waker::AtomicWaker;

use crate::error::{BoxError, PanicError};

/// The answer of an actor, as it comes over the mailbox.
pub(crate) type Answer = Result<Result<(), BoxError>, MailboxError>;

/// Sends a message and waits for its answer; made and polled on the actor's own thread.
pub(crate) type Request = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Answer>>> + Send>;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Ok,
    /// With its text, taken on the actor's thread.
    Error(Arc<dyn Error + Send + Sync>, Arc<str>),
    Panic(PanicError),
    /// The request was dropped.
    Missing,
}

/// A request on its way to the incarnation.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) reply: Box<dyn FnOnce(Reply) + Send>,
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

/// How an actor is to end. It only ever gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Live,
    Retire,
    Force,
}

/// The manager's end of an incarnation.
pub(crate) struct Control {
    /// Set when there are orders, so that a poll without any costs no lock.
    ordered: AtomicBool,
    orders: Mutex<Orders>,
    waker: AtomicWaker,
}

pub(super) struct Orders {
    pub(super) queue: Vec<Order>,
    pub(super) fate: Fate,
}

impl Control {
    pub(super) fn new() -> Self {
        Self {
            ordered: AtomicBool::new(false),
            orders: Mutex::new(Orders { queue: Vec::new(), fate: Fate::Live }),
            waker: AtomicWaker::new(),
        }
    }

    /// Sends a request; `reply` is called on the actor's thread, once, unless the actor goes first.
    pub(crate) fn ask(&self, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Ask(Ask { request, reply: Box::new(reply), last: false }));
    }

    /// Sends the actor's last request: it is retired as soon as it has answered.
    pub(crate) fn ask_last(&self, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Ask(Ask { request, reply: Box::new(reply), last: true }));
    }

    /// Brings an actor to rest between two polls: its tasks and pending answers are dropped, its mailbox waits.
    pub(crate) fn suspend(&self) {
        self.push(Order::Suspend);
    }

    /// Starts an actor again that rests, with this as the first request: nothing that is queued comes between.
    pub(crate) fn restart(&self, request: Request, reply: impl FnOnce(Reply) + Send + 'static) {
        self.push(Order::Restart(Ask { request, reply: Box::new(reply), last: false }));
    }

    /// Ends an actor that has nothing left to do; it sees its own `stopping` and `stopped`, unless it rests.
    pub(crate) fn retire(&self) {
        self.order(|orders| orders.fate = orders.fate.max(Fate::Retire));
    }

    /// Ends an actor between two polls; none of its code runs any more, but for destructors.
    pub(crate) fn force(&self) {
        self.order(|orders| orders.fate = Fate::Force);
    }

    fn push(&self, order: Order) {
        self.order(|orders| orders.queue.push(order));
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock());
        self.ordered.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders that have come in; also whom to wake for the next.
    pub(super) fn take(&self, cx: &std::task::Context<'_>) -> (Vec<Order>, Fate) {
        self.waker.register(cx.waker());
        if !self.ordered.swap(false, Ordering::Acquire) {
            return (Vec::new(), Fate::Live);
        }
        let mut orders = self.lock();
        (std::mem::take(&mut orders.queue), orders.fate)
    }
}
