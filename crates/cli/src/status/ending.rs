//! What is wrong while a manager ends: what began it, who is waited for, what has failed on the way.

use super::fault::Fault;
use super::model::{InFlight, Status, Step, Stopped};
use crate::text::{count, lasted};

/// The failure that began it first, then those that are waited for, then those that went wrong.
pub(super) fn faults(status: &Status) -> Vec<Fault> {
    let Some(report) = &status.report else { return Vec::new() };
    let mut faults: Vec<Fault> = began(status).into_iter().collect();
    let not_asked: Vec<String> = report
        .services
        .iter()
        .filter(|service| is_before_its_turn(service))
        .map(|service| service.id.clone())
        .collect();
    let mut held: Vec<Fault> = report.services.iter().flat_map(|service| held_by(status, service)).collect();
    // Whoever has not had its turn waits for all of these alike: the first tells it.
    if let Some(first) = held.first_mut() {
        first.held_up = not_asked;
    }
    faults.extend(held);
    faults.extend(report.services.iter().flat_map(|service| went_wrong(status, service)));
    faults
}

/// The failure that had all shut down; `None` where it was asked for.
fn began(status: &Status) -> Option<Fault> {
    let report = status.report.as_ref()?;
    let cause = report.cause.as_deref()?;
    let (id, step) = match (cause.strip_prefix("failure of "), cause.strip_prefix("failed set-up of ")) {
        (Some(id), _) => (id, "it failed, and so all shuts down"),
        (None, Some(id)) => (id, "its set-up failed, and so all shuts down"),
        (None, None) => return None,
    };
    let stopped = report.services.iter().find(|service| service.id == id);
    let steps =
        stopped.into_iter().flat_map(|service| [&service.register, &service.setup, &service.run]).flatten();
    let why = steps.filter_map(|step| step.why.as_deref()).next_back();
    let why = why.or_else(|| stopped?.failures.last().map(String::as_str)).unwrap_or("it was not told why");
    let service = status.services.iter().find(|service| service.id == id);
    let used =
        service.map(|service| &service.restart).filter(|restart| restart.used > 0 && restart.left == Some(0));
    let (used, hint) = match used {
        Some(restart) => (
            match restart.used {
                1 => " (its restart is used up)".to_owned(),
                used => format!(" (its {used} restarts are used up)"),
            },
            "mend that; its RestartPolicy says how often it may fail",
        ),
        None => (String::new(), "mend that; a RestartPolicy, or retry_setup, would have it tried again"),
    };
    let for_ms = report.asked_at_ms.map(|at| status.ago(at));
    Some(Fault::new(id, format!("{step}{used}: {why}"), for_ms, hint))
}

fn is_open(step: &Option<Step>) -> bool {
    step.as_ref().is_some_and(Step::is_open)
}

/// Whether it runs and has not been asked to stop yet.
fn is_before_its_turn(service: &Stopped) -> bool {
    is_open(&service.run) && service.shutdown.is_none()
}

/// Whether it is waited for, or one of its resources.
fn held_by(status: &Status, service: &Stopped) -> Vec<Fault> {
    let mut faults = Vec::new();
    let until = status
        .to_force()
        .map(|left| format!(", or wait: it is forced in {} at the latest", lasted(left)))
        .unwrap_or_default();
    if let Some(shutdown) =
        service.shutdown.as_ref().filter(|_| is_open(&service.shutdown) || is_open(&service.run))
    {
        let carried =
            status.services.iter().find(|other| other.id == service.id).and_then(|other| other.http.as_ref());
        let carried = carried
            .or(status.grpc.as_ref().filter(|_| service.id == "majordomo grpc"))
            .filter(|carried| carried.open() > 0);
        let (what, hint) = match carried {
            Some(carried) => {
                (draining(carried), "endless answers end at stream_grace, others have until they are forced")
            }
            None if is_open(&service.shutdown) => (
                "it was asked to stop, and has not answered".to_owned(),
                "have its Shutdown, and its Run, return",
            ),
            None => (
                "it agreed to stop, and still runs".to_owned(),
                "have its Run return once shutdown is requested",
            ),
        };
        faults.push(Fault::new(
            &service.id,
            what,
            Some(status.ago(shutdown.asked_at_ms)),
            format!("{hint}{until}"),
        ));
    }
    for (step, what) in [(&service.setup, "set-up"), (&service.register, "registration")] {
        if let Some(open) = step.as_ref().filter(|step| step.is_open()) {
            let hint = format!("have it heed its ShutdownSignal{until}");
            faults.push(Fault::new(
                &service.id,
                format!("its {what} was told to stop, and goes on"),
                Some(status.ago(open.asked_at_ms)),
                hint,
            ));
        }
    }
    for resource in service.resources.iter().filter(|resource| resource.ending.is_none()) {
        if let Some(asked) = resource.asked_at_ms {
            let who = format!("{}/{}", service.id, resource.name);
            let hint = format!("limit what its Release waits for{until}");
            faults.push(Fault::new(&who, "the resource is being released", Some(status.ago(asked)), hint));
        }
    }
    faults
}

fn draining(carried: &InFlight) -> String {
    let calls = count(carried.open(), "call");
    match &carried.oldest {
        Some(oldest) => {
            format!("it drains, {calls} open; the oldest, {}, for {}", oldest.method, lasted(oldest.age_ms))
        }
        None => format!("it drains, {calls} open"),
    }
}

/// What was forced or failed while all ended. The text of a forced end says what to do.
fn went_wrong(status: &Status, service: &Stopped) -> Vec<Fault> {
    let asked = status.report.as_ref().and_then(|report| report.asked_at_ms).unwrap_or_default();
    let mut faults: Vec<Fault> = Vec::new();
    for step in [&service.register, &service.setup, &service.run, &service.shutdown].into_iter().flatten() {
        if let (Some(why), false, true) = (&step.why, step.cancelled, step.ended_at() > asked) {
            // Cut off in both its main loop and its shutdown, it is told once.
            let is_told = step.outcome.as_deref() == Some("forced") && !faults.is_empty();
            if !is_told {
                faults.push(ended(&service.id, why, status.ago(step.ended_at())));
            }
        }
    }
    for resource in &service.resources {
        let over = resource.asked_at_ms.zip(resource.took_ms).map(|(asked, took)| status.ago(asked + took));
        if let (Some(why), Some(ago)) = (&resource.why, over) {
            faults.push(ended(&format!("{}/{}", service.id, resource.name), why, ago));
        }
    }
    faults
}

/// `forced after 1.8 s of run: it went on; have its Run return`: what it says to do stands last.
fn ended(who: &str, why: &str, ago: f64) -> Fault {
    match why.rsplit_once("; ").filter(|_| why.starts_with("forced after")) {
        Some((what, hint)) => Fault::new(who, what, Some(ago), hint),
        None => Fault::new(
            who,
            format!("it failed while all ended: {why}"),
            Some(ago),
            "mend that: what it holds may not have been given back",
        ),
    }
}
