//! What the testing kit asks of a manager, on the manager's own thread.

use std::cell::RefCell;
use std::sync::Arc;

use actix::{Addr, Handler, Message, MessageResult, WeakAddr};

use crate::events::{EventSender, TimedEvent};
use crate::grpc::{GrpcAddress, InMemory, SERVER_ID};
use crate::lifecycle::{SignalKind, Stage};
use crate::manager::Manager;
use crate::manager::engine::inbox::ManagerInput;
use crate::manager::engine::mailbox::ManagerContext;
use crate::manager::test_support::fault::Rehearsal;
use crate::manager::test_support::given::GivenOptions;
use crate::report::ManagerError;

/// How a manager stands.
#[derive(Debug, Clone)]
pub(crate) struct ManagerSnapshot {
    pub(crate) given: GivenOptions,
    pub(crate) stage: Stage,
    /// Where its gRPC server accepts calls, or did.
    pub(crate) addresses: Vec<GrpcAddress>,
    /// The latest events.
    pub(crate) events: Vec<Arc<TimedEvent>>,
    /// How it ended, if it has.
    pub(crate) result: Option<Result<(), ManagerError>>,
}

/// A question, answered on the manager's thread.
pub(crate) struct RunOnManager<T>(Box<dyn FnOnce(&mut Manager) -> T + Send>);

impl<T> RunOnManager<T> {
    pub(crate) fn new(question: impl FnOnce(&mut Manager) -> T + Send + 'static) -> Self {
        Self(Box::new(question))
    }
}

impl<T: 'static> Message for RunOnManager<T> {
    type Result = T;
}

impl<T: 'static> Handler<RunOnManager<T>> for Manager {
    type Result = MessageResult<RunOnManager<T>>;

    fn handle(&mut self, run: RunOnManager<T>, _: &mut ManagerContext) -> Self::Result {
        MessageResult((run.0)(self))
    }
}

/// A signal that only one manager gets.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) enum TestSignal {
    Stop(SignalKind),
    PrintStatus,
}

impl Handler<TestSignal> for Manager {
    type Result = ();

    fn handle(&mut self, signal: TestSignal, _: &mut ManagerContext) {
        let input = match signal {
            TestSignal::Stop(signal) => ManagerInput::Signal(signal),
            TestSignal::PrintStatus => ManagerInput::PrintStatus,
        };
        self.handle_input(input);
    }
}

thread_local! {
    static HERE: RefCell<Vec<WeakAddr<Manager>>> = const { RefCell::new(Vec::new()) };
}

/// Whether this manager lives on the caller's thread.
pub(crate) fn is_on_this_thread(manager: &Addr<Manager>) -> bool {
    HERE.with_borrow(|here| here.iter().any(|one| one.upgrade().as_ref() == Some(manager)))
}

/// PanicLog that this manager lives on the caller's thread.
pub(crate) fn note_thread(manager: &Addr<Manager>) {
    HERE.with_borrow_mut(|here| {
        here.retain(|one| one.upgrade().is_some());
        here.push(manager.downgrade());
    });
}

impl Manager {
    /// Tells an observer of all that happens, before its start.
    pub(crate) fn observed_by(mut self, observer: EventSender) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.options.observers.push(observer);
        }
        self
    }

    /// Has its gRPC server listen where no other test does, unless it was told where.
    pub(crate) fn at_a_port_of_its_own(mut self) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.options.or_any_port();
        }
        self
    }

    /// Has its gRPC server reached in memory alone.
    pub(crate) fn in_memory_alone(mut self) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.options.in_memory_alone(InMemory::new());
        }
        self
    }

    /// Has all its servers reached in memory alone.
    pub(crate) fn without_sockets(mut self) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.options.without_sockets();
            plan.pending_services
                .iter()
                .filter_map(|pending| pending.server.as_ref())
                .for_each(|server| server.or_in_memory());
        }
        self
    }

    /// What it was given.
    pub(crate) fn given(&self) -> GivenOptions {
        self.plan.as_ref().map_or_else(|| self.given.clone(), GivenOptions::of)
    }

    pub(crate) fn snapshot(&mut self) -> ManagerSnapshot {
        let status = self.status();
        ManagerSnapshot {
            given: self.given(),
            stage: status.stage,
            addresses: status.grpc_addresses,
            events: status.history,
            result: self.ended.as_ref().map(|ended| ended.result().clone()),
        }
    }

    /// The ids of its services, without the gRPC server that it adds by itself.
    pub(crate) fn services(&mut self) -> Vec<String> {
        let services = self.status().services;
        if services.is_empty() && self.running.is_none() {
            return self.given.services.clone();
        }
        let ids = services.iter().map(|service| service.id.to_string());
        ids.filter(|id| id != SERVER_ID).collect()
    }

    /// What every service and resource is doing.
    pub(crate) fn status_text(&mut self) -> String {
        self.status().to_string()
    }

    /// What the flight recorder has kept.
    pub(crate) fn history(&mut self) -> Vec<Arc<TimedEvent>> {
        self.status().history
    }

    /// Tells an observer of all that happens from now on.
    pub(crate) fn observe(&mut self, observer: EventSender) {
        if let Some(running) = &mut self.running {
            running.observe(observer);
        }
    }
}

impl Manager {
    /// Has it rehearsed, and observed. Signals of the process are none of a rehearsal's.
    pub(crate) fn rehearsed(mut self, rehearsal: Rehearsal, observers: Vec<EventSender>) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.options.rehearsal = rehearsal;
            plan.options.observers.extend(observers);
            plan.options.handle_signals = false;
        }
        self
    }

    /// Whether SIGINT and SIGTERM stop it.
    pub(crate) fn heeds_signals(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.options.handle_signals)
    }
}
