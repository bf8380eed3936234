//! G24, both processes of a hand-over in one model: two production machines, what goes between them, and all that may go wrong.
//!
//! ```text
//!   predecessor  <---- ready ------------------  successor
//!   (old)         ---- in charge, released --->  (new)        sockets: both have them, and accept from the same queue
//! ```
//!
//! Anybody may kill either process, or ask it to stop; a service may fail; either end of the channel may be lost while its process lives on,
//! with what is on its way; messages may be late. What the shell does is modelled as simply as it is:
//!
//! - To end the successor kills it; that it is gone is known later, in a step of its own.
//! - Before anything else is taken in while this process could still take back, the shell looks whether its successor lives.
//! - A successor that cannot be heard any more is ended, but not once the shutdown of this process has begun: then nobody else serves.
//! - To the successor the predecessor is gone when that says so, or when its process is: the end of the channel alone may be an accident.
//!
//! Held in every state: what exists once is held by one; where somebody accepted connections, somebody does, or will again without a
//! successor's being set up first. From every state in which nothing more goes wrong: one process runs everything, or all have ended.

mod broken;
mod explore;
mod happening;
mod judge;
mod process;
mod shell;
mod systems;

use std::hash::{BuildHasher, Hash};

use super::super::io::Input;
use super::super::spec::Spec;
use broken::Fault;
use process::Process;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Old,
    New,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Message {
    Ready,
    InCharge,
    Released,
}

/// The channel to the successor that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Channel {
    old_lost: bool,
    new_lost: bool,
    /// What is on its way.
    ready: bool,
    in_charge: bool,
    released: bool,
}

/// How much may still happen that nobody wants, and how many hand-overs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Budget {
    handovers: u8,
    kills: u8,
    losses: u8,
    stops: u8,
    failures: u8,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// A service or a timer of a process does something.
    Do(Who, Input),
    Deliver(Message),
    /// The predecessor learns that its successor is dead; or that it cannot be heard any more.
    Reap,
    HearSilence,
    /// The successor learns that its predecessor is dead.
    HearEnd,
    Exit(Who),
    // From outside:
    HandOver,
    Kill(Who),
    Lose(Who),
    Drop(Message),
    Stop(Who),
    Fail(Who, Input),
}

impl Action {
    /// Whether it may as well never happen.
    fn is_from_outside(self) -> bool {
        use Action::{Drop, Fail, HandOver, Kill, Lose, Stop};
        matches!(self, HandOver | Kill(_) | Lose(_) | Drop(_) | Stop(_) | Fail(..))
    }

    fn ends_somebody(self) -> bool {
        matches!(self, Action::Kill(_) | Action::Stop(_) | Action::Fail(..))
    }
}

/// Both processes, and what is between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Both {
    old: Process,
    /// The successor that the predecessor knows of; or that is left when that is dead.
    new: Option<Process>,
    channel: Channel,
    budget: Budget,
    /// The last process that served was killed, asked to stop, or failed.
    excused: bool,
}

/// What is walked through.
#[derive(Debug, Clone)]
struct System {
    specs: Vec<Spec>,
    budget: Budget,
    fault: Option<Fault>,
}

impl System {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// A process that runs, and has no successor.
    fn start(&self) -> Both {
        let mut old = Process::new(&self.specs, false);
        old.feed(Input::Start, |_| true);
        while !old.ready {
            let next = old.possible()[0];
            old.feed(next, |_| true);
        }
        Both { old, new: None, channel: Channel::default(), budget: self.budget, excused: false }
    }
}

impl Both {
    fn alive(&self, who: Who) -> Option<&Process> {
        let process = match who {
            Who::Old => Some(&self.old),
            Who::New => self.new.as_ref(),
        };
        process.filter(|process| process.is_alive())
    }

    /// Whether the predecessor takes its successor for dead, which lives.
    fn forgotten(&self) -> bool {
        !self.old.stopping && self.new.is_some() && !self.old.machine.is_handing_over()
    }

    fn name(&self) -> u64 {
        foldhash::fast::FixedState::default().hash_one(self)
    }
}
