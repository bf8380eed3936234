//! Watching for actors that are stuck, and for those who suffer from it.
//!
//! ```text
//!   asleep, alarm armed --a poll rings--> looks, four times within the limit --nothing polled, twice--> asleep, alarm armed
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::account::{Whom, doing};
use super::shell::Shell;
use super::told::{Home, Tick, Told};
use super::who::Who;
use crate::events::{LifecycleEvent, Stall};
use crate::lifecycle::{LongPoll, ServiceIx, StallChange, StallKind, Stalls};
use crate::supervision::{Alarm, Busy, Thread, now};

/// The watchdog of a manager.
pub(super) struct Watchdog {
    /// How long a poll may last; `None`: as long as it likes.
    limit: Option<Duration>,
    alarm: Arc<Alarm>,
    /// Whether there will be another look.
    looks: bool,
    stalls: Stalls<Who>,
}

impl Watchdog {
    pub(super) fn new(limit: Option<Duration>, home: &Home) -> Self {
        let alarm = match limit {
            Some(_) => {
                let home = home.clone();
                Alarm::new(move || home.tell(Told::Tick(Tick::Rung)))
            }
            None => Alarm::silent(),
        };
        let stalls = Stalls::new(limit.unwrap_or(Duration::MAX));
        Self { limit, alarm: Arc::new(alarm), looks: false, stalls }
    }

    /// What polls ring.
    pub(super) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }
}

impl Shell {
    /// Something is polled, after nothing was.
    pub(super) fn rung(&mut self) {
        if let Some(limit) = self.watchdog.limit
            && !std::mem::replace(&mut self.watchdog.looks, true)
        {
            self.later(limit / 4, Tick::Look);
        }
    }

    /// Time for a look at the threads.
    pub(super) fn look(&mut self) {
        let Some(limit) = self.watchdog.limit else { return };
        let (busy, long) = self.polls(limit);
        let now = now();
        for change in self.watchdog.stalls.look(now, &long) {
            self.tell_stall(change);
        }
        self.watchdog.looks = busy || !self.watchdog.alarm.is_armed();
        if self.watchdog.looks {
            if !busy {
                // Whatever begins just now may miss it, and is seen by one more look.
                self.watchdog.alarm.arm();
            }
            self.later(limit / 4, Tick::Look);
        }
    }

    /// Whether anything is being polled, and what has been for long.
    fn polls(&self, limit: Duration) -> (bool, Vec<LongPoll<Who>>) {
        let threads = [&self.service_threads, &self.resource_threads].map(|pool| pool.threads());
        let polls = threads.iter().flatten().filter_map(|thread| Some((thread, thread.watch().busy()?)));
        let polls: Vec<_> = polls.collect();
        let long = polls.iter().filter(|(_, busy)| busy.lasted >= limit / 2);
        (!polls.is_empty(), long.filter_map(|(thread, busy)| self.long_poll(thread, *busy, limit)).collect())
    }

    fn long_poll(&self, thread: &Arc<Thread>, busy: Busy, limit: Duration) -> Option<LongPoll<Who>> {
        // One that was given up is not in its place any more, but it is stuck all the same.
        let known = || self.watchdog.stalls.stuck().find(|who| who.tag == Some(busy.actor)).cloned();
        let who = self.who(busy.actor).or_else(known)?;
        let mut behind = self.woken_on(thread);
        behind.retain(|who| who.tag != Some(busy.actor));
        let awaited_by = if busy.lasted < limit { Vec::new() } else { self.waiting_on(&who) };
        Some(LongPoll { began: busy.began, behind, awaited_by, who })
    }

    fn waiting_on(&self, who: &Who) -> Vec<Who> {
        let Some(ix) = self.place(&who.service) else { return Vec::new() };
        self.machine.waiting_on(ix).into_iter().map(|ix| self.who_is(ix)).collect()
    }

    fn tell_stall(&mut self, change: StallChange<Who>) {
        let StallChange { who, kind, lasted, over } = change;
        let stall = match kind {
            StallKind::Stuck => Stall::Stuck { doing: self.doing(&who), thread: who.thread.clone() },
            StallKind::Starved(by) => Stall::Starved { by: by.to_string().into() },
            StallKind::Waiting(on) => Stall::Waiting { on: on.to_string().into() },
        };
        let Who { service, resource, .. } = who;
        self.account.emit(match over {
            false => LifecycleEvent::StallStarted { service, resource, stall, lasted },
            true => LifecycleEvent::StallFinished { service, resource, stall, lasted },
        });
    }

    /// The step that somebody owes an answer for: the latest, where there are several.
    fn doing(&self, who: &Who) -> &'static str {
        let is = |whom: &Whom| match *whom {
            Whom::Service(ix, _) => who.resource.is_none() && *self.account.id(ix) == who.service,
            Whom::Resource(resource) => {
                *self.account.id(resource.service) == who.service
                    && who.resource.as_ref() == Some(self.account.resource_name(resource))
            }
        };
        let open = self.account.open();
        open.iter().rev().map(|(whom, _)| *whom).find(is).map_or("its messages", doing)
    }

    fn who_is(&self, ix: ServiceIx) -> Who {
        let seat = &self.services[ix.0 as usize];
        // Whoever waits to be started for the first time has no actor yet; its place stands for it.
        seat.who().unwrap_or_else(|| Who::unborn(&seat.id))
    }
}
