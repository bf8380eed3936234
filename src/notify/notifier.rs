//! What systemd is told, and when. Pure: events, answers and times go in, datagrams and the next due time come out.
//!
//! ```text
//!   observe(event)      -> a stage begins: told at once. Else the status is told when it has changed, and each second while
//!                          somebody is waited for; never twice within a second
//!   answered(liveness)  -> WATCHDOG=1, unless somebody is stuck
//!   next(now)           -> the next datagram, or the next question to the manager, until there is neither
//!   due()               -> when to ask for `next` again
//! ```
//!
//! Each sign of progress asks for [`PATIENCE`] more (`EXTEND_TIMEOUT_USEC`), which systemd grants on top of the unit's own `TimeoutStartSec=` and
//! `TimeoutStopSec=`. A shutdown with a deadline never asks for more than that and the [`LAST_WORDS`] after it. While all run nothing
//! is asked: systemd would take it for `RuntimeMaxSec=`.

use std::fmt::Write;
use std::time::Duration;

use super::Liveness;
use super::services::Services;
use super::stages::{StageWord, Stages};
use super::watchdog::Watchdog;
use crate::base::seconds;
use crate::events::{LifecycleEvent, Name, TimedEvent};
use crate::lifecycle::HandoverEnd;

/// How long nothing may be heard of set-ups and stops before systemd's own limits hold.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the process needs beyond its deadline: whoever is left is forced then, which is over within 100 ms, and the text of the error and what stdout
/// buffers are given 100 ms each. Whoever asks systemd for less is killed in the middle of it: 50 ms are too late.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the status is told at most.
const PACE: Duration = Duration::from_secs(1);
/// How soon a datagram is sent again that the receiver had no room for.
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Stopping {
        asked: Duration,
        /// When whatever is left is forced.
        deadline: Option<Duration>,
    },
    Over,
}

/// A datagram: what it says of the stage, the status, the time, and life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Datagram {
    stage: Option<StageWord>,
    status: Option<String>,
    /// How much longer it may take, counted from when it is sent.
    extend: Option<Duration>,
    alive: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Send(Datagram),
    /// Whether the manager answers.
    Ask,
}

/// What systemd has been told of a manager, and is still to be told.
#[derive(Debug)]
pub(super) struct Notifier {
    services: Services,
    /// How long a shutdown may take.
    limit: Option<Duration>,
    watchdog: Option<Watchdog>,
    /// Whether this process is the one that systemd hears.
    speaks: bool,
    phase: Phase,
    stages: Stages,
    owed: Datagram,
    /// Whether the status may read differently by now.
    has_changed: bool,
    /// Until when systemd is to be patient, and until when it was told to be.
    patient_until: Duration,
    extended_until: Duration,
    told: Option<(Duration, String)>,
    /// When to try again, where the receiver had no room.
    not_before: Duration,
}

impl Notifier {
    /// Of these services. Times count from the manager's start.
    pub(super) fn new(
        ids: impl IntoIterator<Item = Name>,
        limit: Option<Duration>,
        watchdog: Option<Duration>,
        speaks: bool,
    ) -> Self {
        Self {
            services: Services::new(ids),
            limit,
            watchdog: watchdog.map(Watchdog::new),
            speaks,
            phase: Phase::Starting,
            stages: Stages::default(),
            owed: Datagram::default(),
            has_changed: true,
            patient_until: PATIENCE,
            extended_until: Duration::ZERO,
            told: None,
            not_before: Duration::ZERO,
        }
    }

    /// Takes note of an event.
    pub(super) fn observe(&mut self, timed: &TimedEvent) {
        use LifecycleEvent as E;
        self.services.observe(timed);
        self.has_changed = true;
        match &timed.event {
            E::Running if self.phase == Phase::Starting => {
                self.phase = Phase::Running;
                self.stages.push(StageWord::Ready);
            }
            E::ReloadStarted if self.phase == Phase::Running => self.stages.push(StageWord::Reloading),
            E::ReloadFinished { .. } if self.phase == Phase::Running => self.stages.push(StageWord::Ready),
            // From here on another process speaks for the program, and its end is none of the program's.
            E::HandoverFinished { outcome: HandoverEnd::Passed, .. } => self.phase = Phase::Over,
            E::ShutdownRequested { .. } if !matches!(self.phase, Phase::Stopping { .. } | Phase::Over) => {
                let deadline = self.limit.and_then(|limit| timed.at.checked_add(limit));
                self.phase = Phase::Stopping { asked: timed.at, deadline };
                self.stages.push(StageWord::Stopping);
                // What was granted before was for another limit.
                (self.patient_until, self.extended_until) = (Duration::ZERO, Duration::ZERO);
            }
            E::SuccessorReady { .. } => self.speaks = false,
            E::TookOver { .. } => self.speaks = true,
            E::HandoverFinished { outcome: HandoverEnd::TakenBack, .. } => self.speaks = true,
            E::Stopped => self.phase = Phase::Over,
            _ => {}
        }
        if let Some(delay) = self.progress(&timed.event) {
            let until = timed.at.saturating_add(delay).saturating_add(PATIENCE);
            let most = match self.phase {
                Phase::Stopping { deadline: Some(deadline), .. } => deadline.saturating_add(LAST_WORDS),
                _ => Duration::MAX,
            };
            self.patient_until = self.patient_until.max(until.min(most));
        }
    }

