//! The shell around the rules: what actors, timers and signals tell goes in as an input, and what comes out
//! as a command becomes a message.
//!
//! No rule of order is decided here. What is: which thread an actor lives on, how long a forced end waits
//! for its acknowledgement, and who blocks whom.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Message, Recipient};
use tokio::task::AbortHandle;

use super::account::{Account, Detail};
use super::candidate::{Candidate, Links, Start};
use super::log::Spans;
use super::told::{Home, Tick, Told};
use crate::error::{BoxError, ConfigError, Hold};
use crate::events::{LifecycleEvent, Name};
use crate::grpc::{GrpcRegistrar, RegisterOnServer};
use crate::lifecycle::{
    Announcement, Answer, Budget, Command, Departure, Input, Kind, Machine, ResourceIx, ServiceIx, Stage,
    Step,
};
use crate::service::{
    Asking, Deadlines, Registry, Release, Resources, Run, Setup, Shutdown, ShutdownSignal, Started,
    Told as ToldOf,
};
use crate::supervision::{Gone, Notice, Pool, Reply, Request, Tag, Thread};

/// How long a forced actor has, while there is time, to show that its thread is not blocked.
const FORCE_WAIT: Duration = Duration::from_millis(100);
/// The same, once there is no time.
const LAST_FORCE_WAIT: Duration = Duration::from_millis(20);
/// The moment that resources get which were never asked before the deadline.
const LAST_CALL: Duration = Duration::from_millis(30);

/// A manager at work.
pub(super) struct Shell {
    home: Home,
    machine: Machine,
    pub(super) account: Account,
    services: Vec<Service>,
    budget: Budget,
    deadlines: Arc<Deadlines>,
    registrar: GrpcRegistrar,
    spans: Spans,
    service_threads: Arc<Pool>,
    resource_threads: Arc<Pool>,
    timers: Vec<AbortHandle>,
    inputs: VecDeque<(Input, Detail)>,
    /// Those who were forced and have not shown that they are gone.
    forcing: Vec<Forced>,
    deadline: Option<Instant>,
}

/// A service on its way.
struct Service {
    id: Name,
    dedicated: bool,
    start: Option<Start>,
    lives: Option<Lives>,
    /// Outlives the service: its resources are released afterwards.
    registry: Option<Arc<Registry>>,
    resources: Vec<Arc<Started>>,
}

