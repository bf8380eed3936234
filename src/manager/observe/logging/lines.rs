//! A log event for each event.

use std::borrow::Cow;
use std::fmt::Display;

use tracing::{debug, error, info, warn};

use crate::events::{End, LeaseEvent, LifecycleEvent as E, Name, Severity, Stall, TimedEvent};
use crate::lifecycle::{HandoverEnd, Outcome, ReloadEnd, ReloadStep, Step};

/// Logs it; errors up to so many bytes.
pub(crate) fn log(timed: &TimedEvent, limit: usize) {
    let cut = |error: &dyn Display| cut(error.to_string(), limit).into_owned();
    let severity = timed.event.severity();
    match &timed.event {
        E::RegisterStarted { service } => {
            debug!(target: "majordomo", %service, stage = "register", "register begins")
        }
        E::SetupStarted { service } => debug!(target: "majordomo", %service, stage = "setup", "setup begins"),
        E::RunStarted { service } => info!(target: "majordomo", %service, stage = "run", "run begins"),
        E::ShutdownStarted { service } => {
            debug!(target: "majordomo", %service, stage = "shutdown", "shutdown begins: asked to stop")
        }
        E::RegisterFinished { service, end }
        | E::SetupFinished { service, end }
        | E::RunFinished { service, end }
        | E::ShutdownFinished { service, end } => {
            finished(severity, limit, service, None, timed.event.step().map_or("", Step::name), end);
        }
        E::ResourceStarted { service, resource } => {
            debug!(target: "majordomo", %service, %resource, "resource started");
        }
        E::ResourceLost { service, resource, end } => {
            finished(severity, limit, service, Some(resource), "resource before its release", end);
        }
        E::ReleaseStarted { service, resource } => {
            debug!(target: "majordomo", %service, %resource, stage = "release", "release begins");
        }
        E::ReleaseFinished { service, resource, end } => {
            finished(severity, limit, service, Some(resource), "release", end)
        }
        E::Panicked { service, resource, error } => {
            let (resource, error) = (resource.as_deref(), cut(error));
            error!(target: "majordomo", %service, resource, %error, "failed outside of its steps");
        }
        E::ServiceLost { service, outcome, error } => {
            error!(target: "majordomo", %service, %outcome, error = %cut(error), "ended while it was needed");
        }
        E::ServiceStuck { service, error } => {
            error!(target: "majordomo", %service, error = %cut(error), "could not be ended");
        }
        E::SetupRetried { service, retry, delay } => {
            warn!(target: "majordomo", %service, retry, ?delay, "its set-up failed, and is tried again");
        }
        E::RestartStarted { service, because } => {
            warn!(target: "majordomo", %service, %because, "goes down to be restarted");
        }
        E::RestartDelayed { service, delay } => {
            info!(target: "majordomo", %service, ?delay, "restart is delayed");
        }
        E::RestartFinished { service, end } => finished(severity, limit, service, None, "restart", end),
        E::StopStarted { service } => info!(target: "majordomo", %service, "stop begins: asked by an order"),
        E::StopFinished { service, end } => finished(severity, limit, service, None, "stop", end),
        E::StallStarted { service, resource, stall, lasted } => {
            let (resource, lasted_ms) = (resource.as_deref(), lasted.as_millis() as u64);
            let mend = match stall {
                Stall::Stuck { .. } | Stall::StuckCall { .. } => {
                    ": move blocking work to spawn_blocking or to a dedicated thread"
                }
                _ => "",
            };
            warn!(target: "majordomo", %service, resource, lasted_ms, "{stall}{mend}");
        }
        E::StallFinished { service, resource, stall, lasted, goes_on } => {
            let (resource, lasted_ms) = (resource.as_deref(), lasted.as_millis() as u64);
            match goes_on {
                true => warn!(target: "majordomo", %service, resource, lasted_ms, "at the end still {stall}"),
                false => info!(target: "majordomo", %service, resource, lasted_ms, "no longer {stall}"),
            }
        }
        E::ReloadStarted => info!(target: "majordomo", "reload begins: all prepare for new settings"),
        E::ReloadFailed { service, step: ReloadStep::Prepare, outcome, error } => {
            warn!(target: "majordomo", %service, %outcome, error = %cut(error), "refuses the new settings");
        }
        E::ReloadFailed { service, step: ReloadStep::Commit, outcome, error } => {
            error!(target: "majordomo", %service, %outcome, error = %cut(error), "could not take the new settings over");
        }
        E::ReloadFinished { result, end } => {
            let (elapsed_ms, error) =
                (end.took.as_millis() as u64, end.error.as_ref().map(|error| cut(error)));
            match result {
                ReloadEnd::Done => {
                    info!(target: "majordomo", elapsed_ms, "reload finished: all have the new settings")
                }
                _ if severity == Severity::Error => {
                    error!(target: "majordomo", elapsed_ms, error, "reload {result}");
                }
                _ => info!(target: "majordomo", elapsed_ms, error, "reload {result}"),
            }
        }
        E::HandoverStarted => info!(target: "majordomo", "hand-over begins: a successor starts"),
        E::SuccessorStarted { pid } => info!(target: "majordomo", pid, "successor started"),
        E::SuccessorReady { pid } => {
            info!(target: "majordomo", pid, "successor is ready and in charge: this process accepts nobody any more");
        }
        E::HandoverRefused { reason } => warn!(target: "majordomo", %reason, "no hand-over begins"),
        E::TookOver { generation, predecessor } => {
            info!(target: "majordomo", generation, predecessor, "this process is in charge");
        }
        E::SocketsClosed { addresses } => {
            let addresses = addresses.join(", ");
            warn!(target: "majordomo", addresses, "sockets of the predecessor that nobody asked for were closed");
        }
        E::HandoverFinished { outcome, took, error } => {
            let (elapsed_ms, error) = (took.as_millis() as u64, error.as_ref().map(|error| cut(error)));
            match outcome {
                HandoverEnd::Passed => {
                    info!(target: "majordomo", elapsed_ms, "hand-over finished: the successor serves")
                }
                _ if severity == Severity::Warning => {
                    warn!(target: "majordomo", elapsed_ms, error, "hand-over {outcome}");
                }
                _ => info!(target: "majordomo", elapsed_ms, error, "hand-over {outcome}"),
            }
        }
        E::Standby { service, waits_for } => {
            info!(target: "majordomo", %service, "service waits for the {waits_for} before it is set up");
        }
        E::Lease(LeaseEvent::LeaseAcquired { service, lease, epoch }) => {
            info!(target: "majordomo", %service, %lease, epoch, "has its lease");
        }
        E::Lease(LeaseEvent::LeaseLost { service, lease, epoch, error }) => {
            warn!(target: "majordomo", %service, %lease, epoch, error = %cut(error), "has lost its lease");
        }
        E::Lease(LeaseEvent::StepDownStarted { service, lease, epoch, stay_out }) => {
            let stay_out_ms = stay_out.as_millis() as u64;
            info!(target: "majordomo", %service, %lease, epoch, stay_out_ms, "is told to give its lease away");
        }
        E::Lease(LeaseEvent::StepDownFinished { service, end, .. }) => {
            finished(severity, limit, service, None, "step down", end);
        }
        E::ServiceAdded { service } => info!(target: "majordomo", %service, "service added"),
        E::ServiceRemoved { service } => info!(target: "majordomo", %service, "service removed"),
        E::Operations { address } => info!(target: "majordomo", %address, "operations endpoint answers"),
        E::Running => info!(target: "majordomo", elapsed_ms = millis(timed), "all services run"),
        E::Serving { address } => info!(target: "majordomo", %address, "gRPC server accepts calls"),
        E::ServiceServing { service, address } => {
            info!(target: "majordomo", %service, %address, "HTTP server accepts connections")
        }
        E::StreamsEnded { service, count } => {
            info!(target: "majordomo", %service, count, "streams were ended in order: their stream_grace was over")
        }
        E::ShutdownRequested { cause } => info!(target: "majordomo", %cause, "shutdown begins"),
        E::CallsInFlight { in_flight } => {
            info!(target: "majordomo", "gRPC server begins to drain: {in_flight}")
        }
        E::Draining => debug!(target: "majordomo", "draining: health says NOT_SERVING"),
        E::Drained => debug!(target: "majordomo", "drained"),
        E::Releasing => debug!(target: "majordomo", "releasing resources"),
        E::Progress { left, of, waiting_for, to_force } => match to_force {
            Some(to_force) => {
                let to_force = to_force.as_secs_f64();
                warn!(target: "majordomo", "still waiting for {left} of {of}: {waiting_for}; forced in {to_force:.1} s");
            }
            None => {
                warn!(target: "majordomo", "still waiting for {left} of {of}: {waiting_for}; nothing forces them")
            }
        },
        E::Missed { count } => {
            warn!(target: "majordomo", count, "events are missing here: the log is too slow")
        }
        E::Stopped => info!(target: "majordomo", elapsed_ms = millis(timed), "stopped"),
    }
}

