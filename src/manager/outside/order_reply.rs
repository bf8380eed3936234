//! Why an order was not carried out, as whoever gave it over HTTP is told.

use http::StatusCode;

use super::redacted::Redacted;
use crate::base::peer_text::shown;
use crate::manager::api::order_error::OrderError;
use crate::operations::Refusal;

/// An order that names nobody is not found; all else is a conflict with how things stand.
pub(super) fn refusal(error: OrderError, redacted: &Redacted) -> Refusal {
    let conflict = |error: String, hint: &str| Refusal::new(StatusCode::CONFLICT, error, hint);
    match error {
        OrderError::Unknown(id) => {
            let error = format!("there is no service {:?}", shown(&id));
            Refusal::new(StatusCode::NOT_FOUND, error, "GET /status lists those that there are")
        }
        OrderError::NotRunning(stage) => conflict(
            format!("the manager is {stage}, and services are stopped and restarted while it is running"),
            "GET /readyz tells when it is",
        ),
        OrderError::NotRestartable(id) => conflict(
            format!("{id:?} cannot be started again"),
            "have the program hand it over with a restart policy, if only RestartPolicy::never()",
        ),
        OrderError::Server(id) => conflict(
            format!("{id:?} is the gRPC server, which lives as long as its manager"),
            "POST /orders/shutdown ends both",
        ),
        OrderError::Needed { service, dependents } => conflict(
            format!("{service:?} cannot go: {} depend on it", dependents.join(", ")),
            "stop those first",
        ),
        OrderError::Forced(id) => conflict(
            format!("{id:?} did not stop within its stop_timeout, and was cut off"),
            "it is down; have the program allow it more time if that is too short",
        ),
        OrderError::NoLease(id) => conflict(
            format!("{id:?} needs no lease, and so has none to give away"),
            "GET /status tells who has one",
        ),
        OrderError::NotHolding { service, lease } => conflict(
            format!("{service:?} does not have its lease {lease:?}, and so cannot give it away"),
            "GET /status tells who has it",
        ),
        OrderError::StayOut { service, given, least, most } => Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("{service:?} cannot stay out for {given:?}"),
            format!("give a time from {least:?}, in which others notice that its lease is free, to {most:?}"),
        ),
        OrderError::NothingToReload => conflict(
            "there is nothing to reload".to_owned(),
            "have the program mark a service as reloadable(), or give a server files of TLS",
        ),
        OrderError::ReloadRefused { by } => conflict(
            format!(
                "the new settings were refused, and nobody has changed: {}",
                redacted.text(&by.join("; "))
            ),
            "mend what is named, and reload again",
        ),
        OrderError::NoHandover => conflict(
            "this program offers no hand-over".to_owned(),
            "have the program give ManagerOptions::handover(..), or start a successor yourself and shut this one down",
        ),
        OrderError::NotReadyToHandOver(stage) => conflict(
            format!("the manager is {stage}, and hands over while all run"),
            "GET /readyz tells when they do",
        ),
        OrderError::HandoverUnderWay => {
            conflict("a hand-over is under way already".to_owned(), "GET /status tells how far it is")
        }
        OrderError::PredecessorLeft => conflict(
            "this process waits for its own predecessor to end".to_owned(),
            "hand over once its services after_handover() run: GET /status tells",
        ),
        OrderError::HandoverFailed { reason } => conflict(
            format!("the hand-over failed, and this process serves on as before: {}", redacted.text(&reason)),
            "mend what is named, and hand over again",
        ),
        OrderError::Overtaken(id) => conflict(
            format!("{id:?}: the order was overtaken by another, or by the manager's shutdown"),
            "GET /status tells what has become of it",
        ),
        other => conflict(redacted.text(&other.to_string()), "GET /status tells how things stand"),
    }
}
