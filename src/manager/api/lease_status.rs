//! How the lease of a service stands, by what this process knows of it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::base::{as_opt_ms, seconds, times};
use crate::events::Name;
use crate::lifecycle::LeaseState;

/// The lease of a service that is [`only_with`](crate::ServiceSpec::only_with) one, by what this process knows: the store is not asked for it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// Its name.
    pub name: Name,
    /// How far this process is from it.
    pub condition: LeaseCondition,
    /// Who has it, as the store knows it: this process (its host, its number and a name of this time that it asks), or who the store has named last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Since when this process has it, from the manager's start.
    #[serde(rename = "since_ms", serialize_with = "as_opt_ms")]
    pub since: Option<Duration>,
    /// Until when its holder has it at least, unless it is renewed, from the manager's start; `None` where that is not known. That of this process may be of the renewal
    /// before the last, a sixth of its time to live earlier: nobody is woken to hear that all is well.
    #[serde(rename = "until_ms", serialize_with = "as_opt_ms")]
    pub until: Option<Duration>,
    /// The epoch with which this process has it.
    pub epoch: Option<u64>,
    /// How often this process was granted it.
    pub acquired: u64,
    /// How often this process could not keep it.
    pub lost: u64,
    /// How often this process has given it away by an order ([`StepDown`](crate::StepDown)).
    pub stepped_down: u64,
    /// Where it was given away: when this process asks for it again, from the manager's start.
    #[serde(rename = "stays_out_until_ms", serialize_with = "as_opt_ms")]
    pub stays_out_until: Option<Duration>,
    /// Why the store did not do what it was asked last, where that was not since another has the lease: what keeps this up costs the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a process is from a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeaseCondition {
    /// It has none, and asks for none: its service is not to start, or not yet.
    Free,
    /// It asks for it, and stands by.
    Standby,
    /// It has it.
    Held,
    /// It cannot keep it: its service stops, or is cut.
    Ending,
    /// It is giving it back.
    Returning,
    /// It has given it away by an order, and asks for none for a while.
    StayingOut,
    /// It was not given back, since something of its service may still run: the process ends before the lease does.
    Lapsing,
}

impl LeaseCondition {
    /// `None`: no lease is needed.
    pub(crate) fn of(state: LeaseState) -> Option<Self> {
        Some(match state {
            LeaseState::Unneeded => return None,
            LeaseState::Unchecked | LeaseState::Checking | LeaseState::Free => Self::Free,
            LeaseState::Out => Self::StayingOut,
            LeaseState::Sought => Self::Standby,
            LeaseState::Held => Self::Held,
            LeaseState::Lost | LeaseState::Expired => Self::Ending,
            LeaseState::Returning => Self::Returning,
            LeaseState::Left => Self::Lapsing,
        })
    }

    /// Whether this process has it, if not for long any more.
    pub fn is_had(self) -> bool {
        matches!(self, Self::Held | Self::Ending | Self::Lapsing)
    }
}

/// A status of this time, from the manager's start, shows it so.
pub(crate) struct LeaseAside<'a>(pub(crate) &'a LeaseStatus, pub(crate) Duration);

impl fmt::Display for LeaseAside<'_> {
    /// `lease "reports" of epoch 3 for 2.0 s, until in 13.0 s at least, acquired once`, or who has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LeaseAside(LeaseStatus { name, condition, holder, since, until, epoch, .. }, now) = self;
        write!(f, "lease {name:?}")?;
        let ends = until.map(|until| seconds(until.saturating_sub(*now)));
        if condition.is_had() {
            if let Some(epoch) = epoch {
                write!(f, " of epoch {epoch}")?;
            }
            if let Some(since) = since {
                write!(f, " for {}", seconds(now.saturating_sub(*since)))?;
            }
            if let Some(ends) = ends {
                write!(f, ", to be renewed within {ends}")?;
            }
        } else if let Some(holder) = holder {
            write!(f, " is {holder}'s")?;
            if let Some(ends) = ends {
                write!(f, " for {ends} unless it renews it")?;
            }
        }
        let LeaseStatus { acquired, lost, error, .. } = self.0;
        if *acquired > 1 || *lost > 0 {
            write!(f, ", acquired {}, lost {}", times(*acquired), times(*lost))?;
        }
        match error {
            Some(error) => write!(f, "; its store fails: {error}"),
            None => Ok(()),
        }
    }
}
