//! Services and resources that do as they are told.

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, Supervised, WrapFuture};
use serde::Deserialize;

use super::began::Began;
use super::behaviour::{Behaviour, RunBehaviour};
use super::gated_handler::{Begin, act};
use super::lease_script::{LeaseScript, RehearsedStore};
use super::restart_script::RestartScript;
use super::script_gates::{ResourceGates, ServiceGates};
use crate::base::BoxError;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::service::{
    CommitReload, GenericService, PrepareReload, Release, Resource, Resources, Run, Service, ServiceSpec,
    Setup, Shutdown,
};

/// What a scripted service does, message by message. Resources are started before `Setup` is answered.
#[must_use = "a script does nothing until its service is given to a manager"]
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceScript {
    /// Its id.
    pub id: String,
    /// What it does on `Setup`.
    #[serde(default, deserialize_with = "Behaviour::of_setup")]
    pub setup: Behaviour,
    /// What it does on `Run`.
    #[serde(default)]
    pub run: RunBehaviour,
    /// What it does on `Shutdown`.
    #[serde(default)]
    pub shutdown: Behaviour,
    /// The resources that it starts.
    #[serde(default)]
    pub resources: Vec<ResourceScript>,
    /// Where it serves HTTP, if it does, or `in-memory`: `/` answers `ok`, `/slow/MS`, `/sse`, `/block/MS`, `/panic` and `/echo` what they are called.
    /// Its main loop and its stop are then the server's own.
    #[serde(default)]
    pub http: Option<String>,
    /// When it is restarted; left out: never by itself, but it may be by an action, and with what it depends on.
    #[serde(default)]
    pub restart: RestartScript,
    /// [`ServiceSpec::retry_setup`]; left out: a set-up that fails is not tried again. Its `policy` is `on_failure` where that is left out.
    #[serde(default, deserialize_with = "RestartScript::of_setup")]
    pub retry_setup: Option<RestartScript>,
    /// [`ServiceSpec::critical`].
    #[serde(default)]
    pub critical: bool,
    /// [`ServiceSpec::after_handover`].
    #[serde(default)]
    pub after_handover: bool,
    /// [`ServiceSpec::only_with`]; left out: it needs no lease.
    #[serde(default)]
    pub lease: Option<LeaseScript>,
    /// [`ServiceSpec::reloadable`].
    #[serde(default)]
    pub reloadable: bool,
    /// What it does on `PrepareReload`, where it is reloadable.
    #[serde(default)]
    pub prepare_reload: Behaviour,
    /// What it does on `CommitReload`, where it is reloadable.
    #[serde(default)]
    pub commit_reload: Behaviour,
    /// [`ServiceSpec::depends_on`].
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// [`ServiceSpec::survives_restart_of`].
    #[serde(default)]
    pub survives_restart_of: Vec<String>,
    /// [`ServiceSpec::stop_timeout`].
    #[serde(default)]
    pub stop_timeout_ms: Option<u64>,
    /// Where a test holds it up.
    #[serde(skip)]
    pub gates: ServiceGates,
}

impl ServiceScript {
    /// The service that follows this script, with what the script says of its restarts and dependencies. A lease is of a store that nobody else has.
    pub fn spec(&self) -> ServiceSpec<ScriptedService> {
        self.spec_in(Began::default(), &RehearsedStore::default())
    }

    /// The same, in a manager that has begun, or begins, then; leases are of that store.
    pub(super) fn spec_in(&self, began: Began, store: &RehearsedStore) -> ServiceSpec<ScriptedService> {
        let spec = ServiceSpec::new(ScriptedService { script: self.clone(), began });
        let spec = self.looked_after(if self.reloadable { spec.reloadable() } else { spec });
        match &self.lease {
            Some(lease) => spec.only_with(lease.lease(store)),
            None => spec,
        }
    }

    /// What the script says of restarts, dependencies and the time to stop.
    pub(super) fn looked_after<A: Service + Supervised>(&self, spec: ServiceSpec<A>) -> ServiceSpec<A> {
        let mut spec = spec.restart(self.restart.policy());
        if let Some(retry) = &self.retry_setup {
            spec = spec.retry_setup(retry.policy());
        }
        if self.critical {
            spec = spec.critical();
        }
        if self.after_handover {
            spec = spec.after_handover();
        }
        for id in &self.depends_on {
            spec = spec.depends_on(id);
        }
        for id in &self.survives_restart_of {
            spec = spec.survives_restart_of(id);
        }
        match self.stop_timeout_ms {
            Some(limit) => spec.stop_timeout(Duration::from_millis(limit)),
            None => spec,
        }
    }

