//! What a restart, or the stop of one service, needs beside messages: its timers, and the account of its restarts.

use std::time::Duration;

use super::account::Detail;
use super::due_times::DueTime;
use super::shell::Shell;
use super::told::{Tick, Turn};
use crate::events::LifecycleEvent;
use crate::lifecycle::{Announcement, Input, Outcome, RestartCause, ServiceIx};

impl Shell {
    pub(super) fn signal_requested(&mut self, ix: ServiceIx) {
        if let Some(lives) = &self.service(ix).lives {
            lives.deadlines.request();
        }
    }

    /// Whatever the actor left to other threads is told that its time is over, too.
    pub(super) fn suspend(&mut self, ix: ServiceIx) {
        if let Some(lives) = &self.service(ix).lives {
            lives.deadlines.request();
            lives.signal.force();
            lives.links.control.suspend();
        }
    }

    pub(super) fn start_delay(&mut self, ix: ServiceIx) {
        let delay = self.service(ix).restarts.delay();
        if delay.is_zero() {
            self.inputs.push_back((Input::DelayOver(ix), Detail::None));
            return;
        }
        let service = self.service(ix).id.clone();
        self.account.emit(LifecycleEvent::RestartDelayed { service, delay });
        self.service_timer(ix, delay, Input::DelayOver(ix));
    }

    pub(super) fn start_stop_timer(&mut self, ix: ServiceIx) {
        let limit = self.service(ix).stop_limit();
        self.service_timer(ix, limit, Input::StopTimeout(ix));
    }

    /// A service has one timer: the latest.
    fn service_timer(&mut self, ix: ServiceIx, after: Duration, input: Input) {
        let life = self.service(ix).life;
        let due = self.due_times.after(after, Tick::Service(ix, life, input));
        self.set_timer(ix, due);
    }

    /// The latest timer is the only one.
    pub(super) fn set_timer(&mut self, ix: ServiceIx, due: Option<DueTime>) {
        if let Some(earlier) = std::mem::replace(&mut self.service(ix).timer, due) {
            self.due_times.cancel(earlier);
        }
    }

    /// A service's timer has gone off.
    pub(super) fn service_tick(&mut self, ix: ServiceIx, life: Turn, input: Input) {
        if self.service(ix).life == life {
            self.forget_restarts(ix);
            self.feed(input, Detail::None);
        }
    }

    /// Before the rules hear of a service, they learn how many of its restarts do not count any more.
    pub(super) fn forget_restarts(&mut self, ix: ServiceIx) {
        if !self.service(ix).restarts.are_counted() {
            return;
        }
        let now = self.account.now();
        let forgotten = self.service(ix).restarts.forgotten(now);
        if forgotten > 0 {
            self.feed(Input::RestartsForgotten(ix, forgotten), Detail::None);
        }
    }

    /// Every service is up for the first time.
    pub(super) fn all_are_up(&mut self) {
        let now = self.account.now();
        for seat in &mut self.services {
            seat.restarts.is_up(now);
        }
    }

    /// Keeps account of restarts.
    pub(super) fn count_restarts(&mut self, told: &Announcement) {
        match *told {
            Announcement::RestartStarted(ix, RestartCause::Failed { .. }) => {
                let now = self.account.now();
                self.service(ix).restarts.failed(now);
            }
            Announcement::RestartFinished(ix, Outcome::Ok) | Announcement::ServiceAdded(ix) => {
                let now = self.account.now();
                self.service(ix).restarts.is_up(now);
                self.set_timer(ix, None);
            }
            _ => {}
        }
    }
}
