//! What is wrong, as far as a status tells: who, since when, what to do.
//!
//! Those come first that hold others up. Who merely waits for another is named with that one, and has no line of its own.

use super::condition::{Condition, ResourceCondition};
use super::ending;
use super::fault::Fault;
use super::model::{Call, Event, Service, Status};
use super::{handover, lease};
use crate::text::{lasted, times};

/// A poll this long is a stall, whatever the manager's own limit is.
const LONG_POLL: f64 = 1000.0;

/// Everything that is wrong; empty where nothing is.
pub(crate) fn faults(status: &Status) -> Vec<Fault> {
    let mut faults = if status.is_ending() { ending::faults(status) } else { Vec::new() };
    for service in &status.services {
        faults.extend(stall(status, service));
        faults.extend(stuck_calls(&service.id, service.http.iter().flat_map(|http| &http.stuck)));
        if !status.is_ending() {
            faults.extend(of_service(status, service));
            faults.extend(lease::fault(status, service));
            faults.extend(lost_resources(service));
        }
        if let Some(nested) = &service.nested {
            faults.extend(nested_faults(service, nested));
        }
    }
    faults.extend(status.handover.as_ref().and_then(handover::fault));
    faults.extend(stuck_calls("majordomo grpc", status.grpc.iter().flat_map(|grpc| &grpc.stuck)));
    // The order of services otherwise.
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.held_up.len()));
    faults
}

/// What is wrong with a service that is to be up.
fn of_service(status: &Status, service: &Service) -> Option<Fault> {
    let for_ms = service.since_ms.map(|at| status.ago(at));
    let fault = |what: String, hint: String| {
        Fault::new(&service.id, what, for_ms, hint).holding_up(waiting_for(status, service))
    };
    let why = service.failure.as_deref().unwrap_or(&service.state);
    let again = format!("majordomo restart '{}' starts it again", service.id);
    Some(match service.condition {
        Condition::RetryingSetup => {
            let retry = service.setup_retry.clone().unwrap_or_default();
            let next = retry
                .next_at_ms
                .map(|at| format!(", next in {}", lasted(at - status.up_ms)))
                .unwrap_or_default();
            let left = match retry.left {
                Some(0) => "; no try is left after that, and then all shuts down".to_owned(),
                Some(left) => format!("; {left} left, and then all shuts down"),
                None => String::new(),
            };
            let tried = times(retry.total);
            let what = format!("its set-up fails (tried again {tried}{next}): {why}");
            fault(what, format!("see that what it reaches for is up; it goes on by itself then{left}"))
        }
        Condition::SettingUp => {
            let hint =
                "see what its set-up waits for; a limit there, and retry_setup, would have it tried again";
            fault("it is still being set up".to_owned(), hint.to_owned())
        }
        Condition::Restarting => {
            let used = budget(service);
            let hint = "mend its latest failure; it goes on by itself";
            match &service.restart.last_failure {
                Some(last) => fault(format!("it is being restarted{used}: {last}"), hint.to_owned()),
                None => {
                    fault(format!("it is being restarted{used}"), "wait: it goes on by itself".to_owned())
                }
            }
        }
        Condition::Failed => fault(format!("it has failed: {why}"), format!("mend that; {again}")),
        Condition::Stopped => fault("it was stopped, and stays so".to_owned(), again),
        Condition::Stopping => {
            fault("it is stopping".to_owned(), "wait: its stop_timeout limits it".to_owned())
        }
        Condition::Running if service.restart.used > 0 && service.restart.left_of_itself().is_some() => {
            let last = service.restart.last_failure.as_deref().unwrap_or("it was not told why");
            let hint = match service.restart.left_of_itself() {
                Some(0) => "mend that soon: one more failure shuts all down",
                _ => "mend that before its restarts are used up",
            };
            fault(format!("it runs again, after failures{}: {last}", budget(service)), hint.to_owned())
        }
        _ => return None,
    })
}

/// `, 2 of 3 restarts used`
fn budget(service: &Service) -> String {
    let used = service.restart.used;
    match service.restart.left_of_itself() {
        Some(left) => format!(", {used} of {} restarts used", used + left),
        None => String::new(),
    }
}

