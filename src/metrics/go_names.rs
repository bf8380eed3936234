//! Calls of gRPC by the names of go-grpc-prometheus, for dashboards that know these.

use std::collections::BTreeMap;
use std::fmt::Error;

use super::family::Out;
use super::histogram::Totals;
use super::labels::Labels;
use super::methods::{CODES, MethodName, MethodTotals};

/// The codes by their numbers, as Go writes them.
const GO_CODES: [&str; CODES] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// The buckets of Go's client.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type Methods = BTreeMap<MethodName, MethodTotals>;

fn labels(method: &MethodName, code: Option<usize>) -> Labels<'_, 4> {
    let (service, name) = method.name.rsplit_once('/').unwrap_or((&method.name, &method.name));
    Labels([
        ("grpc_type", Some(method.kind)),
        ("grpc_service", Some(service)),
        ("grpc_method", Some(name)),
        ("grpc_code", code.map(|code| GO_CODES[code])),
    ])
}

pub(super) fn tell(out: &mut Out<'_>, methods: &Methods) -> Result<(), Error> {
    let mut family = out.counters("grpc_server_started", "Calls that have arrived.")?;
    for (method, totals) in methods {
        family.counter(&labels(method, None), totals.began)?;
    }
    let mut family = out.counters("grpc_server_handled", "Calls that are over, by their status.")?;
    for (method, totals) in methods {
        for (code, calls) in &totals.by_code {
            family.counter(&labels(method, Some(*code)), calls.count())?;
        }
    }
    let mut family = out.counters("grpc_server_msg_received", "Messages of requests that have come.")?;
    for (method, totals) in methods {
        family.counter(&labels(method, None), totals.received)?;
    }
    let mut family = out.counters("grpc_server_msg_sent", "Messages of answers that were sent.")?;
    for (method, totals) in methods {
        family.counter(&labels(method, None), totals.sent)?;
    }
    let mut family =
        out.durations("grpc_server_handling", "How long calls took, from their arrival to their trailers.")?;
    for (method, totals) in methods {
        let mut all = Totals::default();
        totals.by_code.values().for_each(|calls| all.merge(calls));
        family.duration(&labels(method, None), &all, &BOUNDS)?;
    }
    Ok(())
}
