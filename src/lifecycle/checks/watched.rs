//! What an observer knows of one service: who was sent what, what is open, what was announced.

use super::super::names::{Kind, Repeat, Step};
use super::handovers::Yielding;
use super::leases::Tenure;
use super::reloads::Part;

/// More resources than any service of the checks starts.
pub(super) const MOST_RESOURCES: usize = 6;

/// A step of a service, as its messages and announcements show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Unsent,
    Open,
    Ok,
    Failed,
}

/// A service's actor, as commands and `Gone` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Life {
    Unborn,
    Alive,
    Suspending,
    Resting,
    Retired,
    Forced,
    Gone,
}

/// Where a service goes while the manager runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Way {
    /// Not begun.
    Down,
    On,
    /// Asked to go down; cut off, since it failed.
    Asked,
    AtOnce,
}

/// What is announced as begun, and not yet as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Transition {
    None,
    Restart,
    Stop,
    StepDown,
    Addition,
}

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hold {
    Alive,
    Asked,
    Forced,
    Over,
}

/// A timer, or anything else that is begun once and over once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Once {
    NotYet,
    Pending,
    Done,
}

/// How late it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Pressure {
    None,
    Reserve,
    Deadline,
}

/// One service and its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Watched {
    pub(super) kind: Kind,
    pub(super) life: Life,
    pub(super) way: Way,
    pub(super) transition: Transition,
    /// Whether it is to come back when it is down.
    pub(super) wanted: bool,
    pub(super) removed: bool,
    pub(super) vacant: bool,
    /// `ShutdownSignal::requested` was resolved, in this life.
    pub(super) signalled: bool,
    /// From `CloseResources` to `ResourcesClosed`, in this life.
    pub(super) closing: Once,
    /// Of its restart, or of its next set-up.
    pub(super) delay: Once,
    /// Whether it failed, so that a delay is due.
    pub(super) owes_delay: Option<Repeat>,
    pub(super) stop_timer: bool,
    /// It may begin its next life by itself.
    pub(super) permitted: bool,
    /// Restarts that its budget counts.
    pub(super) restarts: u8,
    pub(super) forgotten: u8,
    /// Retries of its set-up that its budget counts.
    pub(super) setup_retries: u8,
    pub(super) setup_retries_forgotten: u8,
    pub(super) lives: u8,
    /// How many stop before it, one after the other.
    pub(super) level: u32,
    /// Something of it was cut off, in this life.
    pub(super) cut: bool,
    /// It has told that it accepts connections, in this life.
    pub(super) serving: bool,
    /// In the hand-over that is under way.
    pub(super) yielding: Yielding,
    /// It is not to start before the predecessor is gone.
    pub(super) waits: bool,
    /// That has been told.
    pub(super) standby: bool,
    /// It was set up only after all others.
    pub(super) late: bool,
    /// Its lease; how often that was lost, and given back; how often it has stayed out; and whether something of it was given up.
    pub(super) tenure: Tenure,
    pub(super) losses: u8,
    pub(super) returns: u8,
    pub(super) stays: u8,
    pub(super) left_behind: bool,
    /// In the reload that is under way.
    pub(super) part: Part,
    pub(super) steps: [Seen; Step::ALL.len()],
    pub(super) count: u8,
    pub(super) holds: [Hold; MOST_RESOURCES],
}

impl Watched {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            life: Life::Unborn,
            way: Way::Down,
            transition: Transition::None,
            wanted: true,
            removed: false,
            vacant: false,
            signalled: false,
            closing: Once::NotYet,
            delay: Once::NotYet,
            owes_delay: None,
            stop_timer: false,
            permitted: false,
            restarts: 0,
            forgotten: 0,
            setup_retries: 0,
            setup_retries_forgotten: 0,
            lives: 0,
            level: 0,
            cut: false,
            serving: false,
            yielding: Yielding::None,
            waits: false,
            standby: false,
            late: false,
            tenure: Tenure::Unneeded,
            losses: 0,
            returns: 0,
            stays: 0,
            left_behind: false,
            part: Part::None,
            steps: [Seen::Unsent; Step::ALL.len()],
            count: 0,
            holds: [Hold::Alive; MOST_RESOURCES],
        }
    }

    pub(super) fn step(&self, step: Step) -> Seen {
        self.steps[step as usize]
    }

    pub(super) fn is_open(&self, step: Step) -> bool {
        self.step(step) == Seen::Open
    }

    pub(super) fn is_being_set_up(&self) -> bool {
        self.is_open(Step::Register) || self.is_open(Step::Setup)
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.steps.contains(&Seen::Open)
    }

    pub(super) fn lives(&self) -> bool {
        !matches!(self.life, Life::Unborn | Life::Gone)
    }

    pub(super) fn rests(&self) -> bool {
        matches!(self.life, Life::Unborn | Life::Resting | Life::Gone)
    }

    pub(super) fn is_up(&self) -> bool {
        self.way == Way::On && self.step(Step::Setup) == Seen::Ok
    }

    /// Its set-up has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.step(Step::Setup) != Seen::Unsent
    }

    /// It has registered, and has not been set up.
    pub(super) fn is_only_registered(&self) -> bool {
        self.way == Way::On && self.step(Step::Register) == Seen::Ok && !self.has_begun()
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.way, Way::Asked | Way::AtOnce)
    }

    pub(super) fn is_cleared(&self) -> bool {
        self.holds().iter().all(|&hold| hold == Hold::Over)
    }

    /// Nothing of it is there any more, or yet.
    pub(super) fn is_down(&self) -> bool {
        // What was at rest, and leaves for good, is dropped without another word.
        let rests = self.rests() || (self.removed && self.life == Life::Retired);
        let left = self.is_leaving() && rests && self.is_settled();
        self.way == Way::Down || (left && self.closing == Once::Done && self.is_cleared())
    }

    /// While others run: something of it may need what it depends on.
    pub(super) fn leans(&self) -> bool {
        !self.is_down() && (self.way != Way::On || self.has_begun())
    }

    /// While others run: what it depends on must wait for it before it is asked to stop.
    pub(super) fn blocks_stop(&self) -> bool {
        let done = self.is_settled() && (self.signalled || self.way == Way::AtOnce);
        self.leans() && !(self.is_leaving() && done)
    }

    /// It is asked and has nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        self.signalled && self.is_settled()
    }

    /// A new life.
    pub(super) fn start_over(&mut self) {
        let register = self.steps[Step::Register as usize];
        self.steps = [Seen::Unsent; Step::ALL.len()];
        self.steps[Step::Register as usize] = register;
        (self.count, self.holds) = (0, [Hold::Alive; MOST_RESOURCES]);
        (self.closing, self.delay) = (Once::NotYet, Once::NotYet);
        (self.signalled, self.stop_timer, self.cut, self.serving) = (false, false, false, false);
        self.yielding = Yielding::None;
        self.lives += 1;
    }

    pub(super) fn holds(&self) -> &[Hold] {
        &self.holds[..self.count as usize]
    }

    pub(super) fn hold(&mut self, index: u32) -> &mut Hold {
        &mut self.holds[..self.count as usize][index as usize]
    }

    pub(super) fn add_hold(&mut self) -> u32 {
        self.count += 1;
        u32::from(self.count) - 1
    }
}
