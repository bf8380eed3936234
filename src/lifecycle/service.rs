//! What the machine remembers of one service and of its resources.
//!
//! ```text
//!   a step:      Unsent -> Open -> Over(outcome)
//!   an actor:    Unborn -> Alive -> [Suspending] -> [Suspended] -> [Retiring] -> [Forcing] -> Gone
//!                            ^-------- started again ----'
//!   a resource:  Alive -> [Releasing] -> [Forcing] -> Over
//!
//!   a service:   Down ----> On ----> Leaving ----> Down
//!                 ^                     |
//!                 '------ Delayed <-----'     before a restart, or another set-up
//! ```

use super::handover_state::Yield;
use super::lease_state::Lease;
use super::names::{Kind, Outcome, Repeat, ServiceIx, Step};
use super::reload_state::Share;
use super::spec::{Dependency, RestartMode, Spec};

/// One of a service's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Progress {
    Unsent,
    Open,
    Over(Outcome),
}

/// A service's actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Actor {
    Unborn,
    Alive,
    /// Told to come to rest.
    Suspending,
    /// At rest: nothing of it runs, its mailbox waits.
    Suspended,
    Retiring,
    Forcing,
    Gone,
}

/// A resource's actor, which lives from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    Alive,
    Releasing,
    Forcing,
    Over,
}

/// Where a service stands while others run, or are set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Life {
    /// Nothing of it is up. It starts as soon as it may.
    Down,
    /// It was let start, and has not been told to leave.
    On,
    /// On its way down: asked to stop, or cut off at once since it failed.
    Leaving(StopMode),
    /// Down, until its restart, or its next set-up, is due.
    Delayed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum StopMode {
    /// It is asked, and may finish.
    Asked,
    /// It has failed: whatever it still does is cut.
    AtOnce,
}

/// Whether further resources can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Registry {
    Open,
    Closing,
    Closed,
}

/// What a running service goes through that has been announced and is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Transition {
    None,
    Restart,
    Stop,
    StepDown,
    /// Its first set-up, within a running manager.
    Addition,
}

/// A service that depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Dependent {
    pub(super) by: ServiceIx,
    pub(super) survives: bool,
}

/// What others go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Facts {
    /// Set up, and here to stay: those that depend on it may start.
    pub(super) up: bool,
    /// Not done yet: those that it depends on are not asked to stop.
    pub(super) blocks_stop: bool,
    /// Something of it is there: those that it depends on keep their resources.
    pub(super) holds_resources: bool,
    /// It has a main loop that runs or will run.
    pub(super) has_work: bool,
}

/// Neighbours of whom something is true, counted, so that nobody has to go through them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Neighbours {
    /// Dependencies that are not up.
    pub(super) missing: u32,
    /// How many of them it does not survive the restart of.
    pub(super) lost: u32,
    /// Dependents that lean on it: while others run, those that go down with it.
    pub(super) blocking: u32,
    /// Dependents that stand: likewise.
    pub(super) holding: u32,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Service {
    pub(super) kind: Kind,
    pub(super) mode: RestartMode,
    pub(super) most_restarts: Option<u32>,
    pub(super) most_setup_retries: Option<u32>,
    pub(super) restartable: bool,
    /// Whether nothing delays its restart.
    pub(super) at_once: bool,
    pub(super) stop_limit: bool,
    pub(super) depends_on: Vec<Dependency>,
    pub(super) dependents: Vec<Dependent>,
    pub(super) life: Life,
    pub(super) transition: Transition,
    /// Whether it is to be up, as far as others and failures let it.
    pub(super) wanted: bool,
    /// Whether it is forgotten once it is down; then its place is vacant.
    pub(super) leaves_for_good: bool,
    pub(super) vacant: bool,
    /// Whether its thread is of no use any more.
    pub(super) lost_its_thread: bool,
    /// Why its next start is delayed, if it is.
    pub(super) owes_delay: Option<Repeat>,
    /// Whether its latest life ended with a set-up that is tried again.
    pub(super) setup_retried: bool,
    /// Whether it may begin its next life by itself.
    pub(super) permitted: bool,
    /// Restarts that its budget has not forgotten.
    pub(super) restarts: u32,
    /// Retries of its set-up, likewise.
    pub(super) setup_retries: u32,
    /// Whether it was asked to stop, in this life.
    pub(super) asked: bool,
    pub(super) actor: Actor,
    pub(super) registry: Registry,
    pub(super) resources: Vec<Resource>,
    /// How many of them are not over.
    pub(super) live_resources: u32,
    /// Whether its way down was cut short, in this life.
    pub(super) cut: bool,
    /// Whether it has told that it accepts connections, in this life.
    pub(super) serving: bool,
    pub(super) facts: Facts,
    pub(super) neighbours: Neighbours,
    /// How many stop before it, one after the other.
    pub(super) level: u32,
    /// Whether it takes part in reloads.
    pub(super) reloadable: bool,
    pub(super) reload: Share,
    /// How many of those that it depends on commit before it, in the reload that is under way.
    pub(super) commits_after: u32,
    /// Whether a successor starts it late; and whether this process is one, and it is not time yet.
    pub(super) after_handover: bool,
    pub(super) waits: bool,
    pub(super) yields: Yield,
    pub(super) lease: Lease,
    /// Whether something that needed the lease may still run, on a thread that was given up.
    pub(super) left_behind: bool,
    steps: [Progress; Step::ALL.len()],
}

