//! Hand-overs of a manager: what it knows of the process after it, and of the one before it.

use std::sync::{Arc, Mutex, PoisonError};

use super::due_times::DueTime;
use super::inbox::{ManagerInput, ManagerSender};
use super::open_orders::OrderReply;
use crate::handover::{CheckedHandover, FromSuccessor, Keeper, Predecessor, SocketName, SuccessorProcess};
use crate::manager::api::handover_status::{HandoverStatus, SuccessorStatus};
use crate::report::HandoverError;

/// The hand-overs of a manager.
///
/// Bound: one successor at a time, and one reply, since a second order is refused; of what the successor says that it is doing, the latest.
pub(crate) struct Handovers {
    /// How a successor is started, where that is offered.
    pub(super) offered: Option<CheckedHandover>,
    pub(super) successor: Option<SuccessorProcess>,
    /// What the successor says that it is doing.
    pub(super) doing: Doing,
    /// Why the latest one came to nothing.
    pub(super) failure: Option<Arc<HandoverError>>,
    /// Whether the successor was found dead before that was told.
    pub(super) found_dead: bool,
    pub(super) asked: Option<OrderReply>,
    /// Until the successor is to be ready, and until this process has given way.
    pub(super) timers: Vec<DueTime>,
    /// The process before this one, until it has released everything.
    pub(super) predecessor: Option<Predecessor>,
    /// Its number, kept.
    pub(super) predecessor_pid: Option<u32>,
    /// Which process in a row this is.
    pub(super) generation: u64,
    /// Whether this process is the one that clients, and the service manager, mean.
    pub(super) in_charge: bool,
    /// Whether sockets were handed to this process that nobody may ask for: by a predecessor, or by systemd.
    pub(super) has_handed: bool,
    /// Has systemd keep sockets, where it does.
    pub(super) keeper: Option<Keeper>,
    /// What systemd is to keep no longer, once it hears this process.
    pub(super) closed: Vec<SocketName>,
    /// Whether what the predecessor is told of this process's set-up is about to be told.
    pub(super) is_to_tell: bool,
}

/// What a successor says that it is doing: the latest of it, however much it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Doing(Arc<Mutex<Option<String>>>);

impl Doing {
    pub(super) fn latest(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Passes on what is heard of the successor, but for that, which is kept here.
    pub(super) fn and_tell(self, sender: ManagerSender) -> impl Fn(FromSuccessor) + Send + 'static {
        move |told| match told {
            FromSuccessor::Doing(text) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
            }
            told => sender.send(ManagerInput::Successor(told)),
        }
    }
}

impl Handovers {
    /// What a status tells of it.
    pub(super) fn status(&self) -> HandoverStatus {
        let successor = self.successor.as_ref();
        HandoverStatus {
            generation: self.generation,
            predecessor: self.predecessor_pid,
            in_charge: self.in_charge,
            successor: successor.map(|one| SuccessorStatus { pid: one.pid(), doing: self.doing.latest() }),
            failure: self.failure.as_ref().map(ToString::to_string),
        }
    }

    /// Of a process without a predecessor.
    pub(super) fn new(offered: Option<CheckedHandover>) -> Self {
        Self {
            offered,
            successor: None,
            doing: Doing::default(),
            failure: None,
            found_dead: false,
            asked: None,
            timers: Vec::new(),
            predecessor: None,
            predecessor_pid: None,
            generation: 1,
            in_charge: true,
            has_handed: false,
            keeper: None,
            closed: Vec::new(),
            is_to_tell: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_a_successor_that_talks_without_end_fills_nothing() {
        let (sender, inbox) = ManagerSender::new(0);
        let doing = Doing::default();
        let tell = doing.clone().and_tell(sender);
        (0..100_000).for_each(|number| tell(FromSuccessor::Doing(number.to_string())));
        assert!(inbox.is_empty());
        assert_eq!(doing.latest().as_deref(), Some("99999"));
        tell(FromSuccessor::Ready);
        assert!(!inbox.is_empty());
    }
}
