//! Services and resources that do as they are told.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture};
use serde::Deserialize;

use super::behaviour::{Behaviour, RunBehaviour};
use crate::error::BoxError;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::service::{GenericService, Release, Resource, Resources, Run, Service, Setup, Shutdown};

/// What a scripted service does, message by message. Resources are started before `Setup` is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceScript {
    /// Its id.
    pub id: String,
    /// What it does on `Setup`.
    #[serde(default)]
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
}

/// What a scripted resource does.
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
}

/// A service that follows a script. It may be handed over as any kind of service; it registers no calls.
#[derive(Debug)]
pub struct ScriptedService(ServiceScript);

impl ScriptedService {
    /// A service that follows this script.
    pub fn new(script: ServiceScript) -> Self {
        Self(script)
    }

    fn start_resources(&self, resources: &Resources) -> Result<(), BoxError> {
        for script in &self.0.resources {
            resources.start(script.name.as_str(), ScriptedResource::new(script.clone()))?;
        }
        Ok(())
    }
}

impl Actor for ScriptedService {
    type Context = Context<Self>;
}

impl Service for ScriptedService {
    fn id(&self) -> String {
        self.0.id.clone()
    }
}

impl GenericService for ScriptedService {}

impl GrpcService for ScriptedService {}

impl Handler<RegisterOnServer> for ScriptedService {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<Setup> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        if let Err(error) = self.start_resources(&setup.resources) {
            return Box::pin(async { Err(error) });
        }
        self.0.setup.begin(&self.0.id, "setup");
        Box::pin(self.0.setup.finish(self.0.id.clone(), "setup"))
    }
}

impl Handler<Run> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        self.0.run.begin(&self.0.id);
        Box::pin(self.0.run.finish(self.0.id.clone(), run.shutdown))
    }
}

impl Handler<Shutdown> for ScriptedService {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        self.0.shutdown.begin(&self.0.id, "shutdown");
        Box::pin(self.0.shutdown.finish(self.0.id.clone(), "shutdown"))
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
    }
}

impl Resource for ScriptedResource {}

impl Handler<Release> for ScriptedResource {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        self.0.release.begin(&self.0.name, "release");
        Box::pin(self.0.release.finish(self.0.name.clone(), "release"))
    }
}
