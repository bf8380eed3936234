//! The timers of a shutdown.

use std::time::{Duration, Instant};

use super::shell::Shell;
use super::told::Tick;
use crate::clock;
use crate::lifecycle::{Input, Stage};

/// The moment that resources get which were never asked before the deadline.
pub(super) const LAST_CALL: Duration = Duration::from_millis(20);

/// How often it is told who is being waited for.
const PROGRESS: Duration = Duration::from_secs(1);

impl Shell {
    pub(super) fn start_deadlines(&mut self, shares: u32) {
        self.shares = shares;
        self.time_shutdown(clock::now());
        self.later(PROGRESS, Tick::Progress);
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
        self.due_times.after(after, tick);
    }

    /// What is due, if anything is.
    pub(super) fn take_due(&mut self) -> Option<Tick> {
        let (at, tick) = self.due_times.take()?;
        if let Tick::Progress = tick {
            self.due_times.at(at + PROGRESS, tick);
        }
        Some(tick)
    }
}
