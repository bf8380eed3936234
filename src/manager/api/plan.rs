//! What a manager would do: its start, its stop, its time.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::status::indented;
use crate::base::clock;
use crate::base::seconds;
use crate::base::{as_ms, as_opt_ms, as_text};
use crate::events::Name;
use crate::lifecycle::{Budget, RestartMode};
use crate::service::RestartPolicy;

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
    /// When its set-up is tried again: of its mode only whether it is `never` matters.
    #[serde(serialize_with = "as_text")]
    pub setup_retry: RestartPolicy,
    /// Whether it is set up only when a predecessor has released everything:
    /// [`ServiceSpec::after_handover`](crate::ServiceSpec::after_handover).
    pub after_handover: bool,
    /// The lease without which it stands by: [`ServiceSpec::only_with`](crate::ServiceSpec::only_with).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Name>,
    /// Where it is a [nested](crate::nested) manager: what that one would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<ManagerPlan>>,
}

impl ManagerPlan {
    pub(crate) fn new(mut services: Vec<PlannedService>, budget: &Budget) -> Self {
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
            if service.setup_retry.mode() != RestartMode::Never {
                write!(f, ", its set-up is tried again: {}", service.setup_retry.times())?;
            }
            if let Some(timeout) = service.stop_timeout {
                write!(f, ", stops within {}", seconds(timeout))?;
            }
            if service.after_handover {
                write!(f, ", after a hand-over")?;
            }
            if let Some(lease) = &service.lease {
                write!(f, ", only with the lease {lease:?}")?;
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
