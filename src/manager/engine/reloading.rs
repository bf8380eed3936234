//! Reloads: who asked for them, the messages that they consist of, and what became of each.

use std::error::Error;
use std::sync::Arc;

use super::due_times::DueTime;
use super::inbox::{Generation, ManagerInput, TimerEvent};
use super::notices::answer;
use super::open_orders::OrderReply;
use super::shell::Shell;
use crate::lifecycle::{Announcement, Answer, Input, Outcome, ReloadEnd, ReloadStep, ServiceIx, Stage};
use crate::manager::api::order_error::OrderError;
use crate::manager::observe::event_log::Detail;
use crate::report::ReloadError;
use crate::supervision::Reply;

fn detail_of(error: impl Error + Send + Sync + 'static) -> Detail {
    let text = error.to_string().into();
    Detail::Error(Arc::new(error), text)
}

/// How many of those who refused, or failed, are named in an answer.
const NAMED: usize = 20;

impl Shell {
    /// Takes the order to reload. Its answer comes when that is over.
    pub(crate) fn reload(&mut self) -> OrderReply {
        let stage = self.stage();
        if stage > Stage::Running {
            return Err(OrderError::NotRunning(stage)).into();
        }
        if !self.reloads.are_offered {
            return Err(OrderError::NothingToReload).into();
        }
        let reply = OrderReply::new();
        self.reloads.next.push(reply.clone());
        self.feed(Input::ReloadAsked, Detail::None);
        reply
    }

    /// SIGHUP: the log tells what becomes of it.
    pub(crate) fn reload_by_signal(&mut self) {
        if self.reloads.are_offered {
            self.feed(Input::ReloadAsked, Detail::None);
        }
    }

    /// Sends a service a message of the reload.
    pub(crate) fn send_reload(&mut self, ix: ServiceIx, step: ReloadStep) {
        let (number, sender) = (self.reloads.number, self.sender.clone());
        let request = self.service(ix).actor.as_ref().and_then(|actor| {
            let request = actor.handle.routes.reload(step)?;
            Some((request, actor.generation, actor))
        });
        let Some((request, generation, actor)) = request else {
            // It is gone, of which the rules hear, too.
            self.inputs.push_back((Input::ReloadAnswered(ix, step, Answer::Missing), Detail::None));
            return;
        };
        let reply = move |reply| sender.send(ManagerInput::Reloaded { ix, generation, number, step, reply });
        actor.handle.control.ask(request, reply);
    }

    pub(crate) fn start_reload_timer(&mut self, ix: ServiceIx) {
        let life = self.service(ix).life;
        let due = self
            .due_times
            .after(self.reload_timeout, TimerEvent::Service(ix, life, Input::ReloadTimeout(ix)));
        self.set_reload_timer(ix, due);
    }

    fn set_reload_timer(&mut self, ix: ServiceIx, due: Option<DueTime>) {
        let earlier = match due {
            Some(due) => self.reloads.timers.insert(ix, due),
            None => self.reloads.timers.remove(&ix),
        };
        if let Some(earlier) = earlier {
            self.due_times.cancel(earlier);
        }
    }

    /// A service answered a message of a reload, perhaps of an earlier one.
    pub(crate) fn on_reload_answer(
        &mut self,
        ix: ServiceIx,
        generation: Generation,
        number: u64,
        step: ReloadStep,
        reply: Reply,
    ) {
        if number == self.reloads.number && self.service(ix).is_actor(generation) {
            self.set_reload_timer(ix, None);
            self.forget_restarts(ix);
            let (answer, detail) = answer(reply);
            self.feed(Input::ReloadAnswered(ix, step, answer), detail);
        }
    }

    /// What is known of a failure in a reload beside what the service said; and of the end of one.
    pub(crate) fn reload_detail(&self, announcement: &Announcement, detail: &Detail) -> Option<Detail> {
        let of = |error: ReloadError| Some(detail_of(error));
        match *announcement {
            Announcement::ReloadLeft(_, step) => of(ReloadError::WentDown { step }),
            Announcement::ReloadFailed { step, outcome: Outcome::Forced, .. } => {
                of(ReloadError::NoAnswer { step, within: self.reload_timeout })
            }
            Announcement::ReloadFailed { step, .. } if matches!(detail, Detail::None) => {
                of(ReloadError::Ended { step })
            }
            Announcement::ReloadFinished(end) => self.reload_result(end).err().map(detail_of),
            _ => None,
        }
    }

    /// Keeps account of a reload, and answers who asked for it.
    pub(crate) fn follow_reload(&mut self, announcement: &Announcement, reason: Option<&str>) {
        match *announcement {
            Announcement::ReloadStarted => {
                self.reloads.number += 1;
                self.reloads.current = std::mem::take(&mut self.reloads.next);
                self.reloads.failed.clear();
            }
            Announcement::ReloadFailed { service, .. } | Announcement::ReloadLeft(service, _) => {
                self.set_reload_timer(service, None);
                let id = self.event_log.id(service).clone();
                self.reloads.failed.push((id, reason.unwrap_or("it gave no reason").to_owned()));
            }
            Announcement::ReloadFinished(end) => {
                let answer = self.reload_result(end);
                for due in std::mem::take(&mut self.reloads.timers).into_values() {
                    self.due_times.cancel(due);
                }
                std::mem::take(&mut self.reloads.current)
                    .into_iter()
                    .for_each(|reply| reply.keep(answer.clone()));
            }
            Announcement::ShutdownRequested(_) => {
                let answer = Err(OrderError::ReloadCalledOff);
                std::mem::take(&mut self.reloads.next)
                    .into_iter()
                    .for_each(|reply| reply.keep(answer.clone()));
            }
            _ => {}
        }
    }

    /// What the reload that ends so is told as.
    pub(crate) fn reload_result(&self, end: ReloadEnd) -> Result<(), OrderError> {
        let failed = &self.reloads.failed;
        let named = failed.iter().take(NAMED).map(|(id, why)| format!("{id}: {why}"));
        let more =
            failed.len().checked_sub(NAMED).filter(|more| *more > 0).map(|more| format!("{more} more"));
        let by: Vec<String> = named.chain(more).collect();
        match end {
            ReloadEnd::Done => Ok(()),
            ReloadEnd::Refused => Err(OrderError::ReloadRefused { by }),
            ReloadEnd::Incomplete => Err(OrderError::ReloadIncomplete { by }),
            ReloadEnd::CalledOff => Err(OrderError::ReloadCalledOff),
        }
    }
}