fn finished(
    severity: Severity,
    limit: usize,
    service: &Name,
    resource: Option<&Name>,
    stage: &str,
    end: &End,
) {
    let (resource, elapsed_ms, outcome) =
        (resource.map(|name| &**name), end.took.as_millis() as u64, end.outcome);
    let how = match outcome {
        Outcome::Ok => "finished",
        Outcome::Error => "failed",
        Outcome::Panic => "panicked",
        Outcome::Ended => "ended without an answer",
        Outcome::Forced => "was cut off",
    };
    let how = if end.cancelled { "cancelled" } else { how };
    let error = end.error.as_ref().map(|error| cut(&**error.text(), limit));
    let error = error.as_deref();
    match severity {
        Severity::Error => {
            error!(target: "majordomo", %service, resource, stage, elapsed_ms, %outcome, error, "{stage} {how}")
        }
        Severity::Warning => {
            warn!(target: "majordomo", %service, resource, stage, elapsed_ms, %outcome, error, "{stage} {how}")
        }
        _ => {
            info!(target: "majordomo", %service, resource, stage, elapsed_ms, %outcome, error, "{stage} {how}")
        }
    }
}

fn millis(timed: &TimedEvent) -> u64 {
    timed.at.as_millis() as u64
}

/// The text, or as much of it as may be, and how much more there is.
pub(crate) fn cut<'a>(text: impl Into<Cow<'a, str>>, limit: usize) -> Cow<'a, str> {
    let text = text.into();
    if text.len() <= limit {
        return text;
    }
    let kept = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{} ... ({} bytes more)", &text[..kept], text.len() - kept).into()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_how_much_is_missing() {
        assert_eq!(cut("as it is", 8), "as it is");
        assert_eq!(cut("as it is", 5), "as it ... (3 bytes more)");
        assert_eq!(cut("\u{20ac}\u{20ac}", 5), "\u{20ac} ... (3 bytes more)");
        assert_eq!(cut("all of it", 0), " ... (9 bytes more)");
    }
}
