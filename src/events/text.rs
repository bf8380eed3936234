//! Events as text, for people.

use std::fmt;
use std::sync::Arc;

use super::{LeaseEvent, LifecycleEvent, TimedEvent};

impl fmt::Display for TimedEvent {
    /// `1.2 s  setup_finished api: error: no route to host`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", crate::base::seconds(self.at), self.event)
    }
}

impl fmt::Display for LifecycleEvent {
    /// Its name, whom it concerns, and how it went; the rest is in its data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        let text = |key: &str| {
            data.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        f.write_str(&text("event").unwrap_or_default())?;
        if let Some(service) = text("service") {
            write!(f, " {service}")?;
        }
        if let Some(resource) = text("resource") {
            write!(f, "/{resource}")?;
        }
        for key in ["address", "outcome", "cause", "because", "error", "waiting_for"] {
            if let Some(text) = text(key) {
                write!(f, ": {text}")?;
            }
            if key == "outcome" && data.get("cancelled").is_some() {
                f.write_str(": cancelled")?;
            }
        }
        match self {
            LifecycleEvent::Missed { count } => write!(f, ": {count}"),
            LifecycleEvent::SetupRetried { retry, delay, .. } => {
                write!(f, ": retry {retry}, in {}", crate::base::seconds(*delay))
            }
            LifecycleEvent::Lease(LeaseEvent::StepDownStarted { stay_out, .. }) => {
                write!(f, ": it stays out for {}", crate::base::seconds(*stay_out))
            }
            LifecycleEvent::RestartDelayed { delay, .. } => write!(f, ": {}", crate::base::seconds(*delay)),
            LifecycleEvent::StallFinished { stall, lasted, goes_on: true, .. } => {
                write!(f, ": {stall} for {}, and still so", crate::base::seconds(*lasted))
            }
            LifecycleEvent::StallStarted { stall, lasted, .. }
            | LifecycleEvent::StallFinished { stall, lasted, .. } => {
                write!(f, ": {stall} for {}", crate::base::seconds(*lasted))
            }
            _ => Ok(()),
        }
    }
}

/// The latest events, at the end of a text of several lines.
pub(crate) fn write_latest(f: &mut fmt::Formatter<'_>, events: &[Arc<TimedEvent>]) -> fmt::Result {
    if !events.is_empty() {
        write!(f, "\n  latest events:")?;
    }
    events.iter().try_for_each(|event| write!(f, "\n    {event}"))
}
