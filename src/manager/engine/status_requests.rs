//! What is asked of a manager: for its status. Asking costs it nothing; what is answered has a queue of its own.
//!
//! ```text
//!   asked, asked, ...    one status for all who ask in the same moment    nested managers are asked    answers
//!   ------------------->  Making  -------------------------------------->  Asking  ------------------->  Answering  ------> next
//!                                   after each piece of work as long a rest, unless there is nothing else to do
//! ```
//!
//! So questions take at most half of the manager's time, and what it is told never waits for more than one piece: what is
//! made or answered in [`SLICE`], though at least one answer. A status of very many services is made in several pieces; of
//! each service it tells what that did when its turn came.
//!
//! Bound: as `askers.rs` tells; at most one request to print.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::Actor;
use actix::dev::{MessageResponse, OneshotSender};

use super::askers::Askers;
use super::question::OpenQuestions;
use crate::base::clock;
use crate::events::Name;
use crate::manager::api::messages::GetStatus;
use crate::manager::api::status::ManagerStatus;

/// How long one piece of work takes before something else has its turn.
pub(super) const SLICE: Duration = Duration::from_micros(250);

/// What takes no longer needs no rest afterwards, where there is nothing else to do.
const SHORT: Duration = Duration::from_millis(1);

/// The senders that wait for a status.
#[derive(Default)]
pub(crate) struct StatusRequests {
    pub(super) askers: Arc<Mutex<Askers<ManagerStatus>>>,
    /// What else is asked, and takes its time.
    pub(super) questions: OpenQuestions,
    pub(super) print: bool,
    pub(super) round: Round,
    /// How long the latest piece of work took, and when it was over.
    pub(super) latest: Option<(Duration, Instant)>,
}

/// Where the answer to those who asked in the same moment is.
#[derive(Default)]
pub(super) enum Round {
    /// No request is open.
    #[default]
    None,
    /// These services are still missing in it, the first of them at the end.
    Making(Box<ManagerStatus>, Vec<Name>, Vec<OneshotSender<ManagerStatus>>),
    /// Nested managers complete it.
    Asking(Arc<Mutex<Option<ManagerStatus>>>, Vec<OneshotSender<ManagerStatus>>),
    Answering(Box<ManagerStatus>, Vec<OneshotSender<ManagerStatus>>),
}

impl StatusRequests {
    /// The response to one who asks.
    pub(crate) fn take_down(&self) -> StatusResponse {
        StatusResponse(Arc::clone(&self.askers))
    }

    /// Takes down one who asks from outside.
    pub(crate) fn ask(&self, asker: OneshotSender<ManagerStatus>) {
        lock(&self.askers).add(asker);
    }

    /// Has the status printed, too.
    pub(crate) fn print(&mut self) {
        self.print = true;
    }

    /// Whether somebody is still to be answered.
    pub(crate) fn are_open(&self) -> bool {
        !matches!(self.round, Round::None) || !lock(&self.askers).is_empty()
    }

    /// Whether there is nothing to do at present.
    fn is_empty(&self) -> bool {
        match &self.round {
            Round::None => lock(&self.askers).is_empty() && self.questions.is_empty() && !self.print,
            Round::Asking(answer, _) => lock(answer).is_none() && Arc::strong_count(answer) > 1,
            Round::Making(..) | Round::Answering(..) => false,
        }
    }

    /// When there is something to do, if there is: once it has rested.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.is_empty() {
            return None;
        }
        Some(self.latest.map_or_else(clock::now, |(took, over)| over + took))
    }

    pub(super) fn may_answer(&self, is_idle: bool) -> bool {
        match self.latest {
            _ if self.is_empty() => false,
            Some((took, _)) if is_idle && took < SHORT => true,
            Some((took, over)) => clock::now() >= over + took,
            None => true,
        }
    }
}

/// Answers as many as there is time for.
pub(super) fn answer(
    status: Box<ManagerStatus>,
    mut askers: Vec<OneshotSender<ManagerStatus>>,
    began: Instant,
) -> Round {
    while let Some(asker) = askers.pop() {
        if asker.is_closed() {
            continue;
        }
        if askers.is_empty() {
            // The sender may have stopped waiting.
            let _ = asker.send(*status);
            return Round::None;
        }
        let _ = asker.send(ManagerStatus::clone(&status));
        if clock::now() - began >= SLICE {
            return Round::Answering(status, askers);
        }
    }
    Round::None
}

/// The response to a question: takes down who is to be answered. Nobody is, where it came by `do_send`.
pub struct StatusResponse(Arc<Mutex<Askers<ManagerStatus>>>);

impl<A: Actor> MessageResponse<A, GetStatus> for StatusResponse {
    fn handle(self, _: &mut A::Context, asker: Option<OneshotSender<ManagerStatus>>) {
        if let Some(asker) = asker {
            lock(&self.0).add(asker);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
