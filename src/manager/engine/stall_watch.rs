//! Looking at threads: which actors are stuck, and which suffer from it.

use std::sync::Arc;
use std::time::Duration;

use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::base::monotonic::now;
use crate::events::{LifecycleEvent, Name, Stall};
use crate::lifecycle::{Departure, Input, LongPoll, ServiceIx, StallChange, StallKind};
use crate::manager::observe::actor_label::ActorLabel;
use crate::manager::observe::event_log::{Detail, Subject};
use crate::report::StuckError;
use crate::supervision::{Busy, Thread};

impl Shell {
    /// Time for a look at the threads.
    pub(crate) fn look_at_threads(&mut self) {
        let Some(limit) = self.watchdog.limit else { return };
        loop {
            let busy = self.busy_for(limit / 2);
            let now = now();
            let polls = busy.iter().filter_map(|(thread, busy)| self.long_poll(thread, *busy, limit));
            let polls: Vec<_> = polls.collect();
            for change in self.watchdog.stalls.look(now, &polls) {
                self.emit_stall(change, false);
            }
            self.replace_stuck(&busy);
            self.let_go_of_free_ones();
            // A stall that is over before its thread was noted would never be reported.
            busy.iter().for_each(|(thread, _)| thread.watch().note());
            let goes_on = |(thread, before): &(Arc<Thread>, Busy)| {
                thread.watch().busy().is_some_and(|busy| busy.began == before.began)
            };
            if busy.iter().all(goes_on) {
                return;
            }
        }
    }

    /// Ends the watchdog.
    pub(crate) fn close_stalls(&mut self) {
        for change in self.watchdog.stalls.close(now()) {
            // An actor that is still stuck when the watchdog ends is reported so.
            let goes_on = self.blocks_its_thread(&change);
            self.emit_stall(change, goes_on);
        }
    }

    /// Whether the one that is stuck, or that another waits for, still blocks a thread.
    fn blocks_its_thread(&self, change: &StallChange<ActorLabel>) -> bool {
        let culprit = match &change.kind {
            StallKind::Stuck => &change.who,
            StallKind::Starved(by) | StallKind::Waiting(by) => by,
        };
        let busy = self.busy_for(Duration::ZERO);
        busy.iter().any(|(_, busy)| culprit.tag == Some(busy.actor))
    }

    /// Services that are stuck for longer than they allow fail, and are started again elsewhere.
    fn replace_stuck(&mut self, busy: &[(Arc<Thread>, Busy)]) {
        for (thread, busy) in busy {
            let is_stuck = |slot: &ServiceSlot| {
                slot.actor.as_ref().is_some_and(|actor| actor.tag == busy.actor)
                    && slot.replacement.as_ref().is_some_and(|replacement| busy.lasted >= replacement.limit)
            };
            let Some(at) = self.services.iter().position(is_stuck) else { continue };
            let ix = ServiceIx(at as u32);
            if self.machine.is_replaceable(ix) {
                let thread = thread.name().unwrap_or_else(|| "its thread".into());
                self.replace(ix, busy.lasted, thread);
            }
        }
    }

    /// To the rules it is as if the actor had ended, and could be started again.
    fn replace(&mut self, ix: ServiceIx, lasted: Duration, thread: Name) {
        let slot = self.service(ix);
        let (Some(actor), Some(replacement)) = (slot.actor.take(), &slot.replacement) else { return };
        actor.deadlines.request();
        actor.signal.force();
        // It goes as soon as its poll returns.
        actor.handle.control.force();
        let limit = replacement.limit;
        slot.start = Some((replacement.start)());
        slot.thread = None;
        slot.dedicated = true;
        self.watchdog.left.push((actor.tag, actor.thread));
        self.forget_restarts(ix);
        let stuck = StuckError { lasted, limit, thread };
        self.feed(Input::Suspended(ix, Departure::Ended), Detail::Stuck(stuck));
    }

    /// A thread that was given up, and has come back, is of no use to anybody.
    fn let_go_of_free_ones(&mut self) {
        let pool = &self.service_threads;
        self.watchdog.left.retain(|(tag, thread)| {
            let blocked = thread.watch().busy().is_some_and(|busy| busy.actor == *tag);
            if !blocked {
                pool.let_go(thread);
            }
            blocked
        });
    }

    /// The threads with a poll that has lasted so long.
    pub(super) fn busy_for(&self, long: Duration) -> Vec<(Arc<Thread>, Busy)> {
        let threads = [&self.service_threads, &self.resource_threads].map(|pool| pool.threads());
        let busy = threads.into_iter().flatten().filter_map(|thread| {
            let busy = thread.watch().busy()?;
            Some((thread, busy))
        });
        busy.filter(|(_, busy)| busy.lasted >= long).collect()
    }

    fn long_poll(&self, thread: &Arc<Thread>, busy: Busy, limit: Duration) -> Option<LongPoll<ActorLabel>> {
        // One that was given up is not in its place any more, but it is stuck all the same.
        let known = || self.watchdog.stalls.stuck().find(|who| who.tag == Some(busy.actor)).cloned();
        let who = self.label(busy.actor).or_else(known)?;
        let mut behind = self.woken_on(thread);
        behind.retain(|who| who.tag != Some(busy.actor));
        let awaited_by = if busy.lasted < limit { Vec::new() } else { self.waiting_on(&who) };
        Some(LongPoll { began: busy.began, behind, awaited_by, who })
    }

    fn waiting_on(&self, who: &ActorLabel) -> Vec<ActorLabel> {
        let Some(ix) = self.place(&who.service) else { return Vec::new() };
        self.machine.waiting_on(ix).into_iter().map(|ix| self.label_of(ix)).collect()
    }

    fn emit_stall(&mut self, change: StallChange<ActorLabel>, goes_on: bool) {
        let StallChange { who, kind, lasted, over } = change;
        let stall = match kind {
            StallKind::Stuck => Stall::Stuck { doing: self.doing(&who), thread: who.thread.clone() },
            StallKind::Starved(by) => Stall::Starved { by: by.to_string().into() },
            StallKind::Waiting(on) => Stall::Waiting { on: on.to_string().into() },
        };
        let ActorLabel { service, resource, .. } = who;
        self.event_log.emit(match over {
            false => LifecycleEvent::StallStarted { service, resource, stall, lasted },
            true => LifecycleEvent::StallFinished { service, resource, stall, lasted, goes_on },
        });
    }

    /// The step that somebody owes an answer for: the latest, where there are several.
    fn doing(&self, who: &ActorLabel) -> &'static str {
        let is = |subject: &Subject| match *subject {
            Subject::Service(ix, _) => who.resource.is_none() && *self.event_log.id(ix) == who.service,
            Subject::Resource(resource) => {
                *self.event_log.id(resource.service) == who.service
                    && who.resource.as_ref() == Some(self.event_log.resource_name(resource))
            }
        };
        let open = self.event_log.open();
        open.iter()
            .rev()
            .map(|(subject, _)| *subject)
            .find(is)
            .map_or("its messages", |subject| subject.activity().name())
    }

    fn label_of(&self, ix: ServiceIx) -> ActorLabel {
        let slot = &self.services[ix.0 as usize];
        // A service that was never started has no actor yet; its slot stands for it.
        slot.label().unwrap_or_else(|| ActorLabel::not_started(&slot.id))
    }
}
