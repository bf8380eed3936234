//! A status, as far as it is read here. What is missing is as if there were none; what is not known is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::condition::{Condition, ResourceCondition};
use super::handover::Handover;
use super::lease::Lease;

/// Times are milliseconds since the manager's start.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) stage: String,
    pub(crate) up_ms: f64,
    pub(crate) grpc: Option<InFlight>,
    pub(crate) services: Vec<Service>,
    pub(crate) history: Vec<Event>,
    /// Where the manager offers hand-overs.
    pub(crate) handover: Option<Handover>,
    pub(crate) report: Option<Report>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) condition: Condition,
    pub(crate) state: String,
    /// The text at the end of `state`, where that tells why it ended.
    pub(crate) failure: Option<String>,
    pub(crate) since_ms: Option<f64>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) restart: Restart,
    pub(crate) setup_retry: Option<SetupRetry>,
    /// Where it runs on one replica only.
    pub(crate) lease: Option<Lease>,
    pub(crate) thread: Option<String>,
    pub(crate) poll_ms: Option<f64>,
    pub(crate) http: Option<InFlight>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) nested: Option<Box<Status>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Restart {
    pub(crate) policy: String,
    pub(crate) total: u64,
    pub(crate) used: u64,
    pub(crate) left: Option<u64>,
    pub(crate) last_failure: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SetupRetry {
    pub(crate) total: u64,
    pub(crate) left: Option<u64>,
    pub(crate) next_at_ms: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) condition: ResourceCondition,
    pub(crate) state: String,
    pub(crate) failure: Option<String>,
    pub(crate) poll_ms: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct InFlight {
    pub(crate) connections: u64,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) oldest: Option<Call>,
    pub(crate) stuck: Vec<Call>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) age_ms: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    pub(crate) cause: Option<String>,
    pub(crate) asked_at_ms: Option<f64>,
    pub(crate) services: Vec<Stopped>,
}

/// How far a service has come on its way to its end.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stopped {
    pub(crate) id: String,
    pub(crate) register: Option<Step>,
    pub(crate) setup: Option<Step>,
    pub(crate) run: Option<Step>,
    pub(crate) shutdown: Option<Step>,
    pub(crate) failures: Vec<String>,
    pub(crate) resources: Vec<Released>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Step {
    pub(crate) asked_at_ms: f64,
    pub(crate) took_ms: Option<f64>,
    pub(crate) outcome: Option<String>,
    pub(crate) why: Option<String>,
    pub(crate) cancelled: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Released {
    pub(crate) name: String,
    pub(crate) asked_at_ms: Option<f64>,
    pub(crate) took_ms: Option<f64>,
    pub(crate) ending: Option<String>,
    pub(crate) why: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    pub(crate) at_ms: f64,
    pub(crate) event: String,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl Status {
    /// # Errors
    /// Where it is no status.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether it is on its way to its end.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.stage.as_str(), "stopping" | "releasing" | "stopped")
    }

    /// How long ago that was.
    pub(crate) fn ago(&self, at_ms: f64) -> f64 {
        (self.up_ms - at_ms).max(0.0)
    }

    /// Until whatever is left is forced, where that is known and will be.
    pub(crate) fn to_force(&self) -> Option<f64> {
        let told = self.history.iter().rfind(|event| event.event == "progress")?;
        let left = told.number("to_force_ms")? - self.ago(told.at_ms);
        self.is_ending().then_some(left.max(0.0))
    }
}

impl InFlight {
    pub(crate) fn open(&self) -> u64 {
        self.calls.values().sum()
    }
}

impl Restart {
    /// How many are left, where it is restarted by itself and not any number of times.
    pub(crate) fn left_of_itself(&self) -> Option<u64> {
        self.left.filter(|_| !self.policy.starts_with("not restarted"))
    }
}

impl Step {
    pub(crate) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// When it was over.
    pub(crate) fn ended_at(&self) -> f64 {
        self.asked_at_ms + self.took_ms.unwrap_or_default()
    }
}

impl Event {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.more.get(key)?.as_str()
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.more.get(key)?.as_f64()
    }
}
