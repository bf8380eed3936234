//! What a script says of restarts, and of set-ups that are tried again.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::service::RestartPolicy;

/// A [`RestartPolicy`]. What is left out is as its default, but for the jitter: there is none, so that a rehearsal can be
/// repeated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestartScript {
    /// `never`, `on_failure` or `always`.
    pub policy: RestartWord,
    /// [`RestartPolicy::max_restarts`].
    pub max: u32,
    /// [`RestartPolicy::within`].
    pub within_ms: u64,
    /// [`RestartPolicy::backoff`]: the first delay.
    pub backoff_ms: u64,
    /// [`RestartPolicy::backoff`]: the longest; left out, 10 s, or the first where that is longer.
    pub max_backoff_ms: Option<u64>,
    /// [`RestartPolicy::jitter`].
    pub jitter: f64,
}

/// The name of a restart policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartWord {
    /// [`RestartPolicy::never`]
    #[default]
    Never,
    /// [`RestartPolicy::on_failure`]
    OnFailure,
    /// [`RestartPolicy::always`]
    Always,
}

impl Default for RestartScript {
    fn default() -> Self {
        Self {
            policy: RestartWord::Never,
            max: 3,
            within_ms: 5000,
            backoff_ms: 100,
            max_backoff_ms: None,
            jitter: 0.0,
        }
    }
}

impl RestartScript {
    /// That of a set-up: who says nothing of the policy wants retries.
    pub(super) fn of_setup<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let mut script = serde_json::Map::deserialize(deserializer)?;
        script.entry("policy").or_insert_with(|| "on_failure".into());
        Self::deserialize(serde_json::Value::Object(script)).map(Some).map_err(D::Error::custom)
    }

    pub(super) fn policy(&self) -> RestartPolicy {
        let policy = match self.policy {
            RestartWord::Never => RestartPolicy::never(),
            RestartWord::OnFailure => RestartPolicy::on_failure(),
            RestartWord::Always => RestartPolicy::always(),
        };
        let most = self.max_backoff_ms.unwrap_or(10_000.max(self.backoff_ms));
        policy
            .max_restarts(self.max)
            .within(Duration::from_millis(self.within_ms))
            .backoff(Duration::from_millis(self.backoff_ms), Duration::from_millis(most))
            .jitter(self.jitter)
    }
}
