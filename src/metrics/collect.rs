//! What is told when somebody scrapes: the families of the contract, in its order.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::Arc;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tonic::Code;

use super::core::Core;
use super::family::Out;
use super::go_names;
use super::histogram::{BOUNDS, Totals};
use super::labels::{Labels, label};
use super::leases::{Change, Lease};
use super::life::{Life, State};
use super::lock::lock;
use super::methods::{Ended, MethodTotals};
use super::requests::RequestTotals;
use crate::base::{EndedBy, clock};
use crate::lifecycle::HandoverEnd;

/// A code of gRPC by its number, as gRPC writes it: `NOT_FOUND`.
fn code_name(code: usize) -> String {
    let plain = format!("{:?}", Code::from(code as i32));
    let mut name = String::new();
    for (at, letter) in plain.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Tells all that was counted, each time it is asked.
#[derive(Debug)]
pub(super) struct Tells(pub(super) Arc<Core>);

impl Collector for Tells {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let core = &self.0;
        let (methods, requests) = (lock(&core.methods).totals(), lock(&core.requests).totals());
        let mut out = Out(encoder);
        let mut calls_ended = Ended::default();
        for method in methods.values() {
            calls_ended.iter_mut().zip(method.ended).for_each(|(all, more)| *all += more);
        }
        calls(&mut out, methods.iter().map(|(method, totals)| (&*method.name, totals)))?;
        http_requests(&mut out, &requests)?;
        ended(&mut out, &calls_ended, &requests.ended)?;
        if core.go_names {
            go_names::tell(&mut out, &methods)?;
        }
        life(&mut out, &mut core.life(), clock::now())?;
        leases(&mut out, &core.life())?;
        handovers(&mut out, &core.life())?;
        build(&mut out)
    }
}

fn calls<'a>(
    out: &mut Out<'_>,
    methods: impl Iterator<Item = (&'a str, &'a MethodTotals)>,
) -> Result<(), Error> {
    let help = "How long calls of gRPC took, from their arrival to their trailers.";
    let mut family = out.durations("rpc_server_call_duration", help)?;
    // Those of several kinds that are `_OTHER` are one.
    let mut all = BTreeMap::<(&str, usize), Totals>::new();
    for (method, totals) in methods {
        for (code, calls) in &totals.by_code {
            all.entry((method, *code)).or_default().merge(calls);
        }
    }
    for ((method, code), totals) in &all {
        let status = code_name(*code);
        let labels = Labels([
            ("rpc_system_name", Some("grpc")),
            ("rpc_method", Some(method)),
            ("rpc_response_status_code", Some(&*status)),
            ("error_type", (*code > 0).then_some(&*status)),
        ]);
        family.duration(&labels, totals, &BOUNDS)?;
    }
    Ok(())
}

fn http_requests(out: &mut Out<'_>, requests: &RequestTotals) -> Result<(), Error> {
    let help = "How long requests over HTTP took, from their arrival to the end of their answers.";
    let mut family = out.durations("http_server_request_duration", help)?;
    for ((route, kind), totals) in &requests.series {
        let status = kind.status().to_string();
        let error = kind.error().or((kind.status() >= 500).then_some(&*status));
        let labels = Labels([
            ("http_request_method", Some(kind.method())),
            ("url_scheme", Some(kind.scheme())),
            ("http_route", route.as_deref()),
            ("http_response_status_code", (kind.status() > 0).then_some(&*status)),
            ("network_protocol_version", Some(kind.version())),
            ("error_type", error),
        ]);
        family.duration(&labels, totals, &BOUNDS)?;
    }
    Ok(())
}

/// Panics, sheds, cancels, deadlines: what they are, whatever their status.
fn ended(out: &mut Out<'_>, calls: &Ended, requests: &Ended) -> Result<(), Error> {
    let help = "Calls and requests that something else than a handler ended, by what that was.";
    let mut family = out.counters("majordomo_calls_ended", help)?;
    for (protocol, ended) in [("grpc", calls), ("http", requests)] {
        for by in EndedBy::ALL.into_iter().filter(|by| *by != EndedBy::Handler) {
            let labels = Labels([("protocol", Some(protocol)), ("ended_by", Some(by.word()))]);
            family.counter(&labels, ended[by as usize])?;
        }
    }
    Ok(())
}

fn service(id: &str) -> Labels<'_, 1> {
    label("service", id)
}

