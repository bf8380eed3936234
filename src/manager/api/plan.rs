//! What a manager was given: whether it can work, and what it would do.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::options::{CheckedOptions, ManagerOptions};
use super::pending_service::{PendingService, specs};
use super::status::indented;
use crate::base::clock;
use crate::base::seconds;
use crate::base::{as_ms, as_opt_ms, as_text};
use crate::events::Name;
use crate::grpc::builtin::ping::PingService;
use crate::grpc::{SERVER_ID, health};
use crate::lifecycle::{Budget, Spec};
use crate::report::ConfigError;
use crate::service::{RestartPolicy, ServiceSpec};

/// What a manager was given.
pub(crate) struct Definition {
    pub(crate) options: ManagerOptions,
    pub(crate) pending_services: Vec<PendingService>,
    held: bool,
    one_thread: bool,
}

/// A plan that can work.
pub(crate) struct CheckedDefinition {
    pub(crate) options: ManagerOptions,
    pub(crate) checked: CheckedOptions,
    pub(crate) pending_services: Vec<PendingService>,
    pub(crate) specs: Vec<Spec>,
    /// Whether nobody runs before that is allowed.
    pub(crate) held: bool,
    /// Whether all are to live on the thread of the manager.
    pub(crate) one_thread: bool,
}

impl Definition {
    pub(crate) fn new(options: ManagerOptions) -> Self {
        Self { options, pending_services: Vec::new(), held: false, one_thread: false }
    }

    /// It is the plan of a child.
    pub(crate) fn hold_back(&mut self) {
        self.held = true;
        self.options.as_child();
    }

    /// All are to live on the thread of the manager.
    pub(crate) fn keep_to_one_thread(&mut self) {
        self.one_thread = true;
        self.options.as_one_thread();
    }

    /// Everything that can be refused is refused here.
    pub(crate) fn check(mut self) -> Result<CheckedDefinition, ConfigError> {
        self.pending_services.extend(self.ping());
        let (checked, specs) = self.verdict(&self.pending_services.iter().collect::<Vec<_>>())?;
        let Self { options, pending_services, held, one_thread } = self;
        Ok(CheckedDefinition { options, checked, pending_services, specs, held, one_thread })
    }

    fn ping(&self) -> Option<PendingService> {
        self.options.pings().then(|| PendingService::grpc(ServiceSpec::new(PingService)))
    }

    fn verdict(
        &self,
        pending_services: &[&PendingService],
    ) -> Result<(CheckedOptions, Vec<Spec>), ConfigError> {
        let checked = self.options.check()?;
        let mut ids: HashSet<&Name> = HashSet::new();
        for (at, pending) in pending_services.iter().enumerate() {
            if pending.id.trim().is_empty() {
                return Err(ConfigError::EmptyId(at + 1));
            }
            if health::is_taken(&pending.id) {
                return Err(ConfigError::ReservedId(pending.id.to_string()));
            }
            let reserved = &*pending.id == SERVER_ID;
            if reserved || !ids.insert(&pending.id) {
                return Err(ConfigError::DuplicateId(pending.id.to_string()));
            }
            if self.one_thread && pending.kind.registers() {
                return Err(ConfigError::PausedGrpc(pending.id.to_string()));
            }
            pending.check(checked.budget.services_time())?;
        }
        if let Some(on) = self.options.grpc_depends_on.iter().find(|on| !ids.contains(on)) {
            let (service, on) = (SERVER_ID.to_owned(), on.to_string());
            return Err(ConfigError::UnknownDependency { service, on });
        }
        Ok((checked, specs(pending_services)?))
    }

    /// What the manager would do.
    pub(crate) fn sketch(&self) -> Result<ManagerPlan, ConfigError> {
        let ping = self.ping();
        let pending_services: Vec<&PendingService> = self.pending_services.iter().chain(&ping).collect();
        let (checked, specs) = self.verdict(&pending_services)?;
        let mut services: Vec<PlannedService> =
            pending_services.iter().map(|pending| PlannedService::new(pending)).collect();
        let mut needs: Vec<Vec<usize>> =
            specs.iter().map(|spec| spec.depends_on.iter().map(|on| on.on.0 as usize).collect()).collect();
        if pending_services.iter().any(|pending| pending.kind.registers()) {
            let on = |id: &Name| pending_services.iter().position(|pending| pending.id == *id);
            needs.push(self.options.grpc_depends_on.iter().filter_map(on).collect());
            services.push(PlannedService::server(self.options.grpc_depends_on.clone()));
        }
        take_turns(&mut services, &needs, &checked.budget);
        Ok(ManagerPlan::new(services, &checked.budget))
    }
}

/// Who starts after how many others, who stops after how many, and when at the latest.
fn take_turns(services: &mut [PlannedService], needs: &[Vec<usize>], budget: &Budget) {
    let order = crate::lifecycle::start_order(needs).unwrap_or_default();
    for &at in &order {
        services[at].start_turn = needs[at].iter().map(|&on| services[on].start_turn + 1).max().unwrap_or(0);
    }
    for &at in order.iter().rev() {
        for &on in &needs[at] {
            services[on].stop_turn = services[on].stop_turn.max(services[at].stop_turn + 1);
        }
    }
    let turns = services.iter().map(|service| service.stop_turn + 1).max().unwrap_or(1) as u32;
    let asked = clock::now();
    for service in services {
        let share = budget.share_until(asked, service.stop_turn as u32, turns);
        service.asked_by = share.map(|at| at - asked);
    }
}

