//! The lives of a service. Each has a signal, and resources, of its own.
//!
//! ```text
//!   start ---> begin ---> leave, then begin ---> ...         by order: the actor rests, and is started with the next message
//!                         leave, then enter ---> ...         by permit: the actor has begun it (`permits.rs`)
//! ```

use std::sync::Arc;

use super::inbox::ManagerInput;
use super::service_slot::ServiceLife;
use super::shell::Shell;
use crate::lifecycle::{Input, ResourceIx, ServiceIx};
use crate::manager::observe::event_log::Detail;
use crate::service::{Registry, Role, ShutdownSignal};

impl Shell {
    /// An actor that rests is started again, with the first message that follows.
    pub(crate) fn restart(&mut self, ix: ServiceIx) {
        self.leave_life(ix);
        if self.service(ix).actor.is_none() {
            // Another actor takes its place, which is started by that message.
            return;
        }
        let life = self.begin_life(ix);
        self.enter_life(ix, life);
        if let Some(actor) = &mut self.service(ix).actor {
            actor.rests = true;
        }
    }

    /// A life that is made for now: what the one before it provided does not count any more.
    pub(super) fn begin_life(&mut self, ix: ServiceIx) -> ServiceLife {
        self.provided.forget(&self.services[ix.0 as usize].id);
        self.prepare_life(ix)
    }

    /// A life that has not begun.
    pub(super) fn prepare_life(&mut self, ix: ServiceIx) -> ServiceLife {
        let (generation, sender) = (self.generation.take(), self.sender.clone());
        let deadlines = self.limits.another();
        let registry = Registry::new(
            self.service(ix).id.clone(),
            ix.0 as usize,
            Arc::clone(&self.resource_threads),
            Arc::clone(&deadlines),
            self.provided.clone(),
            move |index, told| {
                sender.send_now(ManagerInput::Resource(ResourceIx { service: ix, index }, generation, told))
            },
        );
        let registry = registry.with_epoch(self.services[ix.0 as usize].epoch());
        let signal = ShutdownSignal::new(Arc::clone(&deadlines), Role::Service);
        ServiceLife { generation, deadlines, signal, registry: Arc::new(registry) }
    }

    /// What was of a life goes with it.
    pub(super) fn leave_life(&mut self, ix: ServiceIx) {
        self.event_log.begin_life(ix);
        self.forget_resources(ix);
        self.set_timer(ix, None);
    }

    pub(super) fn enter_life(&mut self, ix: ServiceIx, life: ServiceLife) {
        let ServiceLife { generation, deadlines, signal, registry } = life;
        let slot = self.service(ix);
        (slot.life, slot.registry) = (generation, Some(registry));
        if let Some(actor) = &mut slot.actor {
            (actor.deadlines, actor.signal) = (deadlines, signal);
            (actor.ended, actor.overdue) = (None, None);
        }
    }

    /// The resources of a life that is over, and the threads that were theirs alone.
    pub(super) fn forget_resources(&mut self, ix: ServiceIx) {
        for started in std::mem::take(&mut self.service(ix).resources) {
            self.resource_threads.let_go(&started.thread);
        }
    }

    pub(super) fn close_resources(&mut self, ix: ServiceIx) {
        if let Some(registry) = self.service(ix).registry.clone() {
            registry.close();
            self.learn_of_resources(ix);
        }
        self.inputs.push_back((Input::ResourcesClosed(ix), Detail::None));
    }

    /// Tells the rules of resources that they have not heard of.
    pub(super) fn learn_of_resources(&mut self, ix: ServiceIx) {
        let Some(registry) = self.service(ix).registry.clone() else { return };
        for started in registry.untold() {
            self.event_log.name_resource(ix, started.name.clone());
            self.service(ix).resources.push(started);
            self.inputs.push_back((Input::ResourceStarted(ix), Detail::None));
        }
    }
}
