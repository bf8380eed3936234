//! The hand-over to a successor: who asked for it, the process that is started, and what it tells.

use std::sync::Arc;
use std::time::Duration;

use super::handover_state::Doing;
use super::inbox::TimerEvent;
use super::open_orders::OrderReply;
use super::shell::Shell;
use crate::events::LifecycleEvent;
use crate::handover::{FromSuccessor, SuccessorProcess};
use crate::lifecycle::{Announcement, HandoverEnd, Input, ServiceIx, Stage};
use crate::manager::api::handover_status::HandoverStatus;
use crate::manager::api::order_error::OrderError;
use crate::manager::observe::event_log::Detail;
use crate::notify;
use crate::report::HandoverError;

impl Shell {
    /// Takes the order to hand over. Its answer comes when that is over.
    pub(crate) fn hand_over(&mut self) -> OrderReply {
        if let Err(error) = self.check_handover() {
            return Err(error).into();
        }
        let reply = OrderReply::new();
        self.handovers.asked = Some(reply.clone());
        self.feed(Input::HandoverAsked, Detail::None);
        reply
    }

    /// SIGUSR2: the events tell what becomes of it.
    pub(crate) fn hand_over_by_signal(&mut self) {
        match self.check_handover() {
            Ok(()) => self.feed(Input::HandoverAsked, Detail::None),
            Err(error) => {
                self.event_log.emit(LifecycleEvent::HandoverRefused { reason: error.to_string().into() });
            }
        }
    }

    fn check_handover(&self) -> Result<(), OrderError> {
        let stage = self.stage();
        if self.handovers.offered.is_none() {
            return Err(OrderError::NoHandover);
        }
        if stage != Stage::Running || !self.machine.is_ready() {
            return Err(OrderError::NotReadyToHandOver(stage));
        }
        if self.handovers.predecessor.is_some() {
            return Err(OrderError::PredecessorLeft);
        }
        // One that waits for a reload has not begun.
        let busy = self.handovers.asked.is_some() || self.handovers.successor.is_some();
        if !self.machine.can_hand_over() || busy {
            return Err(OrderError::HandoverUnderWay);
        }
        Ok(())
    }

    pub(super) fn start_successor(&mut self) {
        let Some(offered) = self.handovers.offered.clone() else { return };
        // Another successor says something else.
        (self.handovers.doing, self.handovers.failure, self.handovers.found_dead) =
            (Doing::default(), None, false);
        let tell = self.handovers.doing.clone().and_tell(self.sender.clone());
        match SuccessorProcess::start(&offered, self.handovers.generation + 1, tell) {
            Ok(successor) => self.handovers.successor = Some(successor),
            Err(error) => {
                let (what, source) = ("a thread".to_owned(), std::io::Error::other(error).into());
                self.handovers.failure = Some(HandoverError::Refused { what, source }.into());
                self.inputs.push_back((Input::SuccessorGone, Detail::None));
            }
        }
    }

    /// The next input. As long as this process could serve again it is looked first whether the successor lives: what comes may be the last
    /// that giving way waits for, and after that there is nobody else.
    pub(super) fn next_input(&mut self) -> Option<(Input, Detail)> {
        if self.machine.is_giving_way()
            && !self.inputs.is_empty()
            && !self.handovers.found_dead
            && let Some(successor) = &self.handovers.successor
            && let Some(end) = successor.died()
        {
            let why = HandoverError::Ended { end, in_charge: true };
            successor.take_back(why.clone());
            (self.handovers.failure, self.handovers.found_dead) = (Some(why.into()), true);
            self.inputs.push_front((Input::SuccessorGone, Detail::None));
        }
        self.inputs.pop_front()
    }

    /// Something was heard of the successor.
    pub(crate) fn on_successor(&mut self, told: FromSuccessor) {
        match told {
            FromSuccessor::Started { pid } => self.event_log.emit(LifecycleEvent::SuccessorStarted { pid }),
            // Kept apart: see `Doing`.
            FromSuccessor::Doing(_) => {}
            FromSuccessor::Ready => {
                // One that has died since then is told as gone next.
                if self.handovers.successor.as_ref().is_some_and(|successor| successor.died().is_none()) {
                    self.feed(Input::SuccessorReady, Detail::None);
                }
            }
            FromSuccessor::Gone { why } => {
                self.handovers.successor = None;
                self.handovers.failure = Some(why.into());
                self.feed(Input::SuccessorGone, Detail::None);
            }
        }
    }

    pub(super) fn end_successor(&mut self) {
        let Some(successor) = &self.handovers.successor else { return };
        successor.end(match (&self.handovers.offered, self.stage()) {
            (Some(offered), Stage::Running) => {
                HandoverError::TimedOut { limit: offered.timeout, doing: self.handovers.doing.latest() }
            }
            _ => called_off(),
        });
    }

