//! What is asked of a manager: for its status. Asking costs it nothing; what is answered has a queue of its own.
//!
//! ```text
//!   asked, asked, ...    one status for all who ask in the same moment    nested managers are asked    answers, a slice at a time
//!   ------------------->  Taken  --------------------------------------->  Asking  ------------------->  Answering  ------> next
//!                                   after each piece of work as long a rest, unless there is nothing else to do
//! ```
//!
//! So questions take at most half of the manager's time, and what it is told never waits for more than one status, or one slice.
//!
//! Bound: as `askers.rs` tells; at most one request to print.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use actix::dev::{MessageResponse, OneshotSender};

use super::askers::Askers;
use super::mailbox::ManagerContext;
use super::running::Running;
use crate::base::clock;
use crate::manager::Manager;
use crate::manager::api::messages::GetStatus;
use crate::manager::api::status::{self, ManagerStatus};

/// How long answers are given before something else has its turn.
const SLICE: Duration = Duration::from_micros(250);

/// What takes no longer needs no rest afterwards, where there is nothing else to do.
const SHORT: Duration = Duration::from_millis(1);

/// Those who ask for the status.
#[derive(Default)]
pub(crate) struct StatusRequests {
    askers: Arc<Mutex<Askers<ManagerStatus>>>,
    print: bool,
    round: Round,
    /// How long the latest piece of work took, and when it was over.
    latest: Option<(Duration, Instant)>,
}

/// Where the answer to those who asked in the same moment is.
#[derive(Default)]
enum Round {
    /// Nobody has asked as yet.
    #[default]
    None,
    /// Nested managers complete it.
    Asking(Arc<Mutex<Option<ManagerStatus>>>, Vec<OneshotSender<ManagerStatus>>),
    Answering(Box<ManagerStatus>, Vec<OneshotSender<ManagerStatus>>),
}

impl StatusRequests {
    /// The response to one who asks.
    pub(crate) fn take_down(&self) -> StatusResponse {
        StatusResponse(Arc::clone(&self.askers))
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
            Round::None => lock(&self.askers).is_empty() && !self.print,
            Round::Asking(answer, _) => lock(answer).is_none() && Arc::strong_count(answer) > 1,
            Round::Answering(..) => false,
        }
    }

    /// When there is something to do, if there is: once it has rested.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.is_empty() {
            return None;
        }
        Some(self.latest.map_or_else(clock::now, |(took, over)| over + took))
    }

    fn may_answer(&self, is_idle: bool) -> bool {
        match self.latest {
            _ if self.is_empty() => false,
            Some((took, _)) if is_idle && took < SHORT => true,
            Some((took, over)) => clock::now() >= over + took,
            None => true,
        }
    }
}

impl Manager {
    /// Does a piece of what questions want, if there is any and it is its time. Answers whether it did.
    pub(crate) fn answer_status_requests(&mut self, is_idle: bool, cx: &Context<'_>) -> bool {
        if !self.status_requests.may_answer(is_idle) {
            return false;
        }
        let began = clock::now();
        self.status_requests.round = match std::mem::take(&mut self.status_requests.round) {
            Round::None => self.take_status_requests(cx),
            Round::Asking(status, askers) => match lock(&status).take() {
                Some(status) => self.complete(status, askers),
                // It is gone unanswered, and so are they.
                None => Round::None,
            },
            Round::Answering(status, askers) => answer(status, askers, began),
        };
        let over = clock::now();
        self.status_requests.latest = Some((over - began, over));
        true
    }

    /// Makes the status for all who have asked so far.
    fn take_status_requests(&mut self, cx: &Context<'_>) -> Round {
        let mut askers = lock(&self.status_requests.askers).take();
        // The first is answered first: from the end.
        askers.reverse();
        if askers.is_empty() && !self.status_requests.print {
            return Round::None;
        }
        let status = self.status();
        let children = self.running.as_ref().map(Running::children).unwrap_or_default();
        if children.is_empty() {
            return self.complete(status, askers);
        }
        let (answer, waker) = (Arc::new(Mutex::new(None)), cx.waker().clone());
        let round = Round::Asking(Arc::clone(&answer), askers);
        actix_rt::spawn(async move {
            let status = status::with_children(status, children).await;
            *lock(&answer) = Some(status);
            drop(answer);
            waker.wake();
        });
        round
    }

    fn complete(&mut self, status: ManagerStatus, askers: Vec<OneshotSender<ManagerStatus>>) -> Round {
        if std::mem::take(&mut self.status_requests.print) {
            Self::print(status.clone());
        }
        Round::Answering(Box::new(status), askers)
    }
}

/// Answers as many as there is time for.
fn answer(
    status: Box<ManagerStatus>,
    mut askers: Vec<OneshotSender<ManagerStatus>>,
    began: Instant,
) -> Round {
    while let Some(asker) = askers.pop() {
        if asker.is_closed() {
            continue;
        }
        if askers.is_empty() {
            // Whoever asked may have stopped waiting.
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

impl MessageResponse<Manager, GetStatus> for StatusResponse {
    fn handle(self, _: &mut ManagerContext, asker: Option<OneshotSender<ManagerStatus>>) {
        if let Some(asker) = asker {
            lock(&self.0).add(asker);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
