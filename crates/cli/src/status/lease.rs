//! What a status tells of the lease of a service that runs on one replica only.

use serde::Deserialize;

use super::fault::Fault;
use super::model::{Service, Status};
use crate::text::{lasted, plain, times};

/// Times are milliseconds since the manager's start.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    pub(crate) name: String,
    pub(crate) condition: LeaseCondition,
    pub(crate) holder: Option<String>,
    pub(crate) since_ms: Option<f64>,
    pub(crate) until_ms: Option<f64>,
    pub(crate) epoch: Option<u64>,
    pub(crate) acquired: u64,
    pub(crate) lost: u64,
    pub(crate) stepped_down: u64,
    pub(crate) error: Option<String>,
}

/// How far the process is from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LeaseCondition {
    Free,
    Standby,
    Held,
    /// It is lost, and its service stops.
    Ending,
    Returning,
    StayingOut,
    /// Something of its service may still run: the process ends before the lease does.
    Lapsing,
    /// A newer manager says what this program does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl Lease {
    /// `lease nightly, epoch 3, held for 2.0 s, until in 4.0 s`, or whose it is; and how often that has changed.
    pub(crate) fn text(&self, status: &Status) -> String {
        let mut parts = vec![format!("lease {}", self.name)];
        let until = self.until_ms.map(|at| lasted(at - status.up_ms));
        match (self.condition, &self.holder) {
            (LeaseCondition::Held | LeaseCondition::Ending | LeaseCondition::Lapsing, _) => {
                parts.extend(self.epoch.map(|epoch| format!("epoch {epoch}")));
                parts.extend(self.since_ms.map(|at| format!("held for {}", lasted(status.ago(at)))));
                parts.extend(until.map(|left| format!("to be renewed within {left}")));
            }
            (_, Some(holder)) => {
                parts.push(format!("held by {holder}"));
                parts.extend(until.map(|left| format!("for {left} unless renewed")));
            }
            (_, None) => {}
        }
        let counted =
            [("acquired", self.acquired, 1), ("lost", self.lost, 0), ("given away", self.stepped_down, 0)];
        let more = counted.into_iter().filter(|(_, count, usual)| count > usual);
        parts.extend(more.map(|(what, count, _)| format!("{what} {}", times(count))));
        plain(&parts.join(", "))
    }
}

/// What is wrong with it: that another replica has it is not.
pub(super) fn fault(status: &Status, service: &Service) -> Option<Fault> {
    let lease = service.lease.as_ref()?;
    let name = &lease.name;
    let left = lease.until_ms.map(|at| format!(" in {}", lasted(at - status.up_ms))).unwrap_or_default();
    let error = lease.error.as_deref();
    let (what, hint) = match (lease.condition, error) {
        (LeaseCondition::Held, Some(error)) => (
            format!("its lease {name} cannot be renewed: {error}"),
            format!("see to the store: the lease ends{left}, and the service is stopped before that"),
        ),
        (LeaseCondition::Ending, error) => (
            format!("it has lost its lease {name}, and is stopped: {}", error.unwrap_or("another has it")),
            "wait: it stands by again when it has stopped".to_owned(),
        ),
        (LeaseCondition::Lapsing, _) => (
            format!("something of it may still run, and so its lease {name} is not given back"),
            format!("the process ends before the lease does{left}: move blocking work to spawn_blocking"),
        ),
        (LeaseCondition::Standby, Some(error)) => (
            format!("it cannot ask for its lease {name}: {error}"),
            "see to the store; it asks again by itself".to_owned(),
        ),
        _ => return None,
    };
    Some(Fault::new(&service.id, what, None, hint))
}

#[cfg(test)]
mod tests {
    use super::super::faults::faults;
    use super::super::sentence::sentence;
    use super::super::table;
    use super::*;

    /// A status of one service that stands by, or runs, whose lease is like that; 10 s after the start.
    fn status(condition: &str, lease: &str) -> Status {
        let text = format!(
            r#"{{"stage": "running", "up_ms": 10000, "services": [{{"id": "reports", "condition": "{condition}", "state": "as it is",
                "lease": {{"name": "nightly", {lease}}}}}]}}"#
        );
        Status::parse(&text).unwrap()
    }

    #[test]
    fn g25_the_table_tells_who_has_a_lease_since_when_and_until_when() {
        for (condition, lease, wanted) in [
            (
                "running",
                r#""condition": "held", "epoch": 7, "since_ms": 4000, "until_ms": 23500, "acquired": 1"#,
                "lease nightly, epoch 7, held for 6.0 s, to be renewed within 13.5 s",
            ),
            (
                "standby",
                r#""condition": "standby", "holder": "b/12/x", "until_ms": 12000, "acquired": 3, "lost": 1, "stepped_down": 2"#,
                "lease nightly, held by b/12/x, for 2.0 s unless renewed, acquired 3 times, lost once, given away 2 times",
            ),
            (
                "standby",
                r#""condition": "staying_out", "stays_out_until_ms": 40000, "acquired": 1"#,
                "lease nightly",
            ),
            ("new", r#""condition": "new""#, "lease nightly"),
        ] {
            let status = status(condition, lease);
            assert_eq!(table::rows(&status)[0].more, wanted);
            assert!(table::rows(&status)[0].is_up && faults(&status).is_empty(), "{condition} is well");
        }
    }

    #[test]
    fn g25_what_costs_the_lease_is_a_fault_and_standing_by_is_none() {
        for (lease, wanted) in [
            (r#""condition": "standby", "holder": "b""#, None),
            (
                r#""condition": "held", "until_ms": 13000, "error": "no route""#,
                Some(
                    "reports: its lease nightly cannot be renewed: no route -> \
                     see to the store: the lease ends in 3.0 s, and the service is stopped before that",
                ),
            ),
            (
                r#""condition": "ending""#,
                Some(
                    "reports: it has lost its lease nightly, and is stopped: another has it -> \
                     wait: it stands by again when it has stopped",
                ),
            ),
            (
                r#""condition": "lapsing", "until_ms": 11000"#,
                Some(
                    "reports: something of it may still run, and so its lease nightly is not given back -> \
                     the process ends before the lease does in 1.0 s: move blocking work to spawn_blocking",
                ),
            ),
            (
                r#""condition": "standby", "error": "wrong password""#,
                Some(
                    "reports: it cannot ask for its lease nightly: wrong password -> \
                     see to the store; it asks again by itself",
                ),
            ),
        ] {
            let found: Vec<_> = faults(&status("standby", lease)).iter().map(ToString::to_string).collect();
            assert_eq!(found, wanted.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
    }

    #[test]
    fn g25_who_stands_by_counts_as_up_and_is_counted() {
        let told = sentence(&status("standby", r#""condition": "standby""#));
        assert_eq!(told, "Running, 1 of 1 up, 1 of them standing by, for 10.0 s.");
        assert_eq!(sentence(&status("running", r#""condition": "held""#)), "Running, 1 of 1 up, for 10.0 s.");
    }
}
