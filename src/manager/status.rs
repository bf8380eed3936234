//! What every service and resource is doing right now.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::error::{ResourceReport, ServiceReport, ShutdownReport, StepReport, seconds};
use crate::events::{InFlight, Name, as_ms};
use crate::grpc::GrpcAddress;
use crate::lifecycle::Stage;

/// The state of a manager at one moment.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ManagerStatus {
    /// Where it stands.
    pub stage: Stage,
    /// Since its start.
    #[serde(rename = "up_ms", serialize_with = "as_ms")]
    pub up: Duration,
    /// Where the gRPC server accepts calls, once it does: the first of its addresses that is one of TCP.
    pub grpc_address: Option<SocketAddr>,
    /// All addresses at which it does, in the order in which they were given.
    pub grpc_addresses: Vec<GrpcAddress>,
    /// What the gRPC server carries, while it serves or drains.
    pub grpc: Option<InFlight>,
    /// Every service, in the order in which they were handed over.
    pub services: Vec<ServiceStatus>,
    /// How far the shutdown has come, if it has begun; the whole report, once it is over.
    pub report: Option<ShutdownReport>,
}

/// The state of a service.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its id.
    pub id: Name,
    /// What it is doing, or how it ended.
    pub state: String,
    /// Its resources, in the order in which they were started.
    pub resources: Vec<ResourceStatus>,
}

/// The state of a resource.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ResourceStatus {
    /// Its name within its service.
    pub name: Name,
    /// What it is doing, or how it ended.
    pub state: String,
}

impl ManagerStatus {
    pub(super) fn new(
        stage: Stage,
        up: Duration,
        grpc_addresses: Vec<GrpcAddress>,
        grpc: Option<InFlight>,
        report: &ShutdownReport,
    ) -> Self {
        let services = report.services.iter().map(|service| service_status(service, up)).collect();
        let report = report.cause.is_some().then(|| report.clone());
        let grpc_address = grpc_addresses.iter().find_map(GrpcAddress::as_tcp);
        Self { stage, up, grpc_address, grpc_addresses, grpc, services, report }
    }
}

fn service_status(service: &ServiceReport, now: Duration) -> ServiceStatus {
    let steps = [
        ("shutting down", &service.shutdown),
        ("running", &service.run),
        ("setting up", &service.setup),
        ("registering", &service.register),
    ];
    let open = steps
        .iter()
        .filter_map(|(doing, step)| Some((doing, step.as_ref()?)))
        .find(|(_, step)| step.outcome.is_none());
    let state = match open {
        Some((doing, step)) => format!("{doing} for {}", seconds(now - step.asked_at)),
        None => ended(service),
    };
    let resources = service.resources.iter().map(|resource| resource_status(resource, now)).collect();
    ServiceStatus { id: service.id.clone(), state, resources }
}

/// What a service that owes no answer is.
fn ended(service: &ServiceReport) -> String {
    let step_text = |doing: &str, step: &StepReport| {
        let outcome = step.outcome.map_or_else(String::new, |outcome| outcome.to_string());
        match &step.why {
            Some(why) => format!("{doing} {outcome}: {why}"),
            None => format!("{doing} {outcome}"),
        }
    };
    match (&service.run, &service.setup, &service.register) {
        (Some(run), ..) => step_text("run", run),
        (None, Some(setup), _) => step_text("setup", setup),
        (None, None, Some(register)) => step_text("register", register),
        (None, None, None) => "waiting".to_owned(),
    }
}

fn resource_status(resource: &ResourceReport, now: Duration) -> ResourceStatus {
    let state = match (resource.ending, resource.asked_at, &resource.why) {
        (Some(_), _, Some(why)) => format!("over: {why}"),
        (Some(_), _, None) => "released".to_owned(),
        (None, Some(asked), _) => format!("releasing for {}", seconds(now - asked)),
        (None, None, _) => format!("up for {}", seconds(now - resource.started_at)),
    };
    ResourceStatus { name: resource.name.clone(), state }
}

impl fmt::Display for ManagerStatus {
    /// One line for the manager, one for each service, one for each resource.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "majordomo: {}, up {}", self.stage, seconds(self.up))?;
        for (at, address) in self.grpc_addresses.iter().enumerate() {
            write!(f, ", {}{address}", if at == 0 { "gRPC on " } else { "" })?;
        }
        if let Some(cause) = self.report.as_ref().and_then(|report| report.cause.as_ref()) {
            write!(f, ", shutdown asked by {cause}")?;
        }
        if let Some(grpc) = &self.grpc {
            write!(f, "\n  gRPC: {grpc}; {} arrived, {} shed", grpc.arrived, grpc.shed)?;
        }
        for service in &self.services {
            write!(f, "\n  {}: {}", service.id, service.state)?;
            for resource in &service.resources {
                write!(f, "\n    {}: {}", resource.name, resource.state)?;
            }
        }
        Ok(())
    }
}
