//! Orders to a running manager: who gave them, and their answers.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Message};
use foldhash::fast::RandomState;

use super::askers::is_doubled;
use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::events::Name;
use crate::lifecycle::{Announcement, Input, Outcome, RestartMode, ServiceIx, Stage};
use crate::manager::api::pending_service::PendingService;
use crate::manager::observe::event_log::Detail;

/// Why an order to a running manager was refused, or could not be carried out.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is no service of this id.
    #[error("there is no service {0:?}: see GetStatus for those that there are")]
    Unknown(String),
    /// The manager is not running: it has not come so far, or is stopping.
    #[error("the manager is {0}: services are added, stopped, removed and restarted while it is running")]
    NotRunning(Stage),
    /// The id is empty, or taken.
    #[error("a service cannot be added as {0:?}, which is empty or taken: give it an id of its own")]
    Id(String),
    /// What it depends on is not there, or what was said of its restarts cannot work.
    #[error("{service:?} cannot be added: {reason}")]
    Spec {
        /// Whose it is.
        service: String,
        /// What is wrong.
        reason: String,
    },
    /// The service's actor cannot be started again.
    #[error(
        "{0:?} cannot be started again: hand it over as a ServiceSpec with restart(..), which asks for actix::Supervised"
    )]
    NotRestartable(String),
    /// The gRPC server is neither stopped nor restarted on its own.
    #[error("{0:?} is the gRPC server, which lives as long as its manager: use StartShutdown")]
    Server(String),
    /// Others depend on the service.
    #[error("{service:?} cannot go: {} depend on it; remove or stop them first", dependents.join(", "))]
    Needed {
        /// Whom the order is about.
        service: String,
        /// Who depends on it.
        dependents: Vec<String>,
    },
    /// The service could not be set up; it has been taken back.
    #[error(
        "{service:?} could not be set up, and was taken back: {reason}; add it again once that is mended"
    )]
    Failed {
        /// Whom the order is about.
        service: String,
        /// Its error.
        reason: String,
    },
    /// The service did not stop in time and was cut off.
    #[error(
        "{0:?} did not stop within its stop_timeout, and was cut off: it is down; allow it more time if that is too short"
    )]
    Forced(String),
    /// Something else came first: another order, or the manager's shutdown.
    #[error(
        "{0:?}: the order was overtaken by another, or by the manager's shutdown: see GetStatus for what has become of it"
    )]
    Overtaken(String),
}

type Answer = Result<(), OrderError>;

/// How many of those who depend on a service are named in an error.
const NAMED: usize = 20;

/// How much of an id that is refused is shown, in characters.
const LONGEST_SHOWN: usize = 256;

/// What was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Add,
    Stop,
    Restart,
    Remove,
}

/// The orders that are being carried out.
///
/// Bound: one for each that waits for the answer, and as many again, at least 64, for which nobody does.
#[derive(Default)]
pub(crate) struct OpenOrders {
    open: Vec<(ServiceIx, Order, OrderReply)>,
    purge_at: usize,
    /// Where services are, by their ids; made with the first order.
    places: OnceCell<HashMap<Name, ServiceIx, RandomState>>,
}

impl OpenOrders {
    /// There is no service of this id any more.
    pub(crate) fn forget(&mut self, id: &Name) {
        if let Some(places) = self.places.get_mut() {
            places.remove(id);
        }
    }

    fn add(&mut self, ix: ServiceIx, order: Order, promise: OrderReply) {
        // What came by `do_send`, or was given up, is carried out all the same, but nobody is to be told.
        is_doubled(&mut self.open, &mut self.purge_at, |(_, _, promise)| promise.is_awaited());
        self.open.push((ix, order, promise));
    }
}

/// An answer, now or later. It holds the very sender of it, so that the end of the manager's thread can't lose it.
#[derive(Clone)]
pub struct OrderReply(Arc<Mutex<ReplyState>>);