    /// Whether an event shows that it goes on, and how long nothing more is to be expected.
    fn progress(&self, event: &LifecycleEvent) -> Option<Duration> {
        use LifecycleEvent as E;
        match (self.phase, event) {
            (Phase::Running | Phase::Over, _) => None,
            (_, E::SetupRetried { delay, .. }) => Some(*delay),
            // Without a deadline nobody but systemd ends who hangs; with one, the manager does, as long as it works.
            (Phase::Stopping { deadline, .. }, E::Progress { .. }) => deadline.map(|_| Duration::ZERO),
            (
                _,
                E::Progress { .. } | E::StallStarted { .. } | E::StallFinished { .. } | E::Panicked { .. },
            ) => None,
            _ => Some(Duration::ZERO),
        }
    }

    /// Takes note of the manager's answer.
    pub(super) fn answered(&mut self, liveness: Liveness, now: Duration) {
        let stops = matches!(self.phase, Phase::Stopping { .. });
        let Some(watchdog) = &mut self.watchdog else { return };
        let before = watchdog.stuck().cloned();
        self.owed.alive = watchdog.answered(liveness, now, stops);
        self.has_changed |= before.as_ref() != watchdog.stuck();
    }

    /// What is to be done now, one thing at a time.
    pub(super) fn next(&mut self, now: Duration) -> Option<Action> {
        if self.phase == Phase::Over || !self.speaks {
            return None;
        }
        if now >= self.not_before {
            let datagram = self.datagram(now);
            if datagram != Datagram::default() {
                return Some(Action::Send(datagram));
            }
        }
        self.watchdog.as_mut()?.asks(now).then_some(Action::Ask)
    }

    fn datagram(&mut self, now: Duration) -> Datagram {
        let mut datagram = std::mem::take(&mut self.owed);
        datagram.stage = self.stages.take();
        if datagram.stage.is_some() || self.speaks_at().is_some_and(|at| at <= now) {
            self.has_changed = false;
            let status = self.status(now);
            if self.told.as_ref().is_none_or(|(_, told)| *told != status) {
                datagram.status = Some(status.clone());
            }
            let extend = self.patient_until.saturating_sub(now);
            if self.patient_until > self.extended_until && !extend.is_zero() && self.phase != Phase::Running {
                datagram.extend = Some(extend);
                self.extended_until = self.patient_until;
            }
            self.told = Some((now, status));
        }
        datagram
    }

    /// A datagram was not sent, as there was no room for it.
    pub(super) fn unsent(&mut self, datagram: Datagram, now: Duration) {
        self.not_before = now + AGAIN;
        if let Some(stage) = datagram.stage {
            self.stages.put_back(stage);
        }
        self.owed.alive |= datagram.alive;
        if datagram.status.is_some() || datagram.extend.is_some() {
            self.has_changed = true;
            self.told = None;
            self.extended_until = Duration::ZERO;
        }
    }

    /// When the status is to be told next.
    fn speaks_at(&self) -> Option<Duration> {
        let waits = match self.phase {
            Phase::Starting | Phase::Running => self.services.are_changing(),
            Phase::Stopping { .. } => true,
            Phase::Over => false,
        };
        let extends = self.phase != Phase::Running && self.patient_until > self.extended_until;
        let told = self.told.as_ref().map_or(Duration::ZERO, |(at, _)| *at + PACE);
        (waits || extends || self.has_changed).then_some(told)
    }

    /// When something is to be done next, if nothing happens before.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.phase == Phase::Over || !self.speaks {
            return None;
        }
        let owes = !self.stages.is_empty() || self.owed != Datagram::default();
        let owed = owes.then_some(Duration::ZERO);
        let told = owed.into_iter().chain(self.speaks_at()).min().map(|at| at.max(self.not_before));
        told.into_iter().chain(self.watchdog.as_ref().and_then(Watchdog::due)).min()
    }

    /// `Starting: database (setup) for 3.2 s`
    fn status(&self, now: Duration) -> String {
        let mut text = String::new();
        let waiting = match self.phase {
            Phase::Starting => {
                text.push_str("Starting");
                self.services.changing_for(now)
            }
            Phase::Running => {
                let _ = write!(text, "Running, {}", self.services.up());
                self.services.changing_for(now)
            }
            Phase::Stopping { asked, .. } => {
                let _ = write!(text, "Stopping for {}", seconds(now.saturating_sub(asked)));
                let waiting = self.services.stopping();
                if waiting.is_empty() { waiting } else { format!("waiting for {waiting}") }
            }
            Phase::Over => return text,
        };
        if !waiting.is_empty() {
            let _ = write!(text, ": {waiting}");
        }
        if let Phase::Stopping { deadline: Some(deadline), .. } = self.phase {
            let _ = write!(text, "; forced in {}", seconds(deadline.saturating_sub(now)));
        }
        if let Some(stuck) = self.watchdog.as_ref().and_then(Watchdog::stuck) {
            let _ = write!(text, "; stuck: {stuck}");
        }
        text
    }
}

impl Datagram {
    /// As it is sent at that time of the monotonic clock: a line for each, the stage first.
    pub(super) fn text(&self, monotonic: Duration) -> String {
        let status = self.status.as_ref().map(|status| {
            // A line ends what is said; names of resources may have one.
            let line: String = status.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("STATUS={line}")
        });
        let lines = [
            self.stage.map(|stage| stage.text(monotonic)),
            status,
            self.extend.map(|time| format!("EXTEND_TIMEOUT_USEC={}", time.as_micros())),
            self.alive.then(|| "WATCHDOG=1".to_owned()),
        ];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests;
