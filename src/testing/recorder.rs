//! The record of a manager's events, and what a test may assert of it.
//!
//! Events are spoken of by lines, as [`TimedEvent`] displays them: `setup_started db`, `release_finished db/pool: ok`,
//! `shutdown_requested: StartShutdown`, `running`. A *pattern* is a line, or its beginning up to a blank or a colon: `running`,
//! `setup_finished`, `setup_finished db`, `setup_finished db: ok`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;

use super::blocking_ask::ask;
use super::moment::Moment;
use super::record::Record;
use crate::events::{EventSender, LifecycleEvent, TimedEvent};
use crate::manager::Manager;

/// Nothing that works takes so long.
const LIMIT: Duration = Duration::from_secs(10);

/// Records the lifecycle events of one manager, and asserts what a test expects of them. Clones are the same record.
///
/// A *pattern* is an event as it reads in the messages, or the beginning of that: `running`, `setup_finished`,
/// `setup_finished db`, `setup_finished db: ok`, `release_started db/pool` (a resource of `db`).
///
/// ```
/// use majordomo::testing::{ManagerSuite, ServiceScript};
/// use majordomo::{Manager, ManagerOptions};
///
/// # #[actix::main]
/// # async fn main() {
/// let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false))
///     .service(ServiceScript::new("db"))
///     .service(ServiceScript::new("api").depends_on("db"));
/// let suite = ManagerSuite::start(manager).await;
/// let recorder = suite.recorder().clone();
/// suite.shutdown().await;
///
/// recorder.assert_in_order(&["setup_finished db: ok", "setup_started api", "running", "stopped"]);
/// let asked = recorder.event("shutdown_started db");
/// recorder.event("run_finished api: ok").before(&asked);
/// recorder.assert_none("panicked");
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recorder(Arc<Record>);

impl Recorder {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// What records: for [`ManagerOptions::observe`](crate::ManagerOptions::observe). An event is in the record before
    /// anything else comes of it.
    pub fn observer(&self) -> EventSender {
        let record = Arc::downgrade(&self.0);
        EventSender::calling_while(move |event| {
            let record = record.upgrade();
            record.is_some_and(|record| {
                record.push(event);
                true
            })
        })
    }

    /// The record of a manager that has been started: of what its
    /// [flight recorder](crate::ManagerOptions::flight_recorder) has kept, and all that happens from now on.
    ///
    /// # Panics
    /// When the manager does not answer: see [`ManagerTesting`](super::ManagerTesting).
    #[track_caller]
    pub fn attach(manager: &Addr<Manager>) -> Self {
        let recorder = Self::new();
        let to = recorder.clone();
        ask(manager, move |manager| {
            manager.history().iter().for_each(|event| to.0.push(event));
            manager.observe(to.observer());
        });
        recorder
    }

    /// All that was recorded, in the order in which it happened.
    pub fn events(&self) -> Vec<Arc<TimedEvent>> {
        self.0.events().clone()
    }

    /// How many events match.
    pub fn count(&self, pattern: &str) -> usize {
        self.matching(pattern).len()
    }

    /// All that match, in their order.
    pub fn matching(&self, pattern: &str) -> Vec<Moment> {
        let events = self.events();
        let found = events.into_iter().enumerate().filter(|(_, event)| matches(event, pattern));
        found.map(|(place, event)| Moment::new(Arc::clone(&self.0), place, event)).collect()
    }

    /// The one event that matches.
    ///
    /// # Panics
    /// When none does, or several do: see [`first`](Self::first) and [`last`](Self::last) for these.
    #[track_caller]
    pub fn event(&self, pattern: &str) -> Moment {
        let mut all = self.matching(pattern);
        match all.len() {
            1 => all.remove(0),
            count => self.fail(format!("{pattern:?}, once"), happened(count)),
        }
    }

    /// The first event that matches.
    ///
    /// # Panics
    /// When none does.
    #[track_caller]
    pub fn first(&self, pattern: &str) -> Moment {
        self.of(pattern, self.matching(pattern).into_iter().next())
    }

    /// The last event that matches.
    ///
    /// # Panics
    /// When none does.
    #[track_caller]
    pub fn last(&self, pattern: &str) -> Moment {
        self.of(pattern, self.matching(pattern).pop())
    }

    #[track_caller]
    fn of(&self, pattern: &str, found: Option<Moment>) -> Moment {
        found.unwrap_or_else(|| self.fail(format!("{pattern:?}"), happened(0)))
    }

