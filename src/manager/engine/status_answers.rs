//! A manager's answers to requests for its status: a piece of work at a time.

use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Instant;

use actix::dev::OneshotSender;

use super::service_states;
use super::status_requests::{Round, SLICE, answer, lock};
use crate::base::clock;
use crate::events::Name;
use crate::manager::Manager;
use crate::manager::api::status::ManagerStatus;

type Askers = Vec<OneshotSender<ManagerStatus>>;

impl Manager {
    /// Does a piece of what questions want, if there is any and it is its time. Answers whether it did.
    pub(crate) fn answer_status_requests(&mut self, is_idle: bool, cx: &Context<'_>) -> bool {
        if !self.status_requests.may_answer(is_idle) {
            return false;
        }
        let began = clock::now();
        self.status_requests.round = match std::mem::take(&mut self.status_requests.round) {
            Round::None => {
                self.answer_open_questions();
                self.take_status_requests(began, cx)
            }
            Round::Making(status, missing, askers) => self.make_status(status, missing, askers, began, cx),
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

    /// Begins the status for all who have asked so far.
    fn take_status_requests(&mut self, began: Instant, cx: &Context<'_>) -> Round {
        let mut askers = lock(&self.status_requests.askers).take();
        // The first is answered first: from the end.
        askers.reverse();
        if askers.is_empty() && !self.status_requests.print {
            return Round::None;
        }
        let Some(running) = &mut self.running else {
            let status = self.status();
            return self.complete(status, askers);
        };
        let (status, mut missing) = running.status_begun();
        missing.reverse();
        self.make_status(Box::new(status), missing, askers, began, cx)
    }

    /// Adds as many services as there is time for.
    fn make_status(
        &mut self,
        mut status: Box<ManagerStatus>,
        mut missing: Vec<Name>,
        askers: Askers,
        began: Instant,
        cx: &Context<'_>,
    ) -> Round {
        let Some(running) = &mut self.running else {
            let ended = self.status();
            return self.complete(ended, askers);
        };
        let now = running.shell.event_log.now();
        while let Some(id) = missing.pop() {
            status.services.extend(running.shell.service_status(&id, now));
            // The clock costs as much as a service.
            if missing.len().is_multiple_of(16) && clock::now() - began >= SLICE {
                return Round::Making(status, missing, askers);
            }
        }
        let children = running.children();
        if children.is_empty() {
            return self.complete(*status, askers);
        }
        let (answer, waker) = (Arc::new(Mutex::new(None)), cx.waker().clone());
        let round = Round::Asking(Arc::clone(&answer), askers);
        actix_rt::spawn(async move {
            let status = service_states::with_children(*status, children).await;
            *lock(&answer) = Some(status);
            drop(answer);
            waker.wake();
        });
        round
    }

    fn complete(&mut self, status: ManagerStatus, askers: Askers) -> Round {
        if std::mem::take(&mut self.status_requests.print) {
            Self::print(status.clone());
        }
        Round::Answering(Box::new(status), askers)
    }
}
