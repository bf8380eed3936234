//! What becomes of a service whose thread's actix system is stopped by code that lives there.
//!
//! It has failed, and is not started again; the manager shuts down. The thread goes on, so that all on it is stopped in order and gives
//! back what it has.

use std::sync::Arc;

use super::shell::Shell;
use crate::events::Name;
use crate::lifecycle::{Input, ResourceIx, ServiceIx, Stage};
use crate::manager::observe::actor_label::ActorLabel;
use crate::manager::observe::event_log::Detail;
use crate::report::ForeignStopError;
use crate::supervision::ForeignStop;

impl Shell {
    pub(crate) fn on_foreign_stop(&mut self, stop: ForeignStop) {
        let mut suspects: Vec<ActorLabel> = stop.polled.iter().filter_map(|&tag| self.label(tag)).collect();
        if suspects.is_empty() {
            suspects = self.living_on(&stop.thread);
        }
        let names: Vec<Name> = suspects.iter().map(|who| who.to_string().into()).collect();
        if let Some((input, ix)) = suspects.first().and_then(|who| self.failure_of(who)) {
            let or = names[1..].to_vec();
            let error = ForeignStopError { thread: stop.thread, or };
            let text = error.to_string().into();
            self.revoke_permit(ix);
            self.machine.lost_its_thread(ix);
            self.feed(input, Detail::Error(Arc::new(error), text));
        }
        // Also where whoever did it was not needed any more.
        if self.stage() < Stage::Stopping {
            self.feed(Input::ShutdownAsked, Detail::None);
        }
    }

    fn failure_of(&self, who: &ActorLabel) -> Option<(Input, ServiceIx)> {
        let at = self.services.iter().position(|slot| slot.id == who.service)?;
        let ix = ServiceIx(at as u32);
        let Some(name) = &who.resource else { return Some((Input::Panicked(ix), ix)) };
        let index = self.services[at].resources.iter().position(|started| started.name == *name)?;
        Some((Input::ResourcePanicked(ResourceIx { service: ix, index: index as u32 }), ix))
    }

    /// The actors that live on a thread of this name.
    fn living_on(&self, thread: &str) -> Vec<ActorLabel> {
        let mut living = Vec::new();
        for slot in &self.services {
            living.extend(slot.label().filter(|who| &*who.thread == thread));
            living.extend(slot.resource_labels().filter(|who| &*who.thread == thread));
        }
        living
    }
}
