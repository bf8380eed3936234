//! Sockets that systemd keeps for the next start of the unit, so that a crash refuses nobody.
//!
//! ```text
//!   begins: what was kept is served again
//!   all run, and this process is in charge ---> whatever listens is stored; and again when a server begins another life
//!   a server is stopped, or removed ----------> its sockets are given up: who connects is refused
//! ```

use tracing::Dispatch;

use super::shell::Shell;
use crate::base::ThreadError;
use crate::handover::{self, Keeper, SocketName};
use crate::lifecycle::Announcement;

/// What a manager begins with.
#[derive(Debug)]
pub(crate) struct StoredSockets {
    /// What systemd has kept of the process before, and cannot be served at; `None`: it has kept nothing.
    unfit: Option<Vec<SocketName>>,
    keeper: Option<Keeper>,
}

impl StoredSockets {
    /// Has servers find what systemd has kept: also where nothing is to be kept from here on, as it would be in the way.
    pub(super) fn find() -> Self {
        Self { unfit: handover::receive_stored(), keeper: None }
    }

    /// Has systemd keep the sockets of this manager, where that is `wanted`, and offered.
    pub(super) fn keep(&mut self, wanted: bool, dispatch: &Dispatch) -> Result<(), ThreadError> {
        if wanted {
            self.keeper = Keeper::start(dispatch.clone())?;
        }
        Ok(())
    }
}

impl Shell {
    /// Begins with what systemd has kept.
    pub(super) fn begin_with(&mut self, stored: StoredSockets) {
        self.handovers.keeper = stored.keeper;
        self.handovers.has_handed = stored.unfit.is_some();
        self.handovers.closed = stored.unfit.unwrap_or_default();
    }

    /// Has systemd keep what listens now.
    pub(super) fn store_sockets(&mut self) {
        let speaks = self.handovers.in_charge && self.machine.is_ready();
        if let (Some(keeper), true) = (&self.handovers.keeper, speaks) {
            keeper.store(std::mem::take(&mut self.handovers.closed));
        }
    }

    /// Follows what comes of servers.
    pub(super) fn follow_sockets(&mut self, announcement: &Announcement) {
        match *announcement {
            Announcement::Running => self.store_sockets(),
            Announcement::StopFinished(ix, _) | Announcement::ServiceRemoved(ix) => {
                if let Some(keeper) = &self.handovers.keeper {
                    keeper.give_up(&self.services[ix.0 as usize].addresses);
                }
            }
            _ => {}
        }
    }
}
