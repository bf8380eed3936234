//! A fold of lifecycle events: what each service is doing, and what has become of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::ReadLoad;
use super::leases::Lease;
use crate::events::{LeaseEvent, LifecycleEvent as Event, Name, Stall};
use crate::lifecycle::{Intensity, Outcome, RestartCause, RestartPolicy, WaitsFor};

/// What a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    /// It has not begun.
    #[default]
    Waiting,
    /// It waits for its lease, which another replica has.
    Standby,
    /// It registers, is set up, or has been and waits for others.
    SettingUp,
    /// Its main loop runs; where it has none, all run.
    Running,
    /// It goes down, to be started again, or is being started again.
    Restarting,
    /// It was asked to stop.
    Stopping,
    /// It is over, as it should be.
    Ended,
    /// It is over, by an error, a panic or by force.
    Failed,
}

impl State {
    pub(super) const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Standby,
        Self::SettingUp,
        Self::Running,
        Self::Restarting,
        Self::Stopping,
        Self::Ended,
        Self::Failed,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Standby => "standby",
            Self::SettingUp => "setting_up",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }

    fn of(outcome: Outcome) -> Self {
        if outcome == Outcome::Ok { Self::Ended } else { Self::Failed }
    }
}

/// A service, as far as events tell.
#[derive(Default)]
pub(super) struct Service {
    pub(super) state: State,
    pub(super) restarts: u64,
    pub(super) forced: u64,
    /// Whether a step of this life was forced: it is counted once.
    step_forced: bool,
    /// Whether it waits before it is set up, for something that is not of this process.
    standby: bool,
    /// Whether it has a main loop that has begun in this life.
    runs: bool,
    /// How many restarts its policy allows, if it allows any and not any number, and those that there were.
    budget: Option<(u32, Intensity)>,
    /// What does not get on, and since when.
    stalls: Vec<(Option<Name>, Stall, Instant)>,
    pub(super) load: Option<ReadLoad>,
    pub(super) lease: Option<Lease>,
}

/// All services of a manager.
#[derive(Default)]
pub(crate) struct Life {
    pub(super) services: BTreeMap<Name, Service>,
    all_run: bool,
    /// Which process in a row this is, if it took over from another.
    pub(super) generation: Option<u64>,
    /// Hand-overs that ended, by what came of them.
    pub(super) handovers: BTreeMap<&'static str, u64>,
    /// What restarts are timed from.
    began: Option<Instant>,
    /// When the shutdown was asked, and when all was over.
    shutdown: Option<(Instant, Option<Instant>)>,
}

impl Life {
    /// A service is there.
    pub(super) fn add(
        &mut self,
        id: &Name,
        policy: &RestartPolicy,
        lease: Option<&Name>,
        load: Option<ReadLoad>,
    ) {
        let most = policy.restarts_allowed().filter(|most| *most > 0);
        let budget = most.map(|most| (most, policy.intensity()));
        let lease = lease.cloned().map(Lease::new);
        self.services.insert(id.clone(), Service { budget, load, lease, ..Service::default() });
    }

    /// Takes note of something that happens now.
    pub(super) fn observe(&mut self, event: &Event, now: Instant) {
        let age = now.saturating_duration_since(*self.began.get_or_insert(now));
        match event {
            Event::Running => {
                self.all_run = true;
                let set_up = self.services.values_mut().filter(|service| service.state == State::SettingUp);
                set_up.for_each(|service| service.state = State::Running);
            }
            Event::ShutdownRequested { .. } => self.shutdown = Some((now, None)),
            // Those that had no main loop to end.
            Event::Releasing => {
                let up = |service: &&mut Service| {
                    matches!(service.state, State::Standby | State::Running | State::Stopping)
                };
                self.services.values_mut().filter(up).for_each(|service| service.state = State::Ended);
            }
            Event::Stopped => {
                if let Some((_, over)) = &mut self.shutdown {
                    *over = Some(now);
                }
                let leases = self.services.values_mut().filter_map(|service| service.lease.as_mut());
                leases.for_each(|lease| lease.held = false);
            }
            Event::TookOver { generation, .. } => self.generation = Some(*generation),
            Event::HandoverFinished { outcome, .. } => {
                *self.handovers.entry(outcome.name()).or_default() += 1;
            }
            Event::ServiceRemoved { service } => drop(self.services.remove(service)),
            _ => {
                let Some(id) = event.service() else { return };
                let all_run = self.all_run;
                self.services.entry(id.clone()).or_default().observe(event, all_run, (now, age));
            }
        }
    }

