//! Ending actors: gently, then by force, and finding out who keeps a thread from obeying.
//!
//! A forced actor goes between two polls. If it does not, its thread is blocked, by itself or by another: the
//! watch of the thread tells who, and the thread is given up.

use std::time::Duration;

use super::account::Detail;
use super::shell::Shell;
use super::told::Tick;
use crate::error::Hold;
use crate::lifecycle::{Departure, Input, Kind, ResourceIx, ServiceIx};
use crate::supervision::{Tag, Thread};

/// How long a forced actor has, while there is time, to show that its thread is not blocked.
const FORCE_WAIT: Duration = Duration::from_millis(100);
/// The same, once there is no time.
const LAST_FORCE_WAIT: Duration = Duration::from_millis(20);

/// Somebody who was forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    Service(ServiceIx),
    Resource(ResourceIx),
}

impl Shell {
    pub(super) fn retire(&mut self, ix: ServiceIx) {
        match &mut self.service(ix).lives {
            Some(lives) => {
                lives.retiring = true;
                lives.links.control.retire();
            }
            // It was given up, and no other has taken its place.
            None => self.inputs.push_back((Input::Gone(ix, Departure::Dismissed), Detail::None)),
        }
    }

    pub(super) fn force(&mut self, ix: ServiceIx) {
        if self.service(ix).kind == Kind::Server {
            self.account.note_in_flight(ix, self.gauge.in_flight().unwrap_or_default());
        }
        if let Some(lives) = &self.service(ix).lives
            // One that was told to retire has done no wrong: it still sees its own end, if it can.
            && !lives.retiring
        {
            lives.signal.force();
            lives.links.control.force();
        }
        self.wait_for_forced(Forced::Service(ix));
    }

    pub(super) fn force_resource(&mut self, resource: ResourceIx) {
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
        if self.forcing.is_empty() {
            let left = self.to_force().unwrap_or(Duration::MAX);
            self.later((left / 2).clamp(LAST_FORCE_WAIT, FORCE_WAIT), Tick::ForceOver);
        }
        self.forcing.push(forced);
    }

    /// Those who have not shown that they are gone never will in time.
    pub(super) fn force_over(&mut self) {
        for forced in std::mem::take(&mut self.forcing) {
            self.give_up(forced);
        }
        self.feed_queued();
    }

    fn give_up(&mut self, forced: Forced) {
        let detail = Detail::Held(self.hold(forced));
        let input = match forced {
            Forced::Service(ix) => {
                if let Some(lives) = &self.service(ix).lives {
                    lives.links.control.force();
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
                let lives = self.services[ix.0 as usize].lives.as_ref()?;
                Some((&lives.thread, lives.tag))
            }
            Forced::Resource(resource) => {
                let service = &self.services[resource.service.0 as usize];
                let started = service.resources.get(resource.index as usize)?;
                Some((&started.thread, started.tag))
            }
        }
    }

    /// Who keeps a forced actor's thread from ending it.
    fn hold(&self, forced: Forced) -> Hold {
        let Some((thread, tag)) = self.thread(forced) else { return Hold::Unresponsive };
        match thread.watch().busy() {
            Some(busy) if busy.actor == tag => Hold::Blocking { lasted: busy.lasted },
            Some(busy) => match self.who(busy.actor) {
                Some(by) => Hold::Starved { by: by.to_string().into(), lasted: busy.lasted },
                None => Hold::Unresponsive,
            },
            None => Hold::Unresponsive,
        }
    }
}
