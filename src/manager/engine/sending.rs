//! Starting services and sending them and their resources their messages.

use std::sync::Arc;

use tracing::info_span;

use super::inbox::ManagerInput;
use super::permits::NoticeCount;
use super::service_slot::{RunningActor, ServiceSlot};
use super::shell::Shell;
use crate::base::ThreadError;
use crate::events::LifecycleEvent;
use crate::grpc::RegisterOnServer;
use crate::lifecycle::{Answer, Departure, Input, Kind, ResourceIx, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::report::ConfigError;
use crate::service::{Registry, Release, Resources, Run, Setup, Shutdown, ShutdownSignal};
use crate::supervision::{Reply, Request, Tag};

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
        let slot = &self.services[ix.0 as usize];
        let (Some(actor), Some(registry)) = (&slot.actor, &slot.registry) else { return };
        let request = self.request(ix, step, &actor.signal, registry);
        #[cfg(feature = "testing")]
        let request = request.map(|request| self.spoiled(ix, step, request));
        let (Some(request), Some(reply)) = (request, self.reply_to(ix, step)) else { return };
        let Some(actor) = &mut self.service(ix).actor else { return };
        match std::mem::take(&mut actor.rests) {
            true => actor.handle.control.restart(request, reply),
            false => actor.handle.control.ask(request, reply),
        }
    }

    /// What becomes of the answer to a message.
    pub(super) fn reply_to(&self, ix: ServiceIx, step: Step) -> Option<impl FnOnce(Reply) + Send + use<>> {
        let actor = self.services[ix.0 as usize].actor.as_ref()?;
        let (sender, generation, notices) = (self.sender.clone(), actor.generation, actor.notices.clone());
        Some(move |reply| {
            if let Some(notices) = notices {
                notices.note_told();
            }
            sender.send(ManagerInput::Answered(ix, generation, step, reply));
        })
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
        let generation = self.generation.take();
        let slot = self.service(ix);
        let Some(start) = slot.start.take() else { return Ok(()) };
        let notices = slot.restarts.policy().is_at_once().then(Arc::<NoticeCount>::default);
        let thread = if slot.dedicated { pool.dedicated()? } else { pool.shared(ix.0 as usize)? };
        let tag = Tag::next();
        let id = slot.id.clone();
        // What is logged beside the server's calls is theirs.
        let span = match slot.kind {
            Kind::Server => None,
            _ => pool.span(move || info_span!(target: "majordomo", parent: None, "service", service = %id)),
        };
        let handle = start(&thread, tag, self.observer(ix, generation, notices.clone()), span);
        self.service(ix).thread = Some(Arc::clone(&thread));
        let life = self.begin_life(ix);
        let actor = RunningActor {
            tag,
            thread,
            handle,
            generation,
            notices,
            deadlines: Arc::clone(&life.deadlines),
            signal: life.signal.clone(),
            retiring: false,
            ended: None,
            overdue: None,
            rests: false,
        };
        self.service(ix).actor = Some(actor);
        self.enter_life(ix, life);
        Ok(())
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

    /// The message of a step in the life of this signal and these resources, made where it is received: spans are the user's code.
    pub(super) fn request(
        &self,
        ix: ServiceIx,
        step: Step,
        signal: &ShutdownSignal,
        registry: &Arc<Registry>,
    ) -> Option<Request> {
        let registrar = self.registrar.clone();
        let spans = self.spans.clone();
        let ServiceSlot { id, actor, .. } = &self.services[ix.0 as usize];
        let actor = actor.as_ref()?;
        let (id, shutdown) = (id.clone(), signal.clone());
        let resources = Resources::new(Arc::clone(registry));
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
