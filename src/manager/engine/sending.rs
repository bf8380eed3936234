//! Starting services and sending them and their resources their messages.

use std::sync::Arc;

use tracing::info_span;

use super::inbox::ManagerInput;
use super::service_slot::{RunningActor, ServiceSlot};
use super::shell::Shell;
use crate::base::ThreadError;
use crate::events::LifecycleEvent;
use crate::grpc::RegisterOnServer;
use crate::lifecycle::{Answer, Departure, Input, Kind, ResourceIx, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::report::ConfigError;
use crate::service::{Deadlines, Registry, Release, Resources, Role, Run, Setup, Shutdown, ShutdownSignal};
use crate::supervision::{Request, Tag};

impl Shell {
    pub(crate) fn send(&mut self, ix: ServiceIx, step: Step) {
        if let Err(error) = self.start_once(ix) {
            let error = ConfigError::from(error);
            let text = error.to_string().into();
            let detail = Detail::Error(Arc::new(error), text);
            self.inputs.push_back((Input::Answered(ix, step, Answer::Error), detail));
            self.inputs.push_back((Input::Gone(ix, Departure::Ended), Detail::None));
            return;
        }
        if step == Step::Shutdown && self.service(ix).kind == Kind::Server {
            self.emit_calls_in_flight();
        }
        let request = self.request(ix, step);
        #[cfg(feature = "testing")]
        let request = request.map(|request| self.spoiled(ix, step, request));
        let sender = self.sender.clone();
        let (Some(request), Some(actor)) = (request, &mut self.service(ix).actor) else { return };
        let generation = actor.generation;
        let reply = move |reply| sender.send(ManagerInput::Answered(ix, generation, step, reply));
        match std::mem::take(&mut actor.rests) {
            true => actor.handle.control.restart(request, reply),
            false => actor.handle.control.ask(request, reply),
        }
    }

    /// The gRPC server is about to drain.
    fn emit_calls_in_flight(&mut self) {
        if let Some(in_flight) = self.gauge.in_flight().filter(|in_flight| in_flight.open() > 0) {
            self.event_log.emit(LifecycleEvent::CallsInFlight { in_flight });
        }
    }

    /// The first message starts the actor.
    fn start_once(&mut self, ix: ServiceIx) -> Result<(), ThreadError> {
        let pool = Arc::clone(&self.service_threads);
        let (generation, sender) = (self.generation.take(), self.sender.clone());
        let slot = self.service(ix);
        let Some(start) = slot.start.take() else { return Ok(()) };
        let thread = if slot.dedicated { pool.dedicated()? } else { pool.shared(ix.0 as usize)? };
        let tag = Tag::next();
        let id = slot.id.clone();
        // What is logged beside the server's calls is theirs.
        let span = match slot.kind {
            Kind::Server => None,
            _ => pool.span(move || info_span!(target: "majordomo", parent: None, "service", service = %id)),
        };
        let notices = Box::new(move |notice| sender.send(ManagerInput::Service(ix, generation, notice)));
        let handle = start(&thread, tag, notices, span);
        self.service(ix).thread = Some(Arc::clone(&thread));
        let (deadlines, signal) = self.begin_life(ix);
        let actor = RunningActor {
            tag,
            thread,
            handle,
            generation,
            deadlines,
            signal,
            retiring: false,
            ended: None,
            overdue: None,
            rests: false,
        };
        self.service(ix).actor = Some(actor);
        Ok(())
    }

    /// An actor that rests is started again, with the first message that follows.
    pub(crate) fn restart(&mut self, ix: ServiceIx) {
        self.event_log.begin_life(ix);
        self.forget_resources(ix);
        self.set_timer(ix, None);
        if self.service(ix).actor.is_none() {
            // Another actor takes its place, which is started by that message.
            return;
        }
        let (deadlines, signal) = self.begin_life(ix);
        if let Some(actor) = &mut self.service(ix).actor {
            (actor.deadlines, actor.signal) = (deadlines, signal);
            (actor.rests, actor.ended, actor.overdue) = (true, None, None);
        }
    }

    /// The resources of a life that is over, and the threads that were theirs alone.
    fn forget_resources(&mut self, ix: ServiceIx) {
        for started in std::mem::take(&mut self.service(ix).resources) {
            self.resource_threads.let_go(&started.thread);
        }
    }

    /// A service that has left for good leaves nothing behind.
    pub(crate) fn forget(&mut self, ix: ServiceIx) {
        let id = self.service(ix).id.clone();
        self.orders.forget(&id);
        self.provided.forget(&id);
        self.set_timer(ix, None);
        self.forget_resources(ix);
        let Some(thread) = self.service(ix).thread.take() else { return };
        let tag = self.service(ix).actor.as_ref().map(|actor| actor.tag);
        match tag.filter(|tag| thread.watch().lasted(*tag).is_some()) {
            // It blocks its thread still, and is watched until it does no longer.
            Some(tag) => self.watchdog.keep_blocked(tag, thread),
            None => self.service_threads.let_go(&thread),
        }
    }

    /// A life has a signal and resources of its own.
    fn begin_life(&mut self, ix: ServiceIx) -> (Arc<Deadlines>, ShutdownSignal) {
        let (life, sender) = (self.generation.take(), self.sender.clone());
        let deadlines = self.limits.another();
        self.provided.forget(&self.services[ix.0 as usize].id);
        let registry = Registry::new(
            self.service(ix).id.clone(),
            ix.0 as usize,
            Arc::clone(&self.resource_threads),
            Arc::clone(&deadlines),
            self.provided.clone(),
            move |index, told| {
                sender.send(ManagerInput::Resource(ResourceIx { service: ix, index }, life, told))
            },
        );
        let slot = self.service(ix);
        slot.life = life;
        slot.registry = Some(Arc::new(registry));
        let signal = ShutdownSignal::new(Arc::clone(&deadlines), Role::Service);
        (deadlines, signal)
    }

    /// The message of a step, made where it is received: spans are the user's code.
    fn request(&mut self, ix: ServiceIx, step: Step) -> Option<Request> {
        let registrar = self.registrar.clone();
        let spans = self.spans.clone();
        let ServiceSlot { id, actor, registry, .. } = self.service(ix);
        let actor = actor.as_ref()?;
        let (id, shutdown) = (id.clone(), actor.signal.clone());
        let resources = Resources::new(Arc::clone(registry.as_ref()?));
        let to = &actor.handle.routes;
        match step {
            Step::Register => {
                let registrar = registrar.on_behalf_of(&id);
                let server = registrar.clone();
                let message = move || {
                    let span = spans.span(&id, step);
                    RegisterOnServer { server, shutdown, span }
                };
                let register = to.register(Box::new(message))?;
                Some(Box::new(move |lane| {
                    let answer = register(lane);
                    Box::pin(async move { Ok(answer.await?.and_then(|()| Ok(registrar.check()?))) })
                }))
            }
            Step::Setup => {
                let message = move || {
                    let span = spans.span(&id, step);
                    Setup { resources, shutdown, span }
                };
                Some(to.setup(Box::new(message)))
            }
            Step::Run => {
                let message = move || {
                    let span = spans.span(&id, step);
                    Run { resources, shutdown, span }
                };
                to.run(Box::new(message))
            }
            Step::Shutdown => to.shutdown(Box::new(move || Shutdown { shutdown })),
        }
    }

    pub(crate) fn release(&mut self, resource: ResourceIx) {
        let sender = self.sender.clone();
        let life = self.service(resource.service).life;
        let started = self.resource(resource);
        let to = Arc::clone(&started);
        let request: Request = Box::new(move |_| {
            let shutdown = to.signal.clone();
            Box::pin(to.release.send(Release { shutdown }))
        });
        #[cfg(feature = "testing")]
        let request = self.spoiled_release(resource, request);
        started
            .control
            .ask_last(request, move |reply| sender.send(ManagerInput::Released(resource, life, reply)));
    }
}