    pub(super) fn start_handover_timer(&mut self) {
        let limit = self.handovers.offered.as_ref().map_or(Duration::ZERO, |offered| offered.timeout);
        self.start_timer_of_handover(limit, Input::HandoverTimeout);
    }

    pub(super) fn start_give_way_timer(&mut self) {
        let limit = self.handovers.offered.as_ref().map_or(Duration::ZERO, |offered| offered.give_way);
        self.start_timer_of_handover(limit, Input::GiveWayOver);
    }

    fn start_timer_of_handover(&mut self, limit: Duration, input: Input) {
        self.handovers.timers.extend(self.due_times.after(limit, TimerEvent::Input(input)));
    }

    /// The successor is in charge: systemd is told first, since it hears no other process than the main one. It is told here and now, which takes ten
    /// milliseconds at most: this process may be over before another thread had come to it, and systemd would end the unit.
    pub(super) fn pass_on(&mut self) {
        self.handovers.in_charge = false;
        let pid = self.handovers.successor.as_ref().and_then(SuccessorProcess::pid);
        self.event_log.emit(LifecycleEvent::SuccessorReady { pid: pid.unwrap_or_default() });
        if let (Some(pid), true) = (pid, self.tells_systemd) {
            notify::tell_main_process(pid);
        }
        if let Some(successor) = &self.handovers.successor {
            successor.in_charge();
        }
        self.open_endpoint(false);
    }

    /// The successor is gone: this process is in charge again.
    pub(super) fn take_back(&mut self) {
        self.handovers.in_charge = true;
        if self.tells_systemd {
            notify::tell_main_process(std::process::id());
        }
        self.open_endpoint(true);
        self.store_sockets();
    }

    pub(super) fn give_way(&mut self, ix: ServiceIx) {
        self.give_way_of(ix, true);
    }

    pub(super) fn resume(&mut self, ix: ServiceIx) {
        self.give_way_of(ix, false);
    }

    /// Why a hand-over came to nothing.
    pub(super) fn handover_detail(&self, announcement: &Announcement) -> Option<Detail> {
        let Announcement::HandoverFinished(end) = *announcement else { return None };
        let error = match (end, &self.handovers.failure) {
            (HandoverEnd::Passed, _) => return Some(Detail::None),
            (HandoverEnd::CalledOff, _) | (_, None) => Arc::new(called_off()),
            (_, Some(failure)) => Arc::clone(failure),
        };
        let text = error.to_string().into();
        Some(Detail::Error(error, text))
    }

    /// Keeps account of hand-overs, and answers who asked for one.
    pub(crate) fn follow_handover(&mut self, announcement: &Announcement) {
        match announcement {
            Announcement::HandoverFinished(end) => {
                self.cancel_timers_of_handover();
                let reason =
                    || self.handovers.failure.as_ref().map_or_else(String::new, |why| why.to_string());
                let answer = match end {
                    HandoverEnd::Passed => Ok(()),
                    HandoverEnd::CalledOff => Err(OrderError::HandoverCalledOff),
                    HandoverEnd::Failed | HandoverEnd::TimedOut | HandoverEnd::TakenBack => {
                        Err(OrderError::HandoverFailed { reason: reason() })
                    }
                };
                self.answer_handover(answer);
                if let (HandoverEnd::Passed, Some(successor)) = (end, &self.handovers.successor) {
                    successor.alone();
                }
            }
            // One that waited for a reload.
            Announcement::ShutdownRequested(_) if self.handovers.successor.is_none() => {
                self.answer_handover(Err(OrderError::HandoverCalledOff));
            }
            Announcement::Stopped => {
                if let Some(successor) = &self.handovers.successor {
                    successor.released();
                }
            }
            _ => {}
        }
    }

    /// How hand-overs stand, where they are offered.
    pub(super) fn handover_status(&self) -> Option<HandoverStatus> {
        self.handovers.offered.as_ref().map(|_| self.handovers.status())
    }

    /// Resolves when a successor that was called off is dead.
    pub(super) fn successor_called_off(&self) -> impl Future<Output = ()> + use<> {
        let successor = self.handovers.successor.as_ref().filter(|_| self.handovers.in_charge);
        let over = successor.map(SuccessorProcess::over);
        async move {
            if let Some(over) = over {
                over.await;
            }
        }
    }

    fn answer_handover(&mut self, answer: Result<(), OrderError>) {
        if let Some(reply) = self.handovers.asked.take() {
            reply.keep(answer);
        }
    }

    fn cancel_timers_of_handover(&mut self) {
        for due in std::mem::take(&mut self.handovers.timers) {
            self.due_times.cancel(due);
        }
    }
}

fn called_off() -> HandoverError {
    HandoverError::CalledOff { reason: "the manager's shutdown began".to_owned() }
}