fn life(out: &mut Out<'_>, life: &mut Life, now: Instant) -> Result<(), Error> {
    let mut family = out.gauges("majordomo_service_state", "What a service is doing: 1 for that, 0 else.")?;
    for (id, of) in &life.services {
        for state in State::ALL {
            let labels = Labels([("service", Some(&**id)), ("state", Some(state.word()))]);
            family.gauge(&labels, u64::from(of.state == state))?;
        }
    }
    let mut family =
        out.counters("majordomo_service_restarts", "How often a service was started again, for any reason.")?;
    for (id, of) in &life.services {
        family.counter(&service(id), of.restarts)?;
    }
    let help =
        "How many restarts the policy of a service allows at this moment; only of those that it bounds.";
    let mut family = out.gauges("majordomo_service_restarts_left", help)?;
    for (id, left) in life.restarts_left(now) {
        family.gauge(&service(&id), left.into())?;
    }
    let help = "For how long a service, a resource or a call of it has not got on; 0 where all do.";
    let mut family = out.times("majordomo_stall", help)?;
    for (id, of) in &life.services {
        family.time(&service(id), of.stall(now))?;
    }
    let help = "For how long the shutdown has lasted; 0 before it is asked.";
    out.times("majordomo_shutdown", help)?.only_time(life.shutdown(now))?;
    let help = "How often a service, or a resource of it, was forced to its end.";
    let mut family = out.counters("majordomo_forced", help)?;
    for (id, of) in &life.services {
        family.counter(&service(id), of.forced)?;
    }
    let load = |of: &super::life::Service| of.load.as_ref().and_then(|read| read());
    let loads: Vec<_> = life.services.iter().filter_map(|(id, of)| Some((id, load(of)?))).collect();
    let mut family = out.gauges("majordomo_open_calls", "Calls and requests that are open, by server.")?;
    for (id, (_, open)) in &loads {
        family.gauge(&service(id), *open as u64)?;
    }
    let mut family = out.gauges("majordomo_connections", "Connections that are open, by server.")?;
    for (id, (connections, _)) in &loads {
        family.gauge(&service(id), *connections as u64)?;
    }
    Ok(())
}

fn of_lease<'a>(id: &'a str, lease: &'a Lease) -> Labels<'a, 2> {
    Labels([("service", Some(id)), ("lease", Some(&*lease.name))])
}

/// A series for each service that needs a lease: its id and the lease's name, which the program gives.
fn leases(out: &mut Out<'_>, life: &Life) -> Result<(), Error> {
    let all = || life.services.iter().filter_map(|(id, of)| Some((&**id, of.lease.as_ref()?)));
    let help = "Whether this process has the lease of a service, and can keep it: 1 or 0.";
    let mut family = out.gauges("majordomo_lease_held", help)?;
    for (id, lease) in all() {
        family.gauge(&of_lease(id, lease), u64::from(lease.held))?;
    }
    let help = "The epoch with which this process was granted the lease last; 0 before.";
    let mut family = out.gauges("majordomo_lease_epoch", help)?;
    for (id, lease) in all() {
        family.gauge(&of_lease(id, lease), lease.epoch)?;
    }
    let help = "How often the lease was acquired, lost, or given away by an order, by this process.";
    let mut family = out.counters("majordomo_lease_transitions", help)?;
    for (id, lease) in all() {
        for change in Change::ALL {
            let more = ("transition", Some(change.word()));
            let labels = Labels([("service", Some(id)), ("lease", Some(&*lease.name)), more]);
            family.counter(&labels, lease.changes(change))?;
        }
    }
    Ok(())
}

fn handovers(out: &mut Out<'_>, life: &Life) -> Result<(), Error> {
    let help = "Which process in a row this is, by hand-overs; the first is 1.";
    out.gauges("majordomo_generation", help)?.gauge(&Labels([]), life.generation.unwrap_or(1))?;
    let help = "Hand-overs to a successor that have ended, by what came of them.";
    let mut family = out.counters("majordomo_handovers", help)?;
    use HandoverEnd::{CalledOff, Failed, Passed, TakenBack, TimedOut};
    for end in [Passed, Failed, TimedOut, TakenBack, CalledOff] {
        let count = life.handovers.get(end.name()).copied().unwrap_or_default();
        family.counter(&label("outcome", end.name()), count)?;
    }
    Ok(())
}

fn build(out: &mut Out<'_>) -> Result<(), Error> {
    let help = "Which version of majordomo this program has.";
    out.infos("majordomo_build", help)?.info(&label("version", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_grpc_writes_them() {
        let names: Vec<_> = (0..super::super::methods::CODES).map(code_name).collect();
        assert_eq!((&*names[0], &*names[1], &*names[4]), ("OK", "CANCELLED", "DEADLINE_EXCEEDED"));
        assert_eq!((names.len(), &*names[16]), (17, "UNAUTHENTICATED"));
    }
}