    /// When the one event that matches happened, since the manager's start.
    ///
    /// # Panics
    /// As [`event`](Self::event) does.
    #[track_caller]
    pub fn at(&self, pattern: &str) -> Duration {
        self.event(pattern).at()
    }

    /// How long after the shutdown was requested the one event that matches happened.
    ///
    /// # Panics
    /// As [`event`](Self::event) does, and when no shutdown was requested.
    #[track_caller]
    pub fn since_asked(&self, pattern: &str) -> Duration {
        self.at(pattern).saturating_sub(self.at("shutdown_requested"))
    }

    /// Asserts that both happened, each once, in this order.
    ///
    /// # Panics
    /// When it was otherwise.
    #[track_caller]
    pub fn assert_before(&self, earlier: &str, later: &str) {
        self.event(earlier).before(&self.event(later));
    }

    /// Asserts that all of these happened, each once, in this order, whatever happened between them.
    ///
    /// # Panics
    /// When it was otherwise.
    #[track_caller]
    pub fn assert_in_order(&self, patterns: &[&str]) {
        for pair in patterns.windows(2) {
            self.assert_before(pair[0], pair[1]);
        }
    }

    /// Asserts that every event that matches the first came before every event that matches the second. There must be such events.
    ///
    /// # Panics
    /// When it was otherwise.
    #[track_caller]
    pub fn assert_all_before(&self, earlier: &str, later: &str) {
        self.last(earlier).before(&self.first(later));
    }

    /// Asserts that nothing that matches has happened.
    ///
    /// # Panics
    /// When it has.
    #[track_caller]
    pub fn assert_none(&self, pattern: &str) {
        if let Some(moment) = self.matching(pattern).first() {
            self.fail(format!("no {pattern:?}"), format!("{moment}"));
        }
    }

    /// Waits until an event that matches has happened, if it hasn't: the first.
    ///
    /// # Panics
    /// When it does not happen within 10 s, or the manager has stopped without it.
    pub async fn wait_for(&self, pattern: &str) -> Moment {
        self.wait_for_times(pattern, 1).await
    }

    /// Waits until so many events that match have happened: the last of these.
    ///
    /// # Panics
    /// As [`wait_for`](Self::wait_for) does.
    pub async fn wait_for_times(&self, pattern: &str, times: usize) -> Moment {
        self.wait_within(LIMIT, pattern, times).await
    }

    /// The same within another limit.
    ///
    /// # Panics
    /// When it does not happen within it, or the manager has stopped without it.
    pub async fn wait_within(&self, limit: Duration, pattern: &str, times: usize) -> Moment {
        let mut count = self.0.count.subscribe();
        let seen = async {
            loop {
                count.mark_unchanged();
                let over = self.is_over();
                match self.matching(pattern).into_iter().nth(times.saturating_sub(1)) {
                    Some(moment) => return Some(moment),
                    None if over => return None,
                    None => {
                        let _ = count.changed().await;
                    }
                }
            }
        };
        let expected = || match times {
            0 | 1 => format!("{pattern:?} within {limit:?}"),
            _ => format!("{pattern:?}, {times} times, within {limit:?}"),
        };
        let so_far = || happened(self.count(pattern));
        match tokio::time::timeout(limit, seen).await {
            Ok(Some(moment)) => moment,
            Ok(None) => self.fail(expected(), format!("the manager stopped without it: {}", so_far())),
            Err(_) => self.fail(expected(), format!("{} until then", so_far())),
        }
    }

    /// Waits until something that matches one of these has happened.
    pub(super) async fn either(&self, one: &str, other: &str) {
        let mut count = self.0.count.subscribe();
        // The sender is this record's.
        let _ = count.wait_for(|_| self.count(one) + self.count(other) > 0).await;
    }

    fn is_over(&self) -> bool {
        let events = self.0.events();
        events.last().is_some_and(|last| matches!(last.event, LifecycleEvent::Stopped))
    }

    #[track_caller]
    pub(super) fn fail(&self, expected: String, happened: String) -> ! {
        self.0.fail(expected, happened)
    }
}

fn happened(count: usize) -> String {
    match count {
        0 => "it did not happen".to_owned(),
        1 => "it happened once".to_owned(),
        _ => format!("it happened {count} times"),
    }
}

fn matches(event: &TimedEvent, pattern: &str) -> bool {
    let line = event.event.to_string();
    line.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']))
}

impl fmt::Display for Recorder {
    /// All events, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events().iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} events)", self.0.events().len())
    }
}
