//! What the view knows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::commands::Order;
use crate::status::model::{Event, Service, Status};
use crate::status::table::{Row, rows};

/// How many events are kept.
const EVENTS: usize = 500;

/// How long what came of an order is shown.
const NOTICE: Duration = Duration::from_secs(8);

/// What comes from outside.
#[derive(Debug)]
pub(super) enum News {
    Status(Box<Status>),
    /// Why there is none.
    NoStatus(String),
    /// The events begin anew, from what is remembered on.
    EventsBegin,
    Event(Event),
    /// What has come of an order.
    Ordered(String),
}

/// What is typed at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    List,
    Filter,
    /// An order waits for a yes.
    Ask(Order),
}

#[derive(Debug)]
pub(super) struct View {
    pub(super) address: String,
    /// Whether there is a token, or a Unix socket.
    pub(super) may_order: bool,
    /// The latest that came.
    pub(super) status: Option<Status>,
    /// Since when nobody answers, and why.
    pub(super) lost: Option<(Instant, String)>,
    pub(super) events: VecDeque<Event>,
    /// Whether the manager has said that all is over.
    pub(super) is_over: bool,
    pub(super) filter: String,
    /// Of the rows that are shown.
    pub(super) selected: usize,
    pub(super) mode: Mode,
    notice: Option<(Instant, String)>,
}

impl View {
    pub(super) fn new(address: String, may_order: bool) -> Self {
        Self {
            address,
            may_order,
            status: None,
            lost: None,
            events: VecDeque::new(),
            is_over: false,
            filter: String::new(),
            selected: 0,
            mode: Mode::List,
            notice: None,
        }
    }

    pub(super) fn tell(&mut self, news: News, now: Instant) {
        match news {
            News::Status(status) => {
                self.lost = None;
                // The row stays the same one when others come or go.
                let id = self.selected_row().map(|row| row.id);
                self.status = Some(*status);
                let place = id.and_then(|id| self.rows().iter().position(|row| row.id == id));
                self.select(place.unwrap_or(self.selected));
            }
            News::NoStatus(why) => {
                let since = self.lost.take().map_or(now, |(since, _)| since);
                self.lost = Some((since, why));
            }
            News::EventsBegin => {
                self.events.clear();
                self.is_over = false;
            }
            News::Event(event) => {
                self.is_over = event.event == "stopped";
                self.events.push_back(event);
                if self.events.len() > EVENTS {
                    self.events.pop_front();
                }
            }
            News::Ordered(text) => self.note(text, now),
        }
    }

    pub(super) fn note(&mut self, text: String, now: Instant) {
        self.notice = Some((now, text));
    }

    pub(super) fn notice(&self, now: Instant) -> Option<&str> {
        let (since, text) = self.notice.as_ref()?;
        (now.saturating_duration_since(*since) < NOTICE).then_some(text)
    }

    /// The rows that pass the filter.
    pub(super) fn rows(&self) -> Vec<Row> {
        let wanted = self.filter.to_lowercase();
        let passes =
            |row: &Row| row.id.to_lowercase().contains(&wanted) || row.state.to_lowercase().contains(&wanted);
        self.status.iter().flat_map(rows).filter(passes).collect()
    }

    pub(super) fn selected_row(&self) -> Option<Row> {
        self.rows().into_iter().nth(self.selected)
    }

    /// The service of the selected row; `None` where it is one of a nested manager, too.
    pub(super) fn selected_service(&self) -> Option<&Service> {
        let id = self.selected_row()?.id;
        self.status.as_ref()?.services.iter().find(|service| crate::text::plain(&service.id) == id)
    }

    pub(super) fn select(&mut self, row: usize) {
        self.selected = row.min(self.rows().len().saturating_sub(1));
    }
}
