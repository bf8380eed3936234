//! The orders that are being carried out, and their answers.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Message};
use foldhash::fast::RandomState;

use super::askers::is_doubled;
use crate::events::Name;
use crate::lifecycle::ServiceIx;
use crate::manager::api::order_error::OrderError;

type Answer = Result<(), OrderError>;

/// What was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Add,
    Stop,
    Restart,
    Remove,
    /// And for how long it asks for no lease.
    StepDown(Option<Duration>),
}

/// The orders that are being carried out.
///
/// Bound: one for each that waits for the answer, and as many again, at least 64, for which nobody does.
#[derive(Default)]
pub(crate) struct OpenOrders {
    pub(super) open: Vec<(ServiceIx, Order, OrderReply)>,
    pub(super) purge_at: usize,
    /// Where services are, by their ids; made with the first order.
    pub(super) places: OnceCell<HashMap<Name, ServiceIx, RandomState>>,
}

impl OpenOrders {
    /// There is no service of this id any more.
    pub(crate) fn forget(&mut self, id: &Name) {
        if let Some(places) = self.places.get_mut() {
            places.remove(id);
        }
    }

    pub(super) fn add(&mut self, ix: ServiceIx, order: Order, promise: OrderReply) {
        // What came by `do_send`, or was given up, is carried out all the same, but nobody is to be told.
        is_doubled(&mut self.open, &mut self.purge_at, |(_, _, promise)| promise.is_awaited());
        self.open.push((ix, order, promise));
    }
}

/// An answer, now or later. It holds the very sender of it, so that the end of the manager's thread can't lose it.
#[derive(Clone)]
pub struct OrderReply(Arc<Mutex<ReplyState>>);

pub(super) enum ReplyState {
    Nothing,
    To(OneshotSender<Answer>),
    Kept(Answer),
}

impl OrderReply {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(ReplyState::Nothing)))
    }

    /// Whether somebody waits for it; told from the moment on at which the order has been taken.
    fn is_awaited(&self) -> bool {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            ReplyState::To(sender) => !sender.is_closed(),
            ReplyState::Nothing | ReplyState::Kept(_) => false,
        }
    }

    pub(super) fn keep(&self, answer: Answer) {
        let mut promised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let ReplyState::To(sender) = std::mem::replace(&mut *promised, ReplyState::Kept(answer.clone())) {
            // The sender may have stopped waiting.
            let _ = sender.send(answer);
        }
    }
}

impl From<Answer> for OrderReply {
    fn from(answer: Answer) -> Self {
        Self(Arc::new(Mutex::new(ReplyState::Kept(answer))))
    }
}

impl<A, M> MessageResponse<A, M> for OrderReply
where
    A: Actor,
    M: Message<Result = Answer>,
{
    fn handle(self, _: &mut A::Context, sender: Option<OneshotSender<Answer>>) {
        if let Some(sender) = sender {
            self.tell(sender);
        }
    }
}

impl OrderReply {
    /// Answers this one, now or later.
    pub(super) fn tell(self, sender: OneshotSender<Answer>) {
        let mut promised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*promised {
            ReplyState::Kept(answer) => {
                let _ = sender.send(answer.clone());
            }
            ReplyState::Nothing | ReplyState::To(_) => *promised = ReplyState::To(sender),
        }
    }
}
