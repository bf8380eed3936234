//! The picture: a function of the view, at one moment.
//!
//! ```text
//!   how things stand, in a sentence
//!   who is asked, and whether it answers
//!   what is wrong                             (as many lines as fit)
//!   every service                             (the selected one inverse)
//!   more of the selected one
//!   the latest events
//!   keys; or a question, the filter, what came of an order
//! ```

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Row, Table, TableState};

use super::view::{Mode, View};
use crate::status::event_text;
use crate::status::faults::faults;
use crate::status::model::{Event, Service};
use crate::status::sentence::sentence;
use crate::text::{lasted, plain};

/// How many faults are shown at most.
const FAULTS: usize = 4;

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const WRONG: Style = Style::new().fg(Color::Red);

pub(super) fn draw(frame: &mut Frame<'_>, view: &View, now: Instant) {
    let height = frame.area().height;
    let wrong = wrong(view, usize::from(frame.area().width));
    // A small window keeps its services.
    let room = usize::from(height.saturating_sub(8) / 3);
    let wrong_lines = wrong.len().min(room) as u16;
    let events = height.saturating_sub(12 + wrong_lines) / 2;
    let [title, link, faults, table, more, latest, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(wrong_lines),
        Constraint::Min(2),
        Constraint::Length(if height >= 12 { 2 } else { 0 }),
        Constraint::Length(events),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Line::styled(headline(view), BOLD), title);
    frame.render_widget(answering(view, now), link);
    frame.render_widget(Text::from_iter(wrong.into_iter().map(|line| Line::styled(line, WRONG))), faults);
    services(frame, view, table);
    frame.render_widget(
        Paragraph::new(view.selected_service().map(details).unwrap_or_default()).style(DIM),
        more,
    );
    latest_events(frame, view, latest);
    frame.render_widget(footer(view, now), foot);
}

fn headline(view: &View) -> String {
    match &view.status {
        _ if view.is_over => "Over: the program has said that it stopped.".to_owned(),
        Some(status) => sentence(status),
        None => "Nothing is known yet.".to_owned(),
    }
}

fn answering(view: &View, now: Instant) -> Line<'static> {
    let address = plain(&view.address);
    match &view.lost {
        None => {
            let handover = view.status.iter().filter_map(|status| status.handover.as_ref());
            Line::styled(handover.fold(address, |line, handover| format!("{line}. {handover}")), DIM)
        }
        Some((since, why)) => {
            let ago = lasted(now.saturating_duration_since(*since).as_millis() as f64);
            let known = if view.status.is_some() { "below is what was known then" } else { "trying again" };
            Line::styled(
                format!("{address}: connection lost {ago} ago, {known} ({})", plain(why)),
                WRONG.add_modifier(Modifier::BOLD),
            )
        }
    }
}

/// As lines of this width.
fn wrong(view: &View, width: usize) -> Vec<String> {
    let faults = view.status.as_ref().map(faults).unwrap_or_default();
    let mut lines: Vec<String> =
        faults.iter().take(FAULTS).flat_map(|fault| wrapped(&fault.to_string(), width)).collect();
    if faults.len() > FAULTS {
        lines.push(format!("and {} more: `majordomo why` tells all", faults.len() - FAULTS));
    }
    lines
}

/// Broken between words; those after the first are set in.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a first");
        let is_first = line.trim().is_empty();
        if !is_first && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("  {word}"));
        } else {
            line.extend((!is_first).then_some(' '));
            line.push_str(word);
        }
    }
    lines
}

fn services(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let rows = view.rows();
    let longest = rows.iter().map(|row| row.id.chars().count()).max().unwrap_or_default();
    let widths = [
        Constraint::Length((longest as u16).clamp(7, (area.width / 3).max(7))),
        Constraint::Fill(2),
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Fill(3),
    ];
    let head = Row::new(["SERVICE", "STATE", "SINCE", "RESTARTS", "LAST FAILURE, AND MORE"]).style(DIM);
    let row = |row: crate::status::table::Row| {
        let style = if row.is_up { Style::new() } else { WRONG };
        let more = [row.last_failure, row.more]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        Row::new([row.id, row.state, row.since, row.restarts_left, more]).style(style)
    };
    let table = Table::new(rows.into_iter().map(row), widths)
        .header(head)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected(view.selected);
    frame.render_stateful_widget(table, area, &mut state);
}

/// What does not fit into its row.
fn details(service: &Service) -> Text<'static> {
    let mut first = vec![plain(&service.id)];
    if !service.depends_on.is_empty() {
        first.push(format!("depends on {}", service.depends_on.join(", ")));
    }
    first.extend(service.thread.as_ref().map(|thread| format!("on {thread}")));
    if !service.restart.policy.is_empty() {
        first.push(service.restart.policy.clone());
    }
    let resources = service.resources.iter().map(|resource| format!("{}: {}", resource.name, resource.state));
    let calls =
        service.http.iter().flat_map(|http| &http.calls).map(|(method, count)| format!("{method} x {count}"));
    let second: Vec<String> = resources.chain(calls).collect();
    Text::from_iter([first.join("; "), second.join("; ")].map(|line| plain(&line)))
}

/// The newest at the bottom.
fn latest_events(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let remembered = view.status.iter().flat_map(|status| &status.history);
    // Where they could not be followed, the status has some.
    let events: Vec<&Event> =
        if view.events.is_empty() { remembered.collect() } else { view.events.iter().collect() };
    let from = events.len().saturating_sub(usize::from(area.height));
    frame.render_widget(Text::from_iter(events[from..].iter().map(|event| event_text::line(event))), area);
}

fn footer(view: &View, now: Instant) -> Line<'static> {
    match (&view.mode, view.notice(now)) {
        (Mode::Ask(order), _) => Line::styled(format!("{}? y/n", plain(&order.to_string())), BOLD),
        (Mode::Filter, _) => {
            Line::styled(format!("/{}_  (Enter keeps it, Esc clears it)", plain(&view.filter)), BOLD)
        }
        (Mode::List, Some(notice)) => Line::styled(plain(notice), BOLD),
        (Mode::List, None) => {
            let orders = match view.may_order {
                true => "r restart  s stop  S shut down  L reload  H hand over",
                false => "orders: --token-file FILE",
            };
            let filter = if view.filter.is_empty() {
                "/ filter".to_owned()
            } else {
                format!("/{} (Esc)", plain(&view.filter))
            };
            Line::styled(format!("q quit  {filter}  {orders}"), DIM)
        }
    }
}