impl Service {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            kind: spec.kind,
            mode: spec.mode,
            most_restarts: spec.most_restarts,
            most_setup_retries: spec.most_setup_retries,
            restartable: spec.restartable,
            at_once: spec.at_once,
            stop_limit: spec.stop_limit,
            depends_on: spec.depends_on,
            dependents: Vec::new(),
            life: Life::Down,
            transition: Transition::None,
            wanted: true,
            leaves_for_good: false,
            vacant: false,
            lost_its_thread: false,
            owes_delay: None,
            setup_retried: false,
            permitted: false,
            restarts: 0,
            setup_retries: 0,
            asked: false,
            actor: Actor::Unborn,
            registry: Registry::Open,
            resources: Vec::new(),
            live_resources: 0,
            cut: false,
            serving: false,
            facts: Facts::default(),
            neighbours: Neighbours::default(),
            level: 0,
            reloadable: spec.reloadable,
            reload: Share::None,
            commits_after: 0,
            after_handover: spec.after_handover,
            waits: false,
            yields: Yield::None,
            lease: Lease::needed(spec.leased),
            left_behind: false,
            steps: [Progress::Unsent; Step::ALL.len()],
        }
    }

    pub(super) fn step(&self, step: Step) -> Progress {
        self.steps[step as usize]
    }

    pub(super) fn set(&mut self, step: Step, progress: Progress) {
        self.steps[step as usize] = progress;
    }

    pub(super) fn is_open(&self, step: Step) -> bool {
        self.step(step) == Progress::Open
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.steps.contains(&Progress::Open)
    }

    pub(super) fn is_being_set_up(&self) -> bool {
        self.is_open(Step::Register) || self.is_open(Step::Setup)
    }

    pub(super) fn is_set_up(&self) -> bool {
        self.step(Step::Setup) == Progress::Over(Outcome::Ok)
    }

    /// Whether its set-up has begun: only then does it need others.
    pub(super) fn has_begun(&self) -> bool {
        self.step(Step::Setup) != Progress::Unsent
    }

    /// Whether its set-up is still to come, though it has registered: it waits for the predecessor of this process, or for those that it
    /// depends on.
    pub(super) fn is_only_registered(&self) -> bool {
        !self.has_begun() && self.step(Step::Register) == Progress::Over(Outcome::Ok)
    }

    /// Whether others may still count on it: it is being set up, it runs, or calls reach it.
    pub(super) fn is_needed(&self) -> bool {
        let set_up = match self.step(Step::Setup) {
            Progress::Unsent if self.is_only_registered() => !self.asked,
            Progress::Unsent => !matches!(self.step(Step::Register), Progress::Over(_)),
            Progress::Open => true,
            Progress::Over(outcome) => outcome == Outcome::Ok,
        };
        let alive = self.actor == Actor::Alive && self.life == Life::On;
        alive && set_up && !matches!(self.step(Step::Run), Progress::Over(_))
    }

    /// Whether nobody is told that all run before it accepts connections.
    pub(super) fn is_awaited(&self) -> bool {
        let waits = self.waits || matches!(self.lease, Lease::Sought | Lease::Out);
        self.kind.accepts() && self.wanted && !self.vacant && !self.serving && !waits
    }

    /// Whether connections come to it, or came before it was told to give way.
    pub(super) fn is_serving(&self) -> bool {
        self.serving && self.life == Life::On && self.is_open(Step::Run)
    }

    /// Whether it accepts connections.
    pub(super) fn is_accepting(&self) -> bool {
        self.is_serving() && self.yields == Yield::None
    }

    pub(super) fn has_resources(&self) -> bool {
        self.live_resources > 0
    }

    /// Whether nothing of its actor runs.
    pub(super) fn rests(&self) -> bool {
        matches!(self.actor, Actor::Unborn | Actor::Suspended | Actor::Gone)
    }

    /// Whether its budget allows another restart.
    pub(super) fn may_restart(&self) -> bool {
        self.can_start_again() && self.most_restarts.is_none_or(|most| self.restarts < most)
    }

    /// Whether it is in its set-up, and the budget of that allows another.
    pub(super) fn may_retry_setup(&self) -> bool {
        self.is_open(Step::Setup)
            && self.can_start_again()
            && self.most_setup_retries.is_none_or(|most| self.setup_retries < most)
    }

    fn can_start_again(&self) -> bool {
        self.restartable && !matches!(self.actor, Actor::Forcing | Actor::Gone)
    }

    /// Whether those that it depends on must wait for it, before they are asked to stop or cut off, while others run.
    pub(super) fn leans_while_others_run(&self) -> bool {
        match self.life {
            Life::Down | Life::Delayed => false,
            Life::On => self.has_begun(),
            Life::Leaving(stop_mode) => !(self.is_settled() && (self.asked || stop_mode == StopMode::AtOnce)),
        }
    }

    /// Whether those that it depends on must keep their resources for it, while others run.
    pub(super) fn holds_while_others_run(&self) -> bool {
        match self.life {
            Life::Down | Life::Delayed => false,
            Life::On => self.has_begun(),
            Life::Leaving(_) => true,
        }
    }

    /// A new life begins; what was registered on the server still is.
    pub(super) fn start_over(&mut self) {
        for step in [Step::Setup, Step::Run, Step::Shutdown] {
            self.set(step, Progress::Unsent);
        }
        self.resources = Vec::new();
        self.registry = Registry::Open;
        (self.asked, self.cut, self.setup_retried, self.serving) = (false, false, false, false);
    }
}
