//! The part of a successor: it tells the process before it how it gets on, and hears when it is in charge.

use std::time::Duration;

use super::inbox::{ManagerInput, ManagerSender, TimerEvent};
use super::shell::Shell;
use crate::base::ThreadError;
use crate::events::LifecycleEvent;
use crate::handover::{self, FromPredecessor, Inheritance, Predecessor};
use crate::lifecycle::{Announcement, Input};
use crate::manager::observe::event_log::Detail;

/// How soon the predecessor is told of what has changed; what changes meanwhile is told along with it.
const PACE: Duration = Duration::from_millis(100);

/// The process before this one, as a manager begins.
pub(crate) struct Predecessors {
    pub(crate) predecessor: Predecessor,
    pub(crate) pid: u32,
    /// Which process in a row this one is.
    pub(crate) generation: u64,
}

impl Predecessors {
    /// Listens to it from here on.
    pub(crate) fn watch(inheritance: Inheritance, sender: ManagerSender) -> Result<Self, ThreadError> {
        let (pid, generation) = (inheritance.predecessor(), inheritance.generation());
        let predecessor = inheritance.watch(move |told| sender.send(ManagerInput::Predecessor(told)))?;
        Ok(Self { predecessor, pid, generation })
    }
}

impl Shell {
    /// This process has a predecessor.
    pub(crate) fn succeed(&mut self, before: Predecessors) {
        self.machine.succeeds();
        self.handovers.predecessor = Some(before.predecessor);
        self.handovers.predecessor_pid = Some(before.pid);
        self.handovers.generation = before.generation;
        (self.handovers.in_charge, self.handovers.has_handed) = (false, true);
    }

    /// Something was heard of the predecessor.
    pub(crate) fn on_predecessor(&mut self, told: FromPredecessor) {
        match told {
            FromPredecessor::InCharge => self.take_over(),
            FromPredecessor::Released | FromPredecessor::Gone => {
                // Without a word before, it died: nobody else is there.
                self.take_over();
                if self.handovers.predecessor.take().is_some() {
                    self.feed(Input::PredecessorGone, Detail::None);
                }
            }
            // It is going to end this process if that does not.
            FromPredecessor::CalledOff { .. } => self.feed(Input::ShutdownAsked, Detail::None),
        }
    }

    fn take_over(&mut self) {
        if std::mem::replace(&mut self.handovers.in_charge, true) {
            return;
        }
        let (generation, predecessor) = (self.handovers.generation, self.handovers.predecessor_pid);
        let predecessor = predecessor.unwrap_or_default();
        self.event_log.emit(LifecycleEvent::TookOver { generation, predecessor });
        self.open_endpoint(true);
        self.store_sockets();
    }

    /// Keeps the predecessor informed until this process is in charge.
    pub(crate) fn inform_predecessor(&mut self, announcement: &Announcement) {
        match (announcement, &self.handovers.predecessor) {
            (Announcement::Running, predecessor) if self.handovers.has_handed => {
                let closed = handover::close_unclaimed();
                if let Some(predecessor) = predecessor {
                    predecessor.ready();
                }
                self.handovers.closed.extend(closed.into_iter().map(|(name, _)| name));
                let addresses = self.handovers.closed.iter().map(|name| name.address.as_str().into());
                let addresses: Vec<_> = addresses.collect();
                if !addresses.is_empty() {
                    self.event_log.emit(LifecycleEvent::SocketsClosed { addresses });
                }
            }
            (_, Some(_)) if self.handovers.in_charge => {}
            (Announcement::Stopped, Some(predecessor)) => {
                let error = self.event_log.report_mut().result().err();
                predecessor
                    .failed(&error.map_or_else(|| "it was shut down".to_owned(), |error| error.to_string()));
            }
            (
                Announcement::StepStarted(..)
                | Announcement::StepFinished { .. }
                | Announcement::SetupRetried(..),
                Some(_),
            ) if !self.handovers.is_to_tell => {
                self.handovers.is_to_tell = true;
                self.later(PACE, TimerEvent::TellPredecessor);
            }
            _ => {}
        }
    }

    /// Tells what has changed.
    pub(crate) fn tell_predecessor(&mut self) {
        self.handovers.is_to_tell = false;
        if let (Some(predecessor), false) = (&self.handovers.predecessor, self.handovers.in_charge) {
            predecessor.doing(&self.waiting_for());
        }
    }
}