    /// How many restarts the budget of each has left, where it has one that is bounded.
    pub(super) fn restarts_left(&mut self, now: Instant) -> Vec<(Name, u32)> {
        let age = self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let left = |(id, service): (&Name, &mut Service)| {
            let (most, used) = service.budget.as_mut()?;
            Some((id.clone(), most.saturating_sub(used.used(age))))
        };
        self.services.iter_mut().filter_map(left).collect()
    }

    /// For how long the shutdown has lasted, or lasted; none before it is asked.
    pub(super) fn shutdown(&self, now: Instant) -> Duration {
        self.shutdown
            .map_or(Duration::ZERO, |(asked, over)| over.unwrap_or(now).saturating_duration_since(asked))
    }
}

impl Service {
    fn observe(&mut self, event: &Event, all_run: bool, (now, age): (Instant, Duration)) {
        self.count_forced(event);
        self.lease.iter_mut().for_each(|lease| lease.observe(event));
        match event {
            Event::Standby { waits_for, .. } => {
                self.standby = true;
                self.state = if *waits_for == WaitsFor::Lease { State::Standby } else { State::Waiting };
            }
            Event::RegisterStarted { .. } if self.standby => {}
            Event::RegisterStarted { .. } | Event::SetupStarted { .. } => {
                (self.step_forced, self.runs, self.standby) = (false, false, false);
                if self.state != State::Restarting {
                    self.state = State::SettingUp;
                }
            }
            Event::RunStarted { .. } => {
                self.runs = true;
                if self.state != State::Restarting {
                    self.state = State::Running;
                }
            }
            Event::SetupFinished { end, .. } | Event::RegisterFinished { end, .. }
                if end.outcome != Outcome::Ok && self.state != State::Restarting =>
            {
                self.state = if end.cancelled { State::Ended } else { State::Failed };
            }
            // Where it has no main loop, that is all.
            Event::SetupFinished { end, .. }
                if end.outcome == Outcome::Ok && all_run && self.state == State::SettingUp =>
            {
                self.state = State::Running;
            }
            Event::SetupRetried { .. } => self.state = State::SettingUp,
            Event::RunFinished { end, .. } if self.state != State::Restarting => {
                self.state = State::of(end.outcome);
            }
            Event::ServiceLost { .. } | Event::ServiceStuck { .. } => self.state = State::Failed,
            Event::ShutdownStarted { .. } if self.state != State::Restarting => self.state = State::Stopping,
            Event::ShutdownFinished { end, .. }
                if self.state == State::Stopping && (!self.runs || end.outcome != Outcome::Ok) =>
            {
                self.state = State::of(end.outcome);
            }
            Event::RestartStarted { because, .. } => {
                self.restarts += 1;
                self.state = State::Restarting;
                if matches!(because, RestartCause::Failed { .. })
                    && let Some((_, used)) = &mut self.budget
                {
                    used.take(age);
                }
            }
            Event::RestartFinished { end, .. } => {
                self.state = match end.outcome {
                    Outcome::Ok if all_run => State::Running,
                    Outcome::Ok => State::SettingUp,
                    outcome => State::of(outcome),
                };
            }
            Event::StopStarted { .. } | Event::Lease(LeaseEvent::StepDownStarted { .. }) => {
                self.state = State::Stopping;
            }
            Event::StopFinished { end, .. } => self.state = State::of(end.outcome),
            Event::StallStarted { resource, stall, lasted, .. } => {
                let since = now.checked_sub(*lasted).unwrap_or(now);
                self.stalls.push((resource.clone(), stall.clone(), since));
            }
            Event::StallFinished { resource, stall, .. } => {
                let ends =
                    |(of, known, _): &(Option<Name>, Stall, Instant)| of == resource && is_same(known, stall);
                if let Some(at) = self.stalls.iter().position(ends) {
                    self.stalls.swap_remove(at);
                }
            }
            _ => {}
        }
    }

    /// A service that is forced in its main loop is so in its `Shutdown`, too: that is one.
    fn count_forced(&mut self, event: &Event) {
        if !event.is_forced() {
            return;
        }
        let is_step = event.step().is_some() || matches!(event, Event::ServiceStuck { .. });
        self.forced += u64::from(!(is_step && self.step_forced));
        self.step_forced |= is_step;
    }

    /// For how long the one of its parts does not get on that has not for the longest time.
    pub(super) fn stall(&self, now: Instant) -> Duration {
        let lasted = self.stalls.iter().map(|(_, _, since)| now.saturating_duration_since(*since));
        lasted.max().unwrap_or_default()
    }
}

/// Whether one ends what the other began. What somebody does while it is stuck may change meanwhile.
fn is_same(begun: &Stall, over: &Stall) -> bool {
    match (begun, over) {
        (Stall::Stuck { thread: one, .. }, Stall::Stuck { thread: other, .. }) => one == other,
        _ => begun == over,
    }
}