/// What a manager would do, by [`Manager::plan`](crate::Manager::plan): its start, its stop, its time. Displays as a table.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ManagerPlan {
    /// All services, and the gRPC server where there is one; in the order of their start.
    pub services: Vec<PlannedService>,
    /// How long everything goes on working after shutdown was asked.
    #[serde(rename = "drain_delay_ms", serialize_with = "as_ms")]
    pub drain_delay: Duration,
    /// When services that still run are forced, after shutdown was asked; `None`: never.
    #[serde(rename = "services_until_ms", serialize_with = "as_opt_ms")]
    pub services_until: Option<Duration>,
    /// When all that is left is forced; `None`: never.
    #[serde(rename = "deadline_ms", serialize_with = "as_opt_ms")]
    pub deadline: Option<Duration>,
}

/// A service in a [`ManagerPlan`].
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PlannedService {
    /// Its id.
    pub id: Name,
    /// What it depends on.
    pub depends_on: Vec<Name>,
    /// After how many others, one after the other, it is set up. Those of one turn start side by side.
    pub start_turn: usize,
    /// After how many others, one after the other, it is asked to stop. Those of one turn stop side by side.
    pub stop_turn: usize,
    /// When it is asked to stop at the latest, after shutdown was asked: those before it have had their share then. `None`:
    /// only when they are done.
    #[serde(rename = "asked_by_ms", serialize_with = "as_opt_ms")]
    pub asked_by: Option<Duration>,
    /// How long its own stop may take at most, where it says so.
    #[serde(rename = "stop_timeout_ms", serialize_with = "as_opt_ms")]
    pub stop_timeout: Option<Duration>,
    /// When it is started again.
    #[serde(serialize_with = "as_text")]
    pub restart: RestartPolicy,
    /// Where it is a [nested](crate::nested) manager: what that one would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<ManagerPlan>>,
}

impl ManagerPlan {
    fn new(mut services: Vec<PlannedService>, budget: &Budget) -> Self {
        services.sort_by_key(|service| service.start_turn);
        let asked = clock::now();
        Self {
            services,
            drain_delay: budget.drain_delay(),
            services_until: budget.services_until(asked).map(|at| at - asked),
            deadline: budget.deadline(asked).map(|at| at - asked),
        }
    }

    /// The ids in the order in which they are set up and run, those side by side together.
    pub fn start_order(&self) -> Vec<Vec<&str>> {
        self.turns(|service| service.start_turn)
    }

    /// The ids in the order in which they are asked to stop, those side by side together.
    pub fn stop_order(&self) -> Vec<Vec<&str>> {
        self.turns(|service| service.stop_turn)
    }

    fn turns(&self, turn: impl Fn(&PlannedService) -> usize) -> Vec<Vec<&str>> {
        let mut turns = Vec::new();
        for service in &self.services {
            turns.resize(turns.len().max(turn(service) + 1), Vec::new());
            turns[turn(service)].push(&*service.id);
        }
        turns
    }
}

impl PlannedService {
    fn new(pending: &PendingService) -> Self {
        Self {
            id: pending.id.clone(),
            depends_on: pending.depends_on.clone(),
            start_turn: 0,
            stop_turn: 0,
            asked_by: None,
            stop_timeout: pending.stop_timeout,
            restart: pending.policy.clone(),
            nested: pending.branch.as_ref().and_then(|branch| branch.plan().ok().cloned()).map(Box::new),
        }
    }

    fn server(depends_on: Vec<Name>) -> Self {
        Self {
            id: SERVER_ID.into(),
            depends_on,
            start_turn: 0,
            stop_turn: 0,
            asked_by: None,
            stop_timeout: None,
            restart: RestartPolicy::never(),
            nested: None,
        }
    }
}

impl fmt::Display for ManagerPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = |at: Option<Duration>| {
            at.map_or_else(|| "never".to_owned(), |at| format!("after {}", seconds(at)))
        };
        write!(f, "start:")?;
        for (turn, ids) in self.start_order().iter().enumerate() {
            write!(f, "\n  {}. {}", turn + 1, ids.join(", "))?;
        }
        write!(f, "\nstop, once shutdown is asked:")?;
        if !self.drain_delay.is_zero() {
            write!(f, "\n  all go on working for {}", seconds(self.drain_delay))?;
        }
        for (turn, ids) in self.stop_order().iter().enumerate() {
            write!(f, "\n  {}. {}", turn + 1, ids.join(", "))?;
            let by = self
                .services
                .iter()
                .find(|service| service.stop_turn == turn)
                .and_then(|service| service.asked_by);
            if turn > 0 {
                write!(f, ", when those before are done")?;
                if let Some(by) = by {
                    write!(f, ", at the latest after {}", seconds(by))?;
                }
            }
        }
        write!(f, "\n  services are forced {}", limit(self.services_until))?;
        write!(f, "\n  all that is left is forced {}", limit(self.deadline))?;
        write!(f, "\nservices:")?;
        for service in &self.services {
            write!(f, "\n  {}: {}", service.id, service.restart)?;
            if let Some(timeout) = service.stop_timeout {
                write!(f, ", stops within {}", seconds(timeout))?;
            }
            if !service.depends_on.is_empty() {
                write!(f, ", depends on {}", service.depends_on.join(", "))?;
            }
            if let Some(nested) = &service.nested {
                write!(f, "\n{}", indented(nested))?;
            }
        }
        Ok(())
    }
}