enum ReplyState {
    Nothing,
    To(OneshotSender<Answer>),
    Kept(Answer),
}

impl OrderReply {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(ReplyState::Nothing)))
    }

    /// Whether somebody waits for it; told from the moment on at which the order has been taken.
    fn is_awaited(&self) -> bool {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            ReplyState::To(sender) => !sender.is_closed(),
            ReplyState::Nothing | ReplyState::Kept(_) => false,
        }
    }

    fn keep(&self, answer: Answer) {
        let mut promised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let ReplyState::To(sender) = std::mem::replace(&mut *promised, ReplyState::Kept(answer.clone())) {
            // Whoever asked may have stopped waiting.
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
        let Some(sender) = sender else { return };
        let mut promised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*promised {
            ReplyState::Kept(answer) => {
                let _ = sender.send(answer.clone());
            }
            ReplyState::Nothing | ReplyState::To(_) => *promised = ReplyState::To(sender),
        }
    }
}

impl Shell {
    /// Takes a service that is to be added. Its answer comes when it runs, or has been taken back.
    pub(crate) fn add(&mut self, pending: PendingService) -> OrderReply {
        match self.admit(pending) {
            Ok(ix) => self.promise(ix, Order::Add, Input::Added(ix)),
            Err(error) => Err(error).into(),
        }
    }

    fn admit(&mut self, pending: PendingService) -> Result<ServiceIx, OrderError> {
        self.check_running()?;
        let id = pending.id.clone();
        let reserved = *id == *crate::grpc::SERVER_ID || crate::grpc::builtin::health::is_taken(&id);
        if reserved || id.trim().is_empty() || self.place(&id).is_some() {
            return Err(OrderError::Id(id.to_string()));
        }
        let refused = |error: &dyn fmt::Display| OrderError::Spec {
            service: id.chars().take(LONGEST_SHOWN).collect(),
            reason: error.to_string(),
        };
        pending.check(self.budget.services_time()).map_err(|error| refused(&error))?;
        let place = |on: &Name| self.place(on);
        let restarts =
            |ix: ServiceIx| self.services[ix.0 as usize].restarts.policy().mode() != RestartMode::Never;
        let spec = pending.spec(place, restarts).map_err(|error| refused(&error))?;
        let depends_on = pending.depends_on.clone();
        let ix = self.machine.add(spec);
        self.event_log.add(ix, &id, depends_on);
        let slot = ServiceSlot::new(pending);
        match self.services.get_mut(ix.0 as usize) {
            Some(vacant) => *vacant = slot,
            None => self.services.push(slot),
        }
        if let Some(places) = self.orders.places.get_mut() {
            places.insert(id, ix);
        }
        Ok(ix)
    }

    /// Orders something of a service that is there.
    pub(crate) fn order(&mut self, id: &str, order: Order) -> OrderReply {
        match self.check_order(id, order) {
            Ok(ix) => {
                let input = match order {
                    Order::Stop => Input::StopAsked(ix),
                    Order::Restart => Input::RestartAsked(ix),
                    Order::Remove => Input::RemoveAsked(ix),
                    Order::Add => Input::Added(ix),
                };
                self.promise(ix, order, input)
            }
            Err(error) => Err(error).into(),
        }
    }

    fn promise(&mut self, ix: ServiceIx, order: Order, input: Input) -> OrderReply {
        let promise = OrderReply::new();
        self.orders.add(ix, order, promise.clone());
        self.forget_restarts(ix);
        self.feed(input, Detail::None);
        if order == Order::Stop && self.machine.is_stopped(ix) {
            self.answer_orders(ix, |order| (order == Order::Stop).then_some(Ok(())));
        }
        promise
    }

    fn check_running(&self) -> Result<(), OrderError> {
        match self.stage() {
            Stage::Running => Ok(()),
            stage => Err(OrderError::NotRunning(stage)),
        }
    }

