//! Starting services and sending them and their resources their messages.

use std::sync::Arc;

use tracing::info_span;

use super::inbox::Told;
use super::service_slot::{Lives, Seat};
use super::shell::Shell;
use crate::base::ThreadError;
use crate::events::LifecycleEvent;
use crate::grpc::RegisterOnServer;
use crate::lifecycle::{Answer, Departure, Input, Kind, ResourceIx, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::report::ConfigError;
use crate::service::{Asking, Deadlines, Registry, Release, Resources, Run, Setup, Shutdown, ShutdownSignal};
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
            self.tell_in_flight();
        }
        let request = self.request(ix, step);
        #[cfg(feature = "testing")]
        let request = request.map(|request| self.spoiled(ix, step, request));
        let home = self.home.clone();
        let (Some(request), Some(lives)) = (request, &mut self.service(ix).lives) else { return };
        let actor = lives.actor;
        let reply = move |reply| home.tell(Told::Answered(ix, actor, step, reply));
        match std::mem::take(&mut lives.rests) {
            true => lives.links.control.restart(request, reply),
            false => lives.links.control.ask(request, reply),
        }
    }

    /// The gRPC server is about to drain.
    fn tell_in_flight(&mut self) {
        if let Some(in_flight) = self.gauge.in_flight().filter(|in_flight| in_flight.open() > 0) {
            self.account.emit(LifecycleEvent::CallsInFlight { in_flight });
        }
    }

    /// The first message starts the actor.
    fn start_once(&mut self, ix: ServiceIx) -> Result<(), ThreadError> {
        let pool = Arc::clone(&self.service_threads);
        let (actor, home) = (self.turn.take(), self.home.clone());
        let seat = self.service(ix);
        let Some(start) = seat.start.take() else { return Ok(()) };
        let thread = if seat.dedicated { pool.dedicated()? } else { pool.shared(ix.0 as usize)? };
        let tag = Tag::next();
        let id = seat.id.clone();
        // What is logged beside the server's calls is theirs.
        let span = match seat.kind {
            Kind::Server => None,
            _ => pool.span(move || info_span!(target: "majordomo", parent: None, "service", service = %id)),
        };
        let notices = Box::new(move |notice| home.tell(Told::Service(ix, actor, notice)));
        let links = start(&thread, tag, notices, span);
        self.service(ix).thread = Some(Arc::clone(&thread));
        let (deadlines, signal) = self.begin_life(ix);
        let (retiring, rests, ended, overdue) = (false, false, None, None);
        let lives = Lives { tag, thread, links, actor, deadlines, signal, retiring, ended, overdue, rests };
        self.service(ix).lives = Some(lives);
        Ok(())
    }

    /// An actor that rests is started again, with the first message that follows.
    pub(crate) fn restart(&mut self, ix: ServiceIx) {
        self.account.begin_life(ix);
        self.forget_resources(ix);
        self.set_timer(ix, None);
        if self.service(ix).lives.is_none() {
            // Another actor takes its place, which is started by that message.
            return;
        }
        let (deadlines, signal) = self.begin_life(ix);
        if let Some(lives) = &mut self.service(ix).lives {
            (lives.deadlines, lives.signal) = (deadlines, signal);
            (lives.rests, lives.ended, lives.overdue) = (true, None, None);
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
        self.set_timer(ix, None);
        self.forget_resources(ix);
        let Some(thread) = self.service(ix).thread.take() else { return };
        let tag = self.service(ix).lives.as_ref().map(|lives| lives.tag);
        match tag.filter(|tag| thread.watch().lasted(*tag).is_some()) {
            // It blocks its thread still, and is watched until it does no longer.
            Some(tag) => self.watchdog.leave_behind(tag, thread),
            None => self.service_threads.let_go(&thread),
        }
    }

    /// A life has a signal and resources of its own.
    fn begin_life(&mut self, ix: ServiceIx) -> (Arc<Deadlines>, ShutdownSignal) {
        let (life, home) = (self.turn.take(), self.home.clone());
        let deadlines = self.limits.another();
        let registry = Registry::new(
            self.service(ix).id.clone(),
            ix.0 as usize,
            Arc::clone(&self.resource_threads),
            Arc::clone(&deadlines),
            move |index, told| home.tell(Told::Resource(ResourceIx { service: ix, index }, life, told)),
        );
        let seat = self.service(ix);
        seat.life = life;
        seat.registry = Some(Arc::new(registry));
        let signal = ShutdownSignal::new(Arc::clone(&deadlines), Asking::Service);
        (deadlines, signal)
    }

    /// The message of a step, made where it is received: spans are the user's code.
    fn request(&mut self, ix: ServiceIx, step: Step) -> Option<Request> {
        let registrar = self.registrar.clone();
        let spans = self.spans.clone();
        let Seat { id, lives, registry, .. } = self.service(ix);
        let lives = lives.as_ref()?;
        let (id, shutdown) = (id.clone(), lives.signal.clone());
        let resources = Resources::new(Arc::clone(registry.as_ref()?));
        let to = &lives.links.to;
        match step {
            Step::Register => {
                let registrar = registrar.on_behalf_of(&id);
                let server = registrar.clone();
                let register = to.register(Box::new(move || RegisterOnServer { server }))?;
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
        let home = self.home.clone();
        let life = self.service(resource.service).life;
        let started = self.resource(resource);
        let to = Arc::clone(&started);
        let request: Request = Box::new(move |_| {
            let shutdown = to.signal.clone();
            Box::pin(to.release.send(Release { shutdown }))
        });
        #[cfg(feature = "testing")]
        let request = self.spoiled_release(resource, request);
        started.control.ask_last(request, move |reply| home.tell(Told::Released(resource, life, reply)));
    }
}
