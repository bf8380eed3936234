//! What every service and resource is doing right now.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::base::{as_ms, as_opt_ms, as_text, seconds, times};
use crate::events::{InFlight, Name, TimedEvent};
use crate::grpc::GrpcAddress;
use crate::lifecycle::{Stage, Step};
use crate::manager::api::condition::{ResourceCondition, ServiceCondition, telling_step};
use crate::manager::api::handover_status::HandoverStatus;
use crate::manager::api::lease_status::{LeaseAside, LeaseStatus};
use crate::report::{ResourceReport, ServiceReport, ShutdownReport, StepReport};
use crate::service::RestartPolicy;

/// A poll that has lasted so long is worth a word.
const LONG_POLL: Duration = Duration::from_millis(100);

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
    /// Where the [operations endpoint](crate::Operations) answers, if there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations_addresses: Vec<GrpcAddress>,
    /// How hand-overs stand, where they are offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<HandoverStatus>,
    /// What the gRPC server carries, while it serves or drains.
    pub grpc: Option<InFlight>,
    /// Every service, in the order in which they were handed over.
    pub services: Vec<ServiceStatus>,
    /// The latest lifecycle events, oldest first: as many as
    /// [`ManagerOptions::flight_recorder`](crate::ManagerOptions::flight_recorder) keeps.
    pub history: Vec<Arc<TimedEvent>>,
    /// How far the shutdown has come, if it has begun; the whole report, once it is over.
    pub report: Option<ShutdownReport>,
}

/// The state of a service.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its id.
    pub id: Name,
    /// What it has come to, for programs.
    pub condition: ServiceCondition,
    /// What it is doing, or how it ended, for people.
    pub state: String,
    /// Why it ended, where `state` tells: the text at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Since when, from the manager's start.
    #[serde(rename = "since_ms", serialize_with = "as_opt_ms")]
    pub since: Option<Duration>,
    /// What it depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Name>,
    /// How often it was started again, and may be.
    pub restart: RestartStatus,
    /// The retries of its set-up, where it has [`ServiceSpec::retry_setup`](crate::ServiceSpec::retry_setup).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_retry: Option<SetupRetryStatus>,
    /// Its lease, where it is [`only_with`](crate::ServiceSpec::only_with) one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseStatus>,
    /// The thread that it lives on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<Name>,
    /// How long its current poll has lasted, if it is being polled: a long one blocks all who share its thread. actix does not
    /// tell how many messages wait in a mailbox.
    #[serde(rename = "poll_ms", serialize_with = "as_opt_ms")]
    pub poll: Option<Duration>,
    /// Where it listens, if it is a server, such as an HTTP service, that has run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<GrpcAddress>,
    /// What it carries, if it is a server that serves or drains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<InFlight>,
    /// Its resources, in the order in which they were started.
    pub resources: Vec<ResourceStatus>,
    /// Where it is a [nested](crate::nested) manager that has been started: its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<ManagerStatus>>,
}

/// The restarts of a service.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct RestartStatus {
    /// What its policy is.
    #[serde(serialize_with = "as_text")]
    pub policy: RestartPolicy,
    /// How often it was started again, whatever the reason.
    pub total: u64,
    /// How many of its policy's restarts were used within the period.
    pub used: u32,
    /// How many are left before a failure ends all; `None`: any number; 0 where it is not restarted by itself.
    pub left: Option<u32>,
    /// When the oldest of those used does not count any more, from the manager's start.
    #[serde(rename = "resets_at_ms", serialize_with = "as_opt_ms")]
    pub resets_at: Option<Duration>,
    /// Its latest failure that a restart, or a stop of its own, has seen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// The retries of a service's set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct SetupRetryStatus {
    /// How often it was tried again, in all lives.
    pub total: u64,
    /// How many of its policy's retries were used within the period; 0 where it allows any number.
    pub used: u32,
    /// How many are left; `None`: any number.
    pub left: Option<u32>,
    /// When the next begins, from the manager's start, while it waits for that.
    #[serde(rename = "next_at_ms", serialize_with = "as_opt_ms", skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Duration>,
}

/// The state of a resource.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ResourceStatus {
    /// Its name within its service.
    pub name: Name,
    /// What it has come to, for programs.
    pub condition: ResourceCondition,
    /// What it is doing, or how it ended, for people.
    pub state: String,
    /// Why it ended, where `state` tells: the text at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How long its current poll has lasted, if it is being polled.
    #[serde(rename = "poll_ms", serialize_with = "as_opt_ms", skip_serializing_if = "Option::is_none")]
    pub poll: Option<Duration>,
}

