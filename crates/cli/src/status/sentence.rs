//! How things stand, in one sentence.

use super::condition::Condition;
use super::model::Status;
use crate::text::{lasted, plain, some_of};

/// Such as `Running, 12 of 12 up, for 2 h 5 min.`
pub(crate) fn sentence(status: &Status) -> String {
    let of = status.services.len();
    let is = |wanted: fn(Condition) -> bool| -> Vec<String> {
        status
            .services
            .iter()
            .filter(|service| wanted(service.condition))
            .map(|service| plain(&service.id))
            .collect()
    };
    match status.stage.as_str() {
        "running" => {
            let down = is(|condition| !condition.is_up());
            let missing = if down.is_empty() { String::new() } else { format!("; not {}", some_of(&down)) };
            let standby = is(|condition| condition == Condition::Standby).len();
            let standby =
                if standby == 0 { String::new() } else { format!(", {standby} of them standing by") };
            let up = of - down.len();
            format!("Running, {up} of {of} up{standby}, for {}{missing}.", lasted(status.up_ms))
        }
        "created" => "Not started yet.".to_owned(),
        "setting up" => {
            let waiting = is(|condition| !matches!(condition, Condition::Ready | Condition::Standby));
            let open = is(|condition| matches!(condition, Condition::SettingUp | Condition::RetryingSetup));
            let whom =
                if open.is_empty() { String::new() } else { format!("; waiting for {}", some_of(&open)) };
            format!("Setting up, {} of {of} ready, for {}{whom}.", of - waiting.len(), lasted(status.up_ms))
        }
        "stopped" => "Over.".to_owned(),
        stage => {
            ending(status, stage, &is(|condition| !condition.is_over() && condition != Condition::Ready))
        }
    }
}

fn ending(status: &Status, stage: &str, left: &[String]) -> String {
    let report = status.report.as_ref();
    let asked = report.and_then(|report| report.asked_at_ms);
    let since = asked.map(|at| format!(" for {}", lasted(status.ago(at)))).unwrap_or_default();
    let cause = report.and_then(|report| report.cause.as_deref());
    let cause = cause.map(|cause| format!(" ({})", plain(cause))).unwrap_or_default();
    let force = match status.to_force() {
        Some(left) => format!("; what is left is forced in {}", lasted(left)),
        None => String::new(),
    };
    let mut stage = plain(stage);
    if let Some(first) = stage.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let whom = if left.is_empty() { String::new() } else { format!(": {}", some_of(left)) };
    let of = status.services.len();
    format!("{stage}{since}{cause}, {} of {of} left{whom}{force}.", left.len())
}
