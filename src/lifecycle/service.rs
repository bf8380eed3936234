//! What the machine remembers of one service and of its resources.
//!
//! ```text
//!   a step:      Unsent -> Open -> Over(outcome)
//!   an actor:    Unborn -> Alive -> [Retiring] -> [Forcing] -> Gone
//!   a resource:  Alive -> [Releasing] -> [Forcing] -> Over
//! ```

use super::names::{Kind, Outcome, Step};

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

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Service {
    pub(super) kind: Kind,
    pub(super) actor: Actor,
    pub(super) resources: Vec<Resource>,
    steps: [Progress; Step::ALL.len()],
}

impl Service {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, actor: Actor::Unborn, resources: Vec::new(), steps: [Progress::Unsent; Step::ALL.len()] }
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

    /// Whether others may still count on it: it is being set up, it runs, or calls reach it.
    pub(super) fn is_needed(&self) -> bool {
        let set_up = match self.step(Step::Setup) {
            Progress::Unsent => !matches!(self.step(Step::Register), Progress::Over(_)),
            Progress::Open => true,
            Progress::Over(outcome) => outcome == Outcome::Ok,
        };
        let alive = self.actor == Actor::Alive;
        alive && set_up && !matches!(self.step(Step::Run), Progress::Over(_))
    }
}
