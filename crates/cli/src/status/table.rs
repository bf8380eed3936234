//! Every service, a line each.

use super::condition::ResourceCondition;
use super::model::{Restart, Service, Status};
use crate::text::{count, cut, lasted, plain};

/// The widest that a state may make its column.
const STATE: usize = 60;

/// A service as the table has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The path through nested managers.
    pub(crate) id: String,
    pub(crate) state: String,
    /// For how long.
    pub(crate) since: String,
    pub(crate) restarts_left: String,
    pub(crate) last_failure: String,
    /// Its lease, calls, resources, and how long it blocks its thread.
    pub(crate) more: String,
    pub(crate) is_up: bool,
}

/// All services, those of nested managers after their parents.
pub(crate) fn rows(status: &Status) -> Vec<Row> {
    let mut rows = Vec::new();
    add(status, "", &mut rows);
    rows
}

fn add(status: &Status, path: &str, rows: &mut Vec<Row>) {
    for service in &status.services {
        let id = format!("{path}{}", plain(&service.id));
        let failure = service.failure.as_deref();
        let doing = failure.and_then(|failure| service.state.strip_suffix(failure)?.strip_suffix(": "));
        let failure = service.restart.last_failure.as_deref().or(failure);
        rows.push(Row {
            state: state(doing.unwrap_or(&service.state)),
            since: service.since_ms.map_or_else(String::new, |at| lasted(status.ago(at))),
            restarts_left: restarts_left(&service.restart),
            last_failure: plain(failure.unwrap_or_default()),
            more: more(status, service),
            is_up: service.condition.is_up() || (status.is_ending() && service.condition.is_over()),
            id: id.clone(),
        });
        if let Some(nested) = &service.nested {
            add(nested, &format!("{id}/"), rows);
        }
    }
}

/// Without the time, which has a column of its own.
fn state(text: &str) -> String {
    let text = plain(text);
    match text.split_once(" for ") {
        Some((doing @ ("running" | "setting up" | "registering" | "shutting down"), _)) => doing.to_owned(),
        _ => text,
    }
}

fn restarts_left(restart: &Restart) -> String {
    match restart.left_of_itself() {
        Some(left) => format!("{left} of {}", left + restart.used),
        None if restart.total > 0 => format!("({} so far)", restart.total),
        None => "-".to_owned(),
    }
}

fn more(status: &Status, service: &Service) -> String {
    let mut more: Vec<String> = service.lease.iter().map(|lease| lease.text(status)).collect();
    if let Some(poll) = service.poll_ms.filter(|poll| *poll >= 100.0) {
        more.push(format!("blocks its thread for {}", lasted(poll)));
    }
    if let Some(http) = &service.http {
        more.push(format!("{}, {}", count(http.open(), "call"), count(http.connections, "connection")));
    }
    if !service.resources.is_empty() {
        let up =
            service.resources.iter().filter(|resource| resource.condition == ResourceCondition::Up).count();
        more.push(format!("{up} of {} up", count(service.resources.len() as u64, "resource")));
    }
    more.join("; ")
}

/// The table as text, as wide as it must be.
pub(crate) fn text(status: &Status) -> String {
    let head = ["SERVICE", "STATE", "SINCE", "RESTARTS LEFT", ""].map(str::to_owned);
    let line = |row: Row| {
        let failure = Some(row.last_failure)
            .filter(|failure| !failure.is_empty())
            .map(|failure| format!("last failure: {failure}"));
        let more: Vec<_> =
            Some(row.more).filter(|more| !more.is_empty()).into_iter().chain(failure).collect();
        [row.id, cut(&row.state, STATE), row.since, row.restarts_left, more.join("; ")]
    };
    let lines: Vec<[String; 5]> = [head].into_iter().chain(rows(status).into_iter().map(line)).collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 4] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let cells = widths.iter().zip(line).map(|(width, cell)| format!("{cell:width$}  "));
        let whole = cells.collect::<String>() + &line[4];
        text += whole.trim_end();
        text.push('\n');
    }
    text
}