    fn check_order(&self, id: &str, order: Order) -> Result<ServiceIx, OrderError> {
        self.check_running()?;
        let service = || id.to_owned();
        if *id == *crate::grpc::SERVER_ID {
            return Err(OrderError::Server(service()));
        }
        let ix = self.place(id).ok_or_else(|| OrderError::Unknown(service()))?;
        let named = |all: Vec<ServiceIx>| {
            let names = all.iter().take(NAMED).map(|&ix| self.event_log.id(ix).to_string());
            let more = (all.len() > NAMED).then(|| format!("{} more", all.len() - NAMED));
            names.chain(more).collect()
        };
        match order {
            Order::Restart if !self.machine.can_restart(ix) => Err(OrderError::NotRestartable(service())),
            Order::Remove if !self.machine.dependents(ix).is_empty() => {
                let dependents = named(self.machine.dependents(ix));
                Err(OrderError::Needed { service: service(), dependents })
            }
            Order::Stop | Order::Restart if !self.machine.cannot_follow(ix).is_empty() => {
                let dependents = named(self.machine.cannot_follow(ix));
                Err(OrderError::Needed { service: service(), dependents })
            }
            _ => Ok(ix),
        }
    }

    /// Where the service of this id is.
    pub(crate) fn place(&self, id: &str) -> Option<ServiceIx> {
        // Who orders in a loop must not have the manager look at ten thousand each time.
        let all = || (0..).zip(&self.services).map(|(ix, slot)| (slot.id.clone(), ServiceIx(ix)));
        let are_there = || all().filter(|(_, ix)| !self.machine.is_vacant(*ix)).collect();
        self.orders.places.get_or_init(are_there).get(id).copied()
    }

    /// Answers those whose orders have been carried out, or never will be.
    pub(crate) fn carry_out(&mut self, announcement: &Announcement, reason: Option<String>) {
        match *announcement {
            Announcement::ServiceAdded(ix) => {
                self.answer_orders(ix, |order| (order == Order::Add).then_some(Ok(())));
            }
            Announcement::RestartFinished(ix, outcome) => {
                let error = OrderError::Overtaken(self.event_log.id(ix).to_string());
                self.answer_orders(ix, |order| match outcome {
                    _ if order != Order::Restart => None,
                    Outcome::Ok => Some(Ok(())),
                    Outcome::Ended => Some(Err(error.clone())),
                    // There is another attempt, or the manager stops.
                    _ => None,
                });
            }
            Announcement::StopFinished(ix, outcome) => {
                let id = self.event_log.id(ix).to_string();
                self.answer_orders(ix, |order| match outcome {
                    _ if order != Order::Stop => None,
                    Outcome::Ok => Some(Ok(())),
                    Outcome::Forced => Some(Err(OrderError::Forced(id.clone()))),
                    _ => Some(Err(OrderError::Overtaken(id.clone()))),
                });
            }
            Announcement::ServiceRemoved(ix) => {
                let service = self.event_log.id(ix).to_string();
                let reason = reason.clone().unwrap_or_else(|| "it was removed".to_owned());
                self.answer_orders(ix, |order| match order {
                    Order::Add => {
                        Some(Err(OrderError::Failed { service: service.clone(), reason: reason.clone() }))
                    }
                    Order::Remove => Some(Ok(())),
                    Order::Stop | Order::Restart => Some(Err(OrderError::Overtaken(service.clone()))),
                });
            }
            Announcement::ShutdownRequested(_) => {
                for (ix, _, promise) in std::mem::take(&mut self.orders.open) {
                    promise.keep(Err(OrderError::Overtaken(self.event_log.id(ix).to_string())));
                }
            }
            _ => {}
        }
    }

    fn answer_orders(&mut self, to: ServiceIx, answer: impl Fn(Order) -> Option<Answer>) {
        self.orders.open.retain(|(ix, order, promise)| {
            let answer = if *ix == to { answer(*order) } else { None };
            if let Some(answer) = &answer {
                promise.keep(answer.clone());
            }
            answer.is_none()
        });
    }
}
