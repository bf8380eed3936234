//! What a status tells of hand-overs: to a successor, and of a predecessor.

use std::fmt;

use serde::Deserialize;

use super::fault::Fault;
use crate::text::plain;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Handover {
    pub(crate) generation: u64,
    pub(crate) predecessor: Option<u64>,
    pub(crate) in_charge: bool,
    pub(crate) successor: Option<Successor>,
    /// Why the latest came to nothing.
    pub(crate) failure: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Successor {
    pub(crate) pid: Option<u64>,
    pub(crate) doing: Option<String>,
}

impl fmt::Display for Handover {
    /// `Process number 2 in a row, after 4711; its successor 4712 comes up.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process number {} in a row", self.generation)?;
        if let Some(predecessor) = self.predecessor {
            write!(f, ", after {predecessor}")?;
        }
        match (&self.successor, self.in_charge) {
            (Some(successor), true) => write!(f, "; {} comes up", successor.name())?,
            (Some(successor), false) => write!(f, "; {} is in charge", successor.name())?,
            (None, true) => {}
            (None, false) => f.write_str("; not yet in charge")?,
        }
        f.write_str(".")
    }
}

impl Successor {
    fn name(&self) -> String {
        self.pid.map_or_else(|| "its successor".to_owned(), |pid| format!("its successor {pid}"))
    }
}

/// A successor that is waited for, or the latest that never came.
pub(super) fn fault(handover: &Handover) -> Option<Fault> {
    match (&handover.successor, &handover.failure) {
        (Some(successor), _) if handover.in_charge => {
            let doing = successor.doing.as_deref().filter(|doing| !doing.is_empty());
            let doing = doing.map(|doing| format!(": {}", plain(doing))).unwrap_or_default();
            let hint = "wait: this process serves meanwhile, and ends a successor that takes too long";
            Some(Fault::new("hand-over", format!("{} comes up{doing}", successor.name()), None, hint))
        }
        (_, Some(failure)) => {
            let what = format!("the latest came to nothing, and this process serves on: {failure}");
            Some(Fault::new("hand-over", what, None, "mend that, then majordomo handover tries again"))
        }
        _ => None,
    }
}