impl ManagerStatus {
    /// Of no services yet.
    pub(crate) fn new(
        stage: Stage,
        up: Duration,
        grpc_addresses: Vec<GrpcAddress>,
        report: &ShutdownReport,
    ) -> Self {
        let report = report.cause.is_some().then(|| report.clone());
        let grpc_address = grpc_addresses.iter().find_map(GrpcAddress::as_tcp);
        let (grpc, services, history) = (None, Vec::new(), Vec::new());
        let operations_addresses = Vec::new();
        Self {
            stage,
            up,
            grpc_address,
            grpc_addresses,
            operations_addresses,
            handover: None,
            grpc,
            services,
            history,
            report,
        }
    }
}

/// A child's text, within that of its parent.
pub(crate) fn indented(nested: &impl fmt::Display) -> String {
    let lines: Vec<String> = nested.to_string().lines().map(|line| format!("    | {line}")).collect();
    lines.join("\n")
}

impl ServiceStatus {
    pub(crate) fn new(service: &ServiceReport, now: Duration) -> Self {
        let step = telling_step(service);
        let state = step.map_or_else(|| "waiting".to_owned(), |step| step_state(step, now));
        let over = |step: &StepReport| step.took.map(|took| step.asked_at + took);
        let since = step
            .filter(|(_, report)| report.outcome.is_none())
            .map(|(_, step)| step.asked_at)
            .or_else(|| service.steps().filter_map(|(_, step)| over(step)).max());
        Self {
            id: service.id.clone(),
            condition: ServiceCondition::of(step),
            state,
            failure: step.and_then(|(_, step)| step.why.as_ref()).map(ToString::to_string),
            since,
            depends_on: Vec::new(),
            restart: RestartStatus { total: service.restarts, ..RestartStatus::default() },
            setup_retry: None,
            lease: None,
            thread: None,
            poll: None,
            addresses: Vec::new(),
            http: None,
            resources: service.resources.iter().map(|resource| resource_status(resource, now)).collect(),
            nested: None,
        }
    }
}

/// What a service is doing in a step, or how that ended.
fn step_state((step, report): (Step, &StepReport), now: Duration) -> String {
    let Some(outcome) = report.outcome else {
        return format!("{} for {}", step.doing(), seconds(now - report.asked_at));
    };
    let outcome = if report.cancelled { "cancelled".to_owned() } else { outcome.to_string() };
    match &report.why {
        Some(why) => format!("{step} {outcome}: {why}"),
        None => format!("{step} {outcome}"),
    }
}

fn resource_status(resource: &ResourceReport, now: Duration) -> ResourceStatus {
    let state = match (resource.ending, resource.asked_at, &resource.why) {
        (Some(_), _, Some(why)) => format!("over: {why}"),
        (Some(_), _, None) => "released".to_owned(),
        (None, Some(asked), _) => format!("releasing for {}", seconds(now - asked)),
        (None, None, _) => format!("up for {}", seconds(now - resource.started_at)),
    };
    ResourceStatus {
        name: resource.name.clone(),
        condition: ResourceCondition::of(resource),
        state,
        failure: resource.why.as_ref().map(ToString::to_string),
        poll: None,
    }
}

impl ServiceStatus {
    /// What an operator asks next: its lease, restarts, dependencies, where it lives, whether it is stuck.
    fn aside(&self, now: Duration) -> String {
        let mut aside: Vec<_> = self.lease.iter().map(|lease| LeaseAside(lease, now).to_string()).collect();
        let RestartStatus { total, used, left, last_failure, .. } = &self.restart;
        if *total > 0 {
            aside.push(match left {
                Some(left) => format!("restarted {total} in all, {used} in its period, {left} left"),
                None => format!("restarted {total} in all"),
            });
        }
        let retry = self.setup_retry.filter(|retry| retry.total > 0);
        aside.extend(retry.map(|SetupRetryStatus { total, left, .. }| match left {
            Some(left) => format!("set-up tried again {}, {left} left", times(total)),
            None => format!("set-up tried again {}", times(total)),
        }));
        aside.extend(last_failure.as_ref().map(|failure| format!("last failure: {failure}")));
        aside.extend(
            (!self.depends_on.is_empty()).then(|| format!("depends on {}", self.depends_on.join(", "))),
        );
        aside.extend(self.thread.as_ref().map(|thread| format!("on {thread}")));
        let stuck = self.poll.filter(|poll| *poll >= LONG_POLL);
        aside.extend(stuck.map(|poll| format!("in the same poll for {}", seconds(poll))));
        if aside.is_empty() { String::new() } else { format!(" ({})", aside.join("; ")) }
    }
}

impl fmt::Display for ManagerStatus {
    /// One line for the manager, one for each service, one for each resource; then the latest events.
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
        if let Some(handover) = &self.handover {
            write!(f, "\n  hand-over: {handover}")?;
        }
        for service in &self.services {
            write!(f, "\n  {}: {}{}", service.id, service.state, service.aside(self.up))?;
            for resource in &service.resources {
                write!(f, "\n    {}: {}", resource.name, resource.state)?;
            }
            if let Some(nested) = &service.nested {
                write!(f, "\n{}", indented(nested))?;
            }
        }
        crate::events::write_latest(f, &self.history)
    }
}