/// A service that was started.
struct Lives {
    tag: Tag,
    thread: Arc<Thread>,
    links: Links,
    signal: ShutdownSignal,
    retiring: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forced {
    Service(ServiceIx),
    Resource(ResourceIx),
}

/// What a shell is made of.
pub(super) struct Parts {
    pub(super) home: Home,
    pub(super) account: Account,
    pub(super) candidates: Vec<Candidate>,
    pub(super) budget: Budget,
    pub(super) registrar: GrpcRegistrar,
    pub(super) spans: Spans,
    pub(super) service_threads: usize,
}

impl Shell {
    pub(super) fn new(parts: Parts) -> Self {
        let arbiter = actix_rt::Arbiter::current();
        let kinds: Vec<Kind> = parts.candidates.iter().map(|candidate| candidate.kind).collect();
        let pool = || Arc::new(Pool::new(parts.service_threads, arbiter.clone()));
        Self {
            home: parts.home,
            machine: Machine::new(kinds, !parts.budget.drain_delay().is_zero()),
            account: parts.account,
            services: parts.candidates.into_iter().map(Service::new).collect(),
            budget: parts.budget,
            deadlines: Arc::default(),
            registrar: parts.registrar,
            spans: parts.spans,
            service_threads: pool(),
            resource_threads: pool(),
            timers: Vec::new(),
            inputs: VecDeque::new(),
            forcing: Vec::new(),
            deadline: None,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.machine.stage()
    }

    /// Until whatever is left is forced.
    pub(super) fn to_force(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Services and resources, past and present.
    pub(super) fn all(&self) -> usize {
        self.services.iter().map(|service| 1 + service.resources.len()).sum()
    }

    /// Services and resources that have not come to their end.
    pub(super) fn left(&self) -> usize {
        self.machine.left()
    }

    /// Whether every service runs and the gRPC server, where there is one, accepts calls.
    pub(super) fn is_ready(&self) -> bool {
        self.machine.is_ready()
    }

    /// Ends every thread; resolves when all but blocked ones have dropped what was left on them.
    pub(super) fn stop_threads(&self) -> impl Future<Output = ()> + use<> {
        let (services, resources) = (self.service_threads.stop(), self.resource_threads.stop());
        async {
            services.await;
            resources.await;
        }
    }

    /// Lets the rules take note of something, and does what they say.
    pub(super) fn feed(&mut self, input: Input, detail: Detail) {
        self.inputs.push_back((input, detail));
        self.feed_queued();
    }

    fn feed_queued(&mut self) {
        while let Some((input, detail)) = self.inputs.pop_front() {
            for command in self.machine.step(input) {
                self.perform(command, &detail);
            }
        }
    }

    fn perform(&mut self, command: Command, detail: &Detail) {
        match command {
            Command::Send(ix, step) => self.send(ix, step),
            Command::SignalRequested => self.deadlines.request(),
            Command::Retire(ix) => self.retire(ix),
            Command::Force(ix) => self.force(ix),
            Command::CloseResources => self.close_resources(),
            Command::Release(resource) => self.release(resource),
            Command::ForceResource(resource) => self.force_resource(resource),
            Command::StartDeadlines => self.start_deadlines(),
            Command::StartDrainDelay => self.timer(self.budget.drain_delay(), Input::DrainDelayOver),
            Command::StartLastCall => self.timer(LAST_CALL, Input::LastCallOver),
            Command::Exit(signal) => std::process::exit(128 + signal.number()),
            Command::Announce(Announcement::Stopped) => {
                self.account.announce(Announcement::Stopped, detail);
                self.home.tell(Told::Tick(Tick::Stopped));
            }
            Command::Announce(announcement) => self.account.announce(announcement, detail),
        }
    }

    /// Something that an actor, a resource or the server told.
    pub(super) fn told_by_service(&mut self, ix: ServiceIx, notice: Notice) {
        match notice {
            Notice::Panicked(panic) => self.feed(Input::Panicked(ix), Detail::Panic(panic)),
            Notice::Gone(gone) => {
                self.forcing.retain(|forced| *forced != Forced::Service(ix));
                let (departure, detail) = departure(gone);
                self.feed(Input::Gone(ix, departure), detail);
                self.service(ix).lives = None;
            }
        }
    }

    pub(super) fn answered(&mut self, ix: ServiceIx, step: Step, reply: Reply) {
        let (answer, detail) = answer(reply);
        self.feed(Input::Answered(ix, step, answer), detail);
    }

    pub(super) fn told_of_resource(&mut self, resource: ResourceIx, told: ToldOf) {
        self.learn_of_resources(resource.service);
        match told {
            ToldOf::Started => self.feed_queued(),
            ToldOf::Notice(Notice::Panicked(panic)) => {
                self.feed(Input::ResourcePanicked(resource), Detail::Panic(panic));
            }
            ToldOf::Notice(Notice::Gone(gone)) => {
                self.forcing.retain(|forced| *forced != Forced::Resource(resource));
                let (departure, detail) = departure(gone);
                self.feed(Input::ResourceGone(resource, departure), detail);
            }
        }
    }

    pub(super) fn released(&mut self, resource: ResourceIx, reply: Reply) {
        let (answer, detail) = answer(reply);
        self.feed(Input::Released(resource, answer), detail);
    }

    pub(super) fn serving(&mut self, address: std::net::SocketAddr) {
        self.account.emit(LifecycleEvent::Serving { address });
        self.feed(Input::Serving, Detail::None);
    }

    fn service(&mut self, ix: ServiceIx) -> &mut Service {
        &mut self.services[ix.0 as usize]
    }

    fn send(&mut self, ix: ServiceIx, step: Step) {
        if let Err(error) = self.start_once(ix) {
            let error = ConfigError::Thread(error.to_string());
            let text = error.to_string().into();
            let detail = Detail::Error(Arc::new(error), text);
            self.inputs.push_back((Input::Answered(ix, step, Answer::Error), detail));
            self.inputs.push_back((Input::Gone(ix, Departure::Ended), Detail::None));
            return;
        }
        let request = self.request(ix, step);
        let home = self.home.clone();
        let (Some(request), Some(lives)) = (request, &self.service(ix).lives) else { return };
        lives.links.control.ask(request, move |reply| home.tell(Told::Answered(ix, step, reply)));
    }

    /// The first message starts the actor.
    fn start_once(&mut self, ix: ServiceIx) -> std::io::Result<()> {
        let pool = &self.service_threads;
        let service = &mut self.services[ix.0 as usize];
        let Some(start) = service.start.take() else { return Ok(()) };
        let thread = if service.dedicated { pool.dedicated()? } else { pool.shared(ix.0 as usize)? };
        let tag = Tag::next();
        let home = self.home.clone();
        let links = start(&thread, tag, Box::new(move |notice| home.tell(Told::Service(ix, notice))));
        let home = self.home.clone();
        let registry = Arc::new(Registry::new(
            service.id.clone(),
            ix.0 as usize,
            Arc::clone(&self.resource_threads),
            Arc::clone(&self.deadlines),
            move |index, told| home.tell(Told::Resource(ResourceIx { service: ix, index }, told)),
        ));
        let signal = ShutdownSignal::new(Arc::clone(&self.deadlines), Asking::Service);
        service.lives = Some(Lives { tag, thread, links, signal, retiring: false });
        service.registry = Some(registry);
        Ok(())
    }

    /// The message of a step, made where it is received: spans are the user's code.
    fn request(&mut self, ix: ServiceIx, step: Step) -> Option<Request> {
        let registrar = self.registrar.on_behalf_of(&self.services[ix.0 as usize].id);
        let spans = self.spans.clone();
        let Service { id, lives, registry, .. } = self.service(ix);
        let lives = lives.as_ref()?;
        let (id, shutdown) = (id.clone(), lives.signal.clone());
        let resources = Resources::new(Arc::clone(registry.as_ref()?));
        let links = &lives.links;
        Some(match step {
            Step::Register => {
                let to = links.register.clone()?;
                request(to, move || RegisterOnServer { server: registrar })
            }
            Step::Setup => request(links.setup.clone(), move || {
                let span = spans.span(&id, step);
                Setup { resources, shutdown, span }
            }),
            Step::Run => request(links.main.clone()?.run, move || {
                let span = spans.span(&id, step);
                Run { resources, shutdown, span }
            }),
            Step::Shutdown => request(links.main.clone()?.shutdown, move || Shutdown { shutdown }),
        })
    }

    fn retire(&mut self, ix: ServiceIx) {
        if let Some(lives) = &mut self.service(ix).lives {
            lives.retiring = true;
            lives.links.control.retire();
        }
    }

    fn force(&mut self, ix: ServiceIx) {
        if let Some(lives) = &self.service(ix).lives
            // One that was told to retire has done no wrong: it still sees its own end, if it can.
            && !lives.retiring
        {
            lives.signal.force();
            lives.links.control.force();
        }
        self.wait_for_forced(Forced::Service(ix));
    }

    fn release(&mut self, resource: ResourceIx) {
        let home = self.home.clone();
        let started = self.resource(resource);
        let shutdown = started.signal.clone();
        let request = request(started.release.clone(), move || Release { shutdown });
        started.control.ask_last(request, move |reply| home.tell(Told::Released(resource, reply)));
    }

    fn force_resource(&mut self, resource: ResourceIx) {
        let started = self.resource(resource);
        started.signal.force();
        started.control.force();
        self.wait_for_forced(Forced::Resource(resource));
    }

    fn resource(&mut self, resource: ResourceIx) -> Arc<Started> {
        Arc::clone(&self.service(resource.service).resources[resource.index as usize])
    }

    fn close_resources(&mut self) {
        for at in 0..self.services.len() {
            let ix = ServiceIx(at as u32);
            if let Some(registry) = self.service(ix).registry.clone() {
                registry.close();
                self.learn_of_resources(ix);
            }
        }
        self.inputs.push_back((Input::ResourcesClosed, Detail::None));
    }

    /// Tells the rules of resources that they have not heard of.
    fn learn_of_resources(&mut self, ix: ServiceIx) {
        let Some(registry) = self.service(ix).registry.clone() else { return };
        for started in registry.untold() {
            self.account.name_resource(ix, started.name.clone());
            self.service(ix).resources.push(started);
            self.inputs.push_back((Input::ResourceStarted(ix), Detail::None));
        }
    }

    fn start_deadlines(&mut self) {
        let asked = Instant::now();
        let (services, all) = (self.budget.services_until(asked), self.budget.deadline(asked));
        self.deadlines.set(services, all);
        self.deadline = all;
        for (at, input) in [(services, Input::ReserveReached), (all, Input::DeadlineReached)] {
            if let Some(at) = at {
                self.timer(at.saturating_duration_since(Instant::now()), input);
            }
        }
        let home = self.home.clone();
        self.spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(1));
            every.tick().await;
            loop {
                every.tick().await;
                home.tell(Told::Tick(Tick::Progress));
            }
        });
    }

