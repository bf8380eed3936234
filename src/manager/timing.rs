//! The timers of a shutdown.

use std::time::{Duration, Instant};

use super::shell::Shell;
use super::told::{Tick, Told};
use crate::clock;
use crate::lifecycle::{Input, Stage};

/// The moment that resources get which were never asked before the deadline.
pub(super) const LAST_CALL: Duration = Duration::from_millis(20);

impl Shell {
    pub(super) fn start_deadlines(&mut self, shares: u32) {
        self.shares = shares;
        self.time_shutdown(clock::now());
        let home = self.home.clone();
        self.spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(1));
            every.tick().await;
            loop {
                every.tick().await;
                home.tell(Told::Tick(Tick::Progress));
            }
        });
    }

    /// Sets the timers of the steps whose times are known beforehand. What is told twice counts once.
    fn time_shutdown(&mut self, asked: Instant) {
        let (services, all) = (self.budget.services_until(asked), self.budget.deadline(asked));
        self.limits.set(services, all);
        self.deadline = all;
        for (at, input) in [(services, Input::ReserveReached), (all, Input::DeadlineReached)] {
            if let Some(at) = at {
                self.timer(at.saturating_duration_since(clock::now()), input);
            }
        }
        for share in 1..self.shares {
            if let Some(at) = self.budget.share_until(asked, share, self.shares) {
                self.timer(at.saturating_duration_since(clock::now()), Input::ShareSpent(share));
            }
        }
    }

    /// The shutdown, which may have begun, is to be over at that time at the latest.
    pub(super) fn tighten(&mut self, at: Instant) {
        let now = clock::now();
        self.budget = self.budget.within(at.saturating_duration_since(now));
        if self.deadline.is_none_or(|deadline| at < deadline) && self.stage() >= Stage::Stopping {
            self.time_shutdown(now);
            self.timer(self.budget.drain_delay(), Input::DrainDelayOver);
        }
    }

    pub(super) fn timer(&mut self, after: Duration, input: Input) {
        self.later(after, Tick::Input(input));
    }

    pub(super) fn later(&mut self, after: Duration, tick: Tick) {
        let home = self.home.clone();
        self.spawn(async move {
            tokio::time::sleep(after).await;
            home.tell(Told::Tick(tick));
        });
    }

    fn spawn(&mut self, timer: impl Future<Output = ()> + 'static) {
        self.timers.retain(|timer| !timer.is_finished());
        self.timers.push(actix_rt::spawn(timer).abort_handle());
    }
}