    /// Whether what it says goes together; what does not, as a sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let (id, acts) = (&self.id, |behaviour| behaviour != Behaviour::default());
        let has_main_loop = self.run != RunBehaviour::default() || acts(self.shutdown);
        let has_reload = acts(self.prepare_reload) || acts(self.commit_reload);
        match (&self.http, self.reloadable) {
            (Some(_), _) if has_main_loop => Err(format!(
                "service {id:?} has both http and run or shutdown: an HTTP server runs and stops by itself; leave those out"
            )),
            (Some(_), _) if self.lease.is_some() => Err(format!(
                "service {id:?} has both http and lease: whoever calls it would wait with it; give the lease to another service"
            )),
            (Some(_), true) => Err(format!(
                "service {id:?} has both http and reloadable: an HTTP server has no settings of its own; give them to another service"
            )),
            (_, false) if has_reload => Err(format!(
                "service {id:?} says what it does in a reload, and takes part in none: add \"reloadable\": true"
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn start_resources(&self, resources: &Resources) -> Result<(), BoxError> {
        for script in &self.resources {
            resources.start(script.name.as_str(), ScriptedResource::new(script.clone()))?;
        }
        Ok(())
    }
}

/// What a scripted resource does.
#[must_use = "a script does nothing until it is given to a service"]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceScript {
    /// Its name.
    pub name: String,
    /// What it does on `Release`.
    #[serde(default)]
    pub release: Behaviour,
    /// When it panics by itself, in milliseconds after its start.
    #[serde(default)]
    pub dies_after_ms: Option<u64>,
    /// Where a test holds it up.
    #[serde(skip)]
    pub gates: ResourceGates,
}

/// A service that follows a script. It may be handed over as any kind of service; it registers no calls.
#[derive(Debug)]
pub struct ScriptedService {
    script: ServiceScript,
    began: Began,
}

impl ScriptedService {
    /// A service that follows this script.
    pub fn new(script: ServiceScript) -> Self {
        Self { script, began: Began::default() }
    }

    fn reload(&self, behaviour: Behaviour, what: &'static str) -> ResponseFuture<Result<(), BoxError>> {
        behaviour.begin(&self.script.id, what);
        Box::pin(behaviour.answer(self.script.id.clone(), what))
    }
}

impl Actor for ScriptedService {
    type Context = Context<Self>;
}

impl Service for ScriptedService {
    fn id(&self) -> String {
        self.script.id.clone()
    }
}

impl Supervised for ScriptedService {}

impl GenericService for ScriptedService {}

impl Handler<Begin> for ScriptedService {
    type Result = ();

    fn handle(&mut self, begin: Begin, _: &mut Context<Self>) {
        (begin.0)();
    }
}

impl GrpcService for ScriptedService {}

impl Handler<RegisterOnServer> for ScriptedService {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<Setup> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, ctx: &mut Context<Self>) -> Self::Result {
        if let Err(error) = self.script.start_resources(&setup.resources) {
            return Box::pin(async { Err(error) });
        }
        let (id, shutdown, setup) =
            (self.script.id.clone(), setup.shutdown, self.script.setup.at(self.began.lasted()));
        let finish = setup.finish(id.clone(), "setup", shutdown);
        act(self.script.gates.setup.as_ref(), ctx, move || setup.begin(&id, "setup"), finish)
    }
}

impl Handler<Run> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Run, ctx: &mut Context<Self>) -> Self::Result {
        let (id, run) = (self.script.id.clone(), self.script.run);
        let finish = run.finish(id.clone(), message.shutdown);
        act(self.script.gates.run.as_ref(), ctx, move || run.begin(&id), finish)
    }
}

impl Handler<Shutdown> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Shutdown, ctx: &mut Context<Self>) -> Self::Result {
        let (id, shutdown) = (self.script.id.clone(), self.script.shutdown);
        let finish = shutdown.finish(id.clone(), "shutdown", message.shutdown);
        act(self.script.gates.shutdown.as_ref(), ctx, move || shutdown.begin(&id, "shutdown"), finish)
    }
}

impl Handler<PrepareReload> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: PrepareReload, _: &mut Context<Self>) -> Self::Result {
        self.reload(self.script.prepare_reload, "prepare_reload")
    }
}

impl Handler<CommitReload> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: CommitReload, _: &mut Context<Self>) -> Self::Result {
        self.reload(self.script.commit_reload, "commit_reload")
    }
}

/// A resource that follows a script.
#[derive(Debug)]
pub struct ScriptedResource(ResourceScript);

impl ScriptedResource {
    /// A resource that follows this script.
    pub fn new(script: ResourceScript) -> Self {
        Self(script)
    }
}

impl Actor for ScriptedResource {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(millis) = self.0.dies_after_ms {
            ctx.run_later(Duration::from_millis(millis), |resource, _| {
                panic!("resource {} dies, as scripted", resource.0.name)
            });
        }
        if let Some(gate) = self.0.gates.death.clone() {
            let passed = async move { gate.passed().await }.into_actor(self);
            ctx.spawn(passed.map(|(), resource, _| panic!("resource {} dies, as scripted", resource.0.name)));
        }
    }
}

impl Resource for ScriptedResource {}

impl Handler<Begin> for ScriptedResource {
    type Result = ();

    fn handle(&mut self, begin: Begin, _: &mut Context<Self>) {
        (begin.0)();
    }
}

impl Handler<Release> for ScriptedResource {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Release, ctx: &mut Context<Self>) -> Self::Result {
        let (name, release) = (self.0.name.clone(), self.0.release);
        let finish = release.finish(name.clone(), "release", message.shutdown);
        act(self.0.gates.release.as_ref(), ctx, move || release.begin(&name, "release"), finish)
    }
}