    fn timer(&mut self, after: Duration, input: Input) {
        self.later(after, Tick::Input(input));
    }

    fn later(&mut self, after: Duration, tick: Tick) {
        let home = self.home.clone();
        self.spawn(async move {
            tokio::time::sleep(after).await;
            home.tell(Told::Tick(tick));
        });
    }

    fn spawn(&mut self, timer: impl Future<Output = ()> + 'static) {
        self.timers.push(actix_rt::spawn(timer).abort_handle());
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
            Some(busy) => match self.name(busy.actor) {
                Some(by) => Hold::Starved { by, lasted: busy.lasted },
                None => Hold::Unresponsive,
            },
            None => Hold::Unresponsive,
        }
    }

    /// What an actor is called.
    fn name(&self, tag: Tag) -> Option<Name> {
        self.services.iter().find_map(|service| {
            if service.lives.as_ref().is_some_and(|lives| lives.tag == tag) {
                return Some(service.id.clone());
            }
            let resource = service.resources.iter().find(|started| started.tag == tag)?;
            Some(format!("{}, resource {}", service.id, resource.name).into())
        })
    }
}

impl Service {
    fn new(candidate: Candidate) -> Self {
        let Candidate { id, dedicated, start, .. } = candidate;
        Self { id, dedicated, start: Some(start), lives: None, registry: None, resources: Vec::new() }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for timer in &self.timers {
            timer.abort();
        }
    }
}

/// A message that is made and sent on the thread that this is called on.
fn request<M>(to: Recipient<M>, message: impl FnOnce() -> M + Send + 'static) -> Request
where
    M: Message<Result = Result<(), BoxError>> + Send + 'static,
{
    Box::new(move || Box::pin(to.send(message())))
}

fn answer(reply: Reply) -> (Answer, Detail) {
    match reply {
        Reply::Ok => (Answer::Ok, Detail::None),
        Reply::Error(error, text) => (Answer::Error, Detail::Error(error, text)),
        Reply::Panic(panic) => (Answer::Panic, Detail::Panic(panic)),
        Reply::Missing => (Answer::Missing, Detail::None),
    }
}

fn departure(gone: Gone) -> (Departure, Detail) {
    match gone {
        Gone::Ended => (Departure::Ended, Detail::None),
        Gone::Panicked(panic) => (Departure::Panicked, Detail::Panic(panic)),
        Gone::Dismissed => (Departure::Dismissed, Detail::None),
    }
}