/// Those that cannot be set up, or are down, until this one is up: directly or through others.
fn waiting_for(status: &Status, service: &Service) -> Vec<String> {
    if service.condition.is_up() {
        return Vec::new();
    }
    let mut reached = vec![service.id.clone()];
    let mut at = 0;
    while at < reached.len() {
        let next = status
            .services
            .iter()
            .filter(|other| other.depends_on.contains(&reached[at]) && !reached.contains(&other.id));
        let next: Vec<_> = next.map(|other| other.id.clone()).collect();
        reached.extend(next);
        at += 1;
    }
    reached.remove(0);
    let waits = |id: &String| status.services.iter().any(|other| other.id == *id && !other.condition.is_up());
    reached.into_iter().filter(waits).collect()
}

/// Whether it blocks its thread, as was told or as is to be seen; and whom it starves.
fn stall(status: &Status, service: &Service) -> Option<Fault> {
    let open = open_stalls(&status.history);
    let is = |event: &&&Event, kind: &str| event.text("stall") == Some(kind);
    let told = open.iter().find(|event| is(event, "stuck") && event.text("service") == Some(&service.id));
    let resources = service
        .resources
        .iter()
        .map(|resource| (format!("{}/{}", service.id, resource.name), resource.poll_ms));
    let polls = [(service.id.clone(), service.poll_ms)].into_iter().chain(resources);
    let longest =
        polls.filter_map(|(who, poll)| Some((who, poll?))).max_by(|one, other| one.1.total_cmp(&other.1));
    // Told, and over since: the event comes with the next look.
    let (who, poll) = longest.filter(|(_, poll)| told.is_some() || *poll >= LONG_POLL)?;
    let thread = service.thread.as_deref().unwrap_or("its thread");
    let doing = told.and_then(|event| event.text("doing")).unwrap_or("its messages");
    let what = format!("it blocks {thread} in {doing}");
    let blames = |event: &&&Event| {
        (is(event, "starved") && event.text("by") == Some(&service.id))
            || (is(event, "waiting") && event.text("on") == Some(&service.id))
    };
    let held_up =
        open.iter().filter(blames).filter_map(|event| event.text("service")).map(str::to_owned).collect();
    let hint = "move blocking work to spawn_blocking or to a dedicated thread";
    Some(Fault::new(&who, what, Some(poll), hint).holding_up(held_up))
}

/// Stalls that were told, and are not over.
pub(super) fn open_stalls(history: &[Event]) -> Vec<&Event> {
    let mut open: Vec<&Event> = Vec::new();
    let key = |event: &Event| {
        ["service", "resource", "stall", "method"].map(|key| event.text(key).map(str::to_owned))
    };
    for event in history {
        match event.event.as_str() {
            "stall_started" => open.push(event),
            "stall_finished" => open.retain(|other| key(other) != key(event)),
            _ => {}
        }
    }
    open
}

fn stuck_calls<'a>(who: &str, calls: impl Iterator<Item = &'a Call>) -> Vec<Fault> {
    let hint =
        "move blocking work of its handler to spawn_blocking; other calls of that worker wait meanwhile";
    calls
        .map(|call| Fault::new(who, format!("{} blocks its worker", call.method), Some(call.age_ms), hint))
        .collect()
}

fn lost_resources(service: &Service) -> impl Iterator<Item = Fault> {
    service.resources.iter().filter(|resource| resource.condition == ResourceCondition::Failed).map(
        |resource| {
            let who = format!("{}/{}", service.id, resource.name);
            Fault::new(
                &who,
                format!("the resource is lost: {}", resource.failure.as_deref().unwrap_or(&resource.state)),
                None,
                "mend that; a restart of its service starts it anew",
            )
        },
    )
}

/// Those of a nested manager, by the path to them.
fn nested_faults(service: &Service, nested: &Status) -> Vec<Fault> {
    let path = |id: &String| format!("{}/{id}", service.id);
    let within = |fault: Fault| Fault {
        who: path(&fault.who),
        held_up: fault.held_up.iter().map(path).collect(),
        ..fault
    };
    faults(nested).into_iter().map(within).collect()
}
