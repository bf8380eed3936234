//! Orders to a running manager: who gave them, and their answers.

use std::fmt;

use super::open_orders::{Order, OrderReply};
use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::events::Name;
use crate::lifecycle::{Announcement, Input, Outcome, RestartMode, ServiceIx, Stage};
use crate::manager::api::order_error::OrderError;
use crate::manager::api::pending_service::{Needed, PendingService};
use crate::manager::observe::event_log::Detail;
use crate::manager::signals::SomeHear;

type Answer = Result<(), OrderError>;

/// How many of those who depend on a service are named in an error.
const NAMED: usize = 20;

/// How much of an id that is refused is shown, in characters.
const LONGEST_SHOWN: usize = 256;

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
        self.check_address(&pending).map_err(|error| refused(&error))?;
        // Who is about to be removed is none that others could depend on.
        let place = |on: &Name| self.place(on).filter(|&on| !self.machine.leaves_for_good(on));
        let about = |ix: ServiceIx| Needed {
            restarts: self.services[ix.0 as usize].restarts.policy().mode() != RestartMode::Never,
            // Once it is there, nobody has to wait for it.
            after_handover: self.machine.waits_for_predecessor(ix),
            leased: self.services[ix.0 as usize].lease.is_some(),
        };
        let spec = pending.spec(place, about).map_err(|error| refused(&error))?;
        let depends_on = pending.depends_on.clone();
        if pending.reload_at_signal
            && let Some(signals) = &self.signals
        {
            signals.hear_also(SomeHear::Reload).map_err(|error| refused(&error))?;
        }
        self.reloads.are_offered |= spec.reloadable;
        let ix = self.machine.add(spec);
        self.provided.depends(&id, &depends_on);
        self.event_log.add(ix, &id, depends_on);
        let slot = ServiceSlot::new(pending);
        match self.services.get_mut(ix.0 as usize) {
            Some(vacant) => *vacant = slot,
            None => self.services.push(slot),
        }
        self.meter_service(ix);
        self.connect_server(ix);
        self.note_lease(ix);
        if let Some(server) = &self.services[ix.0 as usize].server {
            server.listen_early();
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
                    Order::StepDown(stay_out) => {
                        self.note_stay_out(ix, stay_out);
                        Input::StepDownAsked(ix)
                    }
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
            Order::StepDown(stay_out) => self.check_step_down(ix, stay_out).map(|()| ix),
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
        // Orders in a loop must not make the manager look at ten thousand services each time.
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
            // It is not let come up.
            Announcement::StopStarted(ix) => {
                let error = OrderError::Overtaken(self.event_log.id(ix).to_string());
                self.answer_orders(ix, |order| (order == Order::Add).then(|| Err(error.clone())));
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
            Announcement::StopFinished(ix, outcome) | Announcement::StepDownFinished(ix, outcome) => {
                let id = self.event_log.id(ix).to_string();
                let steps_down = matches!(announcement, Announcement::StepDownFinished(..));
                let is_meant = |order: Order| match steps_down {
                    true => matches!(order, Order::StepDown(_)),
                    false => order == Order::Stop,
                };
                self.answer_orders(ix, |order| match outcome {
                    _ if !is_meant(order) => None,
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
                    Order::Stop | Order::Restart | Order::StepDown(_) => {
                        Some(Err(OrderError::Overtaken(service.clone())))
                    }
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

    /// Why what was added goes with what it depends on.
    pub(super) fn taken_along(&self, ix: ServiceIx) -> Option<String> {
        let depends_on = self.event_log.report().depends_on(self.event_log.id(ix));
        let leaves = |on: &&Name| self.place(on).is_some_and(|on| self.machine.leaves_for_good(on));
        let on = depends_on.iter().find(leaves)?;
        let last = self.place(on).and_then(|on| self.event_log.last_failure(on));
        let reason = last.map(|reason| format!(": {reason}")).unwrap_or_default();
        Some(format!("{on}, which it depends on, was taken back{reason}"))
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
