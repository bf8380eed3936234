//! What a restart, another set-up, or the stop of one service needs beside messages: its timers, and the account of its restarts.

use std::time::Duration;

use super::due_times::DueTime;
use super::inbox::{Generation, TimerEvent};
use super::shell::Shell;
use crate::base::clock;
use crate::events::LifecycleEvent;
use crate::lifecycle::{Announcement, Input, Limited, Outcome, Repeat, RestartCause, ServiceIx};
use crate::manager::observe::event_log::Detail;
use crate::service::STOP_TIMEOUT;

/// How long one that was woken to be asked is waited for beyond its time.
const NOT_LET_RUN: Duration = Duration::from_millis(500);

/// How soon a thread that may only be slow is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Shell {
    pub(crate) fn signal_requested(&mut self, ix: ServiceIx) {
        let Some(actor) = &self.services[ix.0 as usize].actor else { return };
        actor.deadlines.request();
        self.event_log.note_asked(ix);
    }

    /// Whatever the actor left to other threads is told that its time is over, too.
    pub(crate) fn suspend(&mut self, ix: ServiceIx) {
        if let Some(actor) = &mut self.service(ix).actor {
            (actor.ended, actor.overdue) = (Some(clock::now()), None);
            actor.deadlines.request();
            actor.signal.force();
            actor.handle.control.suspend();
        }
    }

    pub(crate) fn start_delay(&mut self, ix: ServiceIx, repeat: Repeat) {
        let delay = match repeat {
            Repeat::Restart => self.service(ix).restarts.delay(),
            Repeat::Setup => self.setup_delay(ix),
        };
        if delay.is_zero() {
            self.inputs.push_back((Input::DelayOver(ix), Detail::None));
            return;
        }
        if repeat == Repeat::Restart {
            let service = self.service(ix).id.clone();
            self.event_log.emit(LifecycleEvent::RestartDelayed { service, delay });
        }
        self.service_timer(ix, delay, Input::DelayOver(ix));
    }

    pub(crate) fn start_stop_timer(&mut self, ix: ServiceIx, of: Limited) {
        let slot = self.service(ix);
        let (limit, lasts) = (slot.stop_limit(), slot.stop_timeout.is_some());
        // One that lies beyond all time is none.
        if let (Some(actor), Some(at)) = (&slot.actor, clock::now().checked_add(limit)) {
            match of {
                Limited::Service => actor.deadlines.limit_service(at, lasts),
                Limited::Release => actor.deadlines.limit_resource(at),
            }
        }
        self.service_timer(ix, limit, Input::StopTimeout(ix));
    }

    /// A service has one timer: the latest.
    pub(super) fn service_timer(&mut self, ix: ServiceIx, after: Duration, input: Input) {
        let life = self.service(ix).life;
        let due = self.due_times.after(after, TimerEvent::Service(ix, life, input));
        self.set_timer(ix, due);
    }

    /// The latest timer is the only one.
    pub(crate) fn set_timer(&mut self, ix: ServiceIx, due: Option<DueTime>) {
        if let Some(earlier) = std::mem::replace(&mut self.service(ix).timer, due) {
            self.due_times.cancel(earlier);
        }
    }

    /// A service's timer has gone off.
    pub(crate) fn on_service_timer(&mut self, ix: ServiceIx, life: Generation, input: Input) {
        if self.service(ix).life == life {
            if input == Input::StopTimeout(ix)
                && let Some(wait) = self.patience(ix)
            {
                self.service_timer(ix, wait, input);
                return;
            }
            self.forget_restarts(ix);
            self.feed(input, Detail::None);
        }
    }

    /// How much longer a stop that has had its time is waited for, if it is: where nobody could have heard of it, or where its
    /// actor was brought to rest, or was woken to be asked, and its thread shows no block that would keep it from that.
    fn patience(&mut self, ix: ServiceIx) -> Option<Duration> {
        if let Some(wait) = self.putting_off(false) {
            return Some(wait);
        }
        let actor = self.services[ix.0 as usize].actor.as_mut()?;
        // One that was asked, and woken, has not been let run since: it is the machine that is slow.
        if actor.ended.is_none() && !actor.handle.control.is_woken() {
            return None;
        }
        let now = clock::now();
        // One that polls itself again and again is woken all the time.
        let most = if actor.ended.is_some() { STOP_TIMEOUT } else { NOT_LET_RUN };
        let since = *actor.overdue.get_or_insert(now);
        let waits = now.saturating_duration_since(since) < most && self.may_yet_go(ix);
        waits.then_some(LOOK_AGAIN)
    }

    /// Before the rules hear of a service, they learn how many of its restarts and of its set-up's retries do not count any more.
    pub(crate) fn forget_restarts(&mut self, ix: ServiceIx) {
        self.forget_setup_retries(ix);
        if let Some(forgotten) = self.forgotten_restarts(ix) {
            self.feed(Input::Forgotten(ix, Repeat::Restart, forgotten), Detail::None);
        }
    }

    /// How many of a service's restarts do not count any more, and did when this was last asked.
    pub(super) fn forgotten_restarts(&mut self, ix: ServiceIx) -> Option<u32> {
        if !self.service(ix).restarts.are_counted() {
            return None;
        }
        let now = self.event_log.now();
        let forgotten = self.service(ix).restarts.forgotten(now);
        (forgotten > 0).then_some(forgotten)
    }

    /// Every service is up for the first time.
    pub(crate) fn all_are_up(&mut self) {
        let now = self.event_log.now();
        for slot in &mut self.services {
            slot.restarts.is_up(now);
        }
    }

    /// Keeps account of restarts.
    pub(crate) fn count_restarts(&mut self, announcement: &Announcement) {
        match *announcement {
            Announcement::RestartStarted(ix, RestartCause::Failed { .. }) => {
                let now = self.event_log.now();
                self.service(ix).restarts.failed(now);
            }
            Announcement::RestartFinished(ix, Outcome::Ok) | Announcement::ServiceAdded(ix) => {
                let now = self.event_log.now();
                self.service(ix).restarts.is_up(now);
                self.set_timer(ix, None);
            }
            _ => {}
        }
    }
}
