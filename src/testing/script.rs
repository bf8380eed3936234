//! Scripts made by methods, for tests written in Rust: what scenarios say in JSON, and gates.

use super::behaviour::{Behaviour, RunBehaviour};
use super::gate::Gate;
use super::lease_script::LeaseScript;
use super::restart_script::RestartScript;
use super::scripted::{ResourceScript, ScriptedService, ServiceScript};
use crate::service::ServiceSpec;

impl ServiceScript {
    /// A service with this id that does all that it is asked.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// What it does on `Setup`.
    pub fn setup(self, behaviour: Behaviour) -> Self {
        Self { setup: behaviour, ..self }
    }

    /// What it does on `Run`.
    pub fn run(self, behaviour: impl Into<RunBehaviour>) -> Self {
        Self { run: behaviour.into(), ..self }
    }

    /// What it does on `Shutdown`.
    pub fn shutdown(self, behaviour: Behaviour) -> Self {
        Self { shutdown: behaviour, ..self }
    }

    /// Starts this resource, too, when it is set up.
    pub fn resource(mut self, resource: ResourceScript) -> Self {
        self.resources.push(resource);
        self
    }

    /// When it is restarted.
    pub fn restart(self, restart: RestartScript) -> Self {
        Self { restart, ..self }
    }

    /// It runs on one replica only. Scripts of one [`Scenario`](super::Scenario) share a store.
    pub fn lease(self, lease: LeaseScript) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// It depends on the service of this id, too.
    pub fn depends_on(mut self, id: impl Into<String>) -> Self {
        self.depends_on.push(id.into());
        self
    }

    /// Has it stand at this gate before it does what it does on `Setup`; its resources are started before.
    pub fn setup_gate(mut self, gate: &Gate) -> Self {
        self.gates.setup = Some(gate.clone());
        self
    }

    /// Has it stand at this gate before it does what it does on `Run`.
    pub fn run_gate(mut self, gate: &Gate) -> Self {
        self.gates.run = Some(gate.clone());
        self
    }

    /// Has it stand at this gate before it does what it does on `Shutdown`.
    pub fn shutdown_gate(mut self, gate: &Gate) -> Self {
        self.gates.shutdown = Some(gate.clone());
        self
    }
}

impl ResourceScript {
    /// A resource with this name that does all that it is asked.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// What it does on `Release`.
    pub fn release(self, behaviour: Behaviour) -> Self {
        Self { release: behaviour, ..self }
    }

    /// Has it stand at this gate before it does what it does on `Release`.
    pub fn release_gate(mut self, gate: &Gate) -> Self {
        self.gates.release = Some(gate.clone());
        self
    }

    /// Has it panic by itself once it is let through this gate.
    pub fn dies_at(mut self, gate: &Gate) -> Self {
        self.gates.death = Some(gate.clone());
        self
    }
}

impl From<Behaviour> for RunBehaviour {
    fn from(behaviour: Behaviour) -> Self {
        Self::As(behaviour)
    }
}

/// So that a script may be handed over where a service is expected.
impl From<ServiceScript> for ServiceSpec<ScriptedService> {
    fn from(script: ServiceScript) -> Self {
        script.spec()
    }
}
