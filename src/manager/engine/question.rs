//! What the operations endpoint asks of a manager. It comes by the inbox, and so before the messages of users.
//!
//! What takes longer the more there is to tell stands in a queue, and is answered as `status_requests.rs` tells: it holds up neither a signal nor
//! a timer. What asks for a report at the same time shares one.
//!
//! Bound: one for each of the endpoint's connections, and as many again, at least 64, for which nobody waits any more.

use std::sync::Arc;

use actix::dev::OneshotSender;

use super::askers::is_doubled;
use super::open_orders::Order;
use crate::events::{EventStream, TimedEvent};
use crate::manager::api::order_error::OrderError;
use crate::manager::api::status::ManagerStatus;
use crate::report::ShutdownReport;

/// Who has asked, and what. Whoever is gone by the time of the answer misses it; orders are carried out all the same.
#[derive(Debug)]
pub(crate) enum Question {
    /// Whether it answers.
    Presence(OneshotSender<()>),
    Status(OneshotSender<ManagerStatus>),
    Report(OneshotSender<Arc<ShutdownReport>>),
    /// The latest events, and a stream of so many that follow.
    Follow(usize, OneshotSender<Followed>),
    Order(Order, String, OneshotSender<Result<(), OrderError>>),
    Reload(OneshotSender<Result<(), OrderError>>),
    Handover(OneshotSender<Result<(), OrderError>>),
    Shutdown(OneshotSender<()>),
    Force(OneshotSender<()>),
}

/// The latest events, and those that follow.
type Followed = (Vec<Arc<TimedEvent>>, EventStream);

/// What waits for its answer.
#[derive(Default)]
pub(crate) struct OpenQuestions {
    reports: Vec<OneshotSender<Arc<ShutdownReport>>>,
    follows: Vec<(usize, OneshotSender<Followed>)>,
    purge_at: [usize; 2],
}

impl OpenQuestions {
    pub(super) fn report(&mut self, asker: OneshotSender<Arc<ShutdownReport>>) {
        is_doubled(&mut self.reports, &mut self.purge_at[0], |asker| !asker.is_closed());
        self.reports.push(asker);
    }

    pub(super) fn follow(&mut self, capacity: usize, asker: OneshotSender<Followed>) {
        is_doubled(&mut self.follows, &mut self.purge_at[1], |(_, asker)| !asker.is_closed());
        self.follows.push((capacity, asker));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.follows.is_empty()
    }

    /// All who want a report and still wait.
    pub(super) fn take_reports(&mut self) -> Vec<OneshotSender<Arc<ShutdownReport>>> {
        let mut reports = std::mem::take(&mut self.reports);
        reports.retain(|asker| !asker.is_closed());
        reports
    }

    /// One who wants to follow and still waits.
    pub(super) fn take_follow(&mut self) -> Option<(usize, OneshotSender<Followed>)> {
        std::iter::from_fn(|| self.follows.pop()).find(|(_, asker)| !asker.is_closed())
    }
}
