//! The timers of a shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::inbox::TimerEvent;
use super::shell::Shell;
use crate::base::clock;
use crate::lifecycle::{Input, Stage};
use crate::manager::observe::event_log::Detail;
use crate::supervision::Thread;

/// How often it is told who is being waited for.
const PROGRESS: Duration = Duration::from_secs(1);

impl Shell {
    pub(crate) fn start_deadlines(&mut self, shares: u32) {
        self.shares = shares;
        self.time_shutdown(clock::now());
        self.later(PROGRESS, TimerEvent::Progress);
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
    pub(crate) fn tighten(&mut self, at: Instant) {
        let now = clock::now();
        self.budget = self.budget.within(at.saturating_duration_since(now));
        if self.deadline.is_none_or(|deadline| at < deadline) && self.stage() >= Stage::Stopping {
            self.time_shutdown(now);
            self.timer(self.budget.drain_delay(), Input::DrainDelayOver);
        }
    }

    pub(crate) fn timer(&mut self, after: Duration, input: Input) {
        self.later(after, TimerEvent::Input(input));
    }

    pub(crate) fn later(&mut self, after: Duration, tick: TimerEvent) {
        self.due_times.after(after, tick);
    }

    /// What is due, if anything is.
    pub(crate) fn take_due(&mut self) -> Option<TimerEvent> {
        let (at, tick) = self.due_times.take()?;
        self.was_due(at);
        if let TimerEvent::Progress = tick {
            // One that did not run for long has nothing to catch up with.
            let (next, now) = (at + PROGRESS, clock::now());
            self.due_times.at(if next > now { next } else { now + PROGRESS }, tick);
        }
        Some(tick)
    }

    /// Something that was due then is taken up now.
    fn was_due(&mut self, at: Instant) {
        // In paused time, the clock jumps.
        if !self.service_threads.is_one_thread() && self.absence.late(at, clock::now()) {
            self.event_log.note_absence(self.absence.total());
            self.call_threads();
        }
    }

    /// Has every thread show that it runs again.
    fn call_threads(&mut self) {
        let threads = [&self.service_threads, &self.resource_threads].map(|pool| pool.threads());
        let call = |thread: Arc<Thread>| {
            let runs = Arc::new(AtomicBool::new(false));
            let shown = Arc::clone(&runs);
            thread.run(move || shown.store(true, Ordering::Relaxed));
            (thread, runs)
        };
        self.called = threads.into_iter().flatten().map(call).collect();
    }

    /// Something for the rules is due. What forces is put off where nobody had a chance to do what was asked of it.
    pub(crate) fn on_due_input(&mut self, input: Input) {
        let forces = matches!(input, Input::ReserveReached | Input::DeadlineReached | Input::LastCallOver);
        if !(forces && self.put_off(TimerEvent::Input(input))) {
            self.feed(input, Detail::None);
        }
    }

    /// Whether what is due waits until those that were stopped with the manager have been let on.
    pub(crate) fn put_off(&mut self, tick: TimerEvent) -> bool {
        match self.putting_off(matches!(tick, TimerEvent::Input(Input::DeadlineReached))) {
            Some(wait) => {
                self.later(wait, tick);
                true
            }
            None => false,
        }
    }

    /// For how long what is due is put off, if it is.
    pub(crate) fn putting_off(&mut self, deadline: bool) -> Option<Duration> {
        let now = clock::now();
        if !self.absence.is_recent(now) {
            self.called.clear();
            return None;
        }
        // A thread that polls somebody runs.
        self.called.retain(|(thread, runs)| !runs.load(Ordering::Relaxed) && thread.watch().busy().is_none());
        self.absence.put_off(now, deadline, !self.called.is_empty())
    }
}
