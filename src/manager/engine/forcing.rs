//! Ending actors: gently, then by force, and finding out who keeps a thread from obeying.
//!
//! A forced actor goes between two polls. If it does not, its thread is blocked, by itself or by another: the
//! watch of the thread tells who, and the thread is given up. A thread that polls nobody may only wait for the machine, and one
//! whose poll has begun since goes on: they are looked at again while there is time.

use std::time::Duration;

use super::forced_actors::Forced;
use super::inbox::TimerEvent;
use super::shell::Shell;
use crate::base::clock;
use crate::lifecycle::{Departure, Input, Kind, ResourceIx, ServiceIx};
use crate::manager::observe::event_log::Detail;
use crate::report::Hold;
use crate::supervision::{Busy, Tag, Thread};

/// How long a forced actor has, while there is time, to show that its thread is not blocked.
const FORCE_WAIT: Duration = Duration::from_millis(100);
/// The same, once there is no time.
const LAST_FORCE_WAIT: Duration = Duration::from_millis(20);
/// How often a thread that may go on is looked at again.
const MORE_LOOKS: u32 = 3;

/// A shorter poll blocks nobody: it may be the poll that ends the actor.
const SHORT_POLL: Duration = Duration::from_millis(10);

impl Shell {
    pub(crate) fn retire(&mut self, ix: ServiceIx) {
        match &mut self.service(ix).actor {
            Some(actor) => {
                actor.retiring = true;
                (actor.ended, actor.overdue) = (Some(clock::now()), None);
                actor.handle.control.retire();
            }
            // It was given up, and no other has taken its place.
            None => self.inputs.push_back((Input::Gone(ix, Departure::Dismissed), Detail::None)),
        }
    }

    pub(crate) fn force(&mut self, ix: ServiceIx) {
        if self.service(ix).kind == Kind::Server {
            self.event_log.note_in_flight(ix, self.gauge.in_flight().unwrap_or_default());
        }
        if let Some(server) = &self.service(ix).server {
            let in_flight = server.in_flight().unwrap_or_default();
            self.event_log.note_in_flight(ix, in_flight);
        }
        self.event_log.note_forced(ix);
        if let Some(actor) = &self.service(ix).actor
            // One that was told to retire has done no wrong: it still sees its own end, if it can.
            && !actor.retiring
        {
            actor.signal.force();
            actor.handle.control.force();
        }
        self.wait_for_forced(Forced::Service(ix));
    }

    pub(crate) fn force_resource(&mut self, resource: ResourceIx) {
        let started = self.resource(resource);
        started.signal.force();
        started.control.force();
        self.wait_for_forced(Forced::Resource(resource));
    }

    /// A forced end is acknowledged soon, or the thread is given up.
    fn wait_for_forced(&mut self, forced: Forced) {
        if self.thread(forced).is_some_and(|(thread, _)| thread.watch().is_blocked()) {
            self.give_up(forced);
            return;
        }
        if self.forcing.awaited.is_empty() {
            self.forcing.looks = 0;
            self.look_at_forced();
        }
        self.forcing.awaited.push(forced);
    }

    fn look_at_forced(&mut self) {
        let left = self.to_force().unwrap_or(Duration::MAX);
        self.forcing.wait = (left / 2).clamp(LAST_FORCE_WAIT, FORCE_WAIT);
        self.later(self.forcing.wait, TimerEvent::ForceWaitOver);
    }

    /// Actors that have not reported by now are treated as blocked, unless the machine itself is slow.
    pub(crate) fn on_force_wait_over(&mut self) {
        if self.put_off(TimerEvent::ForceWaitOver) {
            return;
        }
        let there_is_time = self.to_force().is_none_or(|left| left > 2 * LAST_FORCE_WAIT);
        let again = there_is_time && self.forcing.looks < MORE_LOOKS;
        for forced in std::mem::take(&mut self.forcing.awaited) {
            if again && may_go_on(&self.hold(forced), self.forcing.wait) {
                self.forcing.awaited.push(forced);
            } else {
                self.give_up(forced);
            }
        }
        if !self.forcing.awaited.is_empty() {
            self.forcing.looks += 1;
            self.look_at_forced();
        }
        self.feed_queued();
    }

    fn give_up(&mut self, forced: Forced) {
        let detail = Detail::Held(self.hold(forced));
        let input = match forced {
            Forced::Service(ix) => {
                if let Some(actor) = &self.service(ix).actor {
                    actor.handle.control.force();
                }
                Input::Gone(ix, Departure::Abandoned)
            }
            Forced::Resource(resource) => Input::ResourceGone(resource, Departure::Abandoned),
        };
        self.inputs.push_back((input, detail));
    }

    fn thread(&self, forced: Forced) -> Option<(&Thread, Tag)> {
        match forced {
            Forced::Service(ix) => {
                let actor = self.services[ix.0 as usize].actor.as_ref()?;
                Some((&actor.thread, actor.tag))
            }
            Forced::Resource(resource) => {
                let service = &self.services[resource.service.0 as usize];
                let started = service.resources.get(resource.index as usize)?;
                Some((&started.thread, started.tag))
            }
        }
    }

    /// Whether an actor that was brought to rest, and is not yet, may only be waiting for the machine.
    pub(crate) fn may_yet_go(&self, ix: ServiceIx) -> bool {
        may_go_on(&self.hold(Forced::Service(ix)), FORCE_WAIT)
    }

    /// The actor that blocks the thread of a forced one.
    fn hold(&self, forced: Forced) -> Hold {
        let Some((thread, tag)) = self.thread(forced) else { return Hold::Unresponsive };
        let busy = thread.watch().busy().map(|busy| {
            let absent = self.absence.within(busy.lasted, clock::now());
            Busy { lasted: busy.lasted - absent, ..busy }
        });
        match busy {
            Some(busy) if busy.lasted < SHORT_POLL => Hold::Unresponsive,
            Some(busy) if busy.actor == tag => Hold::Blocking { lasted: busy.lasted },
            Some(busy) => match self.label(busy.actor) {
                Some(by) => Hold::Starved { by: by.to_string().into(), lasted: busy.lasted },
                None => Hold::Unresponsive,
            },
            None => Hold::Unresponsive,
        }
    }
}

/// Whether the thread may yet end the actor: it polls nobody, or a poll that began after the wait did.
fn may_go_on(hold: &Hold, waited: Duration) -> bool {
    match hold {
        Hold::Unresponsive => true,
        Hold::Blocking { lasted } | Hold::Starved { lasted, .. } => *lasted < waited,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_a_poll_that_has_begun_since_the_end_was_forced_is_no_block() {
        let ms = Duration::from_millis;
        let starved = |lasted| Hold::Starved { by: "another".into(), lasted };
        for (hold, may) in [
            (Hold::Unresponsive, true),
            (Hold::Blocking { lasted: ms(10) }, true),
            (Hold::Blocking { lasted: ms(99) }, true),
            (Hold::Blocking { lasted: ms(100) }, false),
            (starved(ms(20)), true),
            (starved(ms(300)), false),
            (Hold::NotAsked, false),
        ] {
            assert_eq!(may_go_on(&hold, ms(100)), may, "{hold:?}");
        }
    }
}
