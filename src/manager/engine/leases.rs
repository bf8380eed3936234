//! The leases of services that run on one replica only: what the rules want of them, and what is heard of them.

use std::sync::Arc;

use super::inbox::ManagerInput;
use super::shell::Shell;
use super::slot_lease::SlotLease;
use crate::events::Name;
use crate::lifecycle::{Input, ServiceIx};
use crate::manager::observe::event_log::Detail;
use crate::report::ConfigError;
use crate::service::{LeaseNews, LeaseRefusedError, Leases};

impl Shell {
    /// A service of that place may need a lease.
    pub(crate) fn note_lease(&mut self, ix: ServiceIx) {
        if let Some(slot) = &self.services[ix.0 as usize].lease {
            self.event_log.note_lease(ix, Name::clone(slot.lease.name()));
        }
    }

    pub(super) fn seek_lease(&mut self, ix: ServiceIx) {
        let slot = &self.services[ix.0 as usize];
        let service = slot.id.clone();
        let Some(SlotLease { lease, terms: Some(terms), .. }) = slot.lease.as_deref() else { return };
        let (lease, terms) = (lease.clone(), *terms);
        if self.leases.is_none() {
            let sender = self.sender.clone();
            match Leases::start(move |ix, news| sender.send(ManagerInput::Lease(ix, news))) {
                Ok(leases) => self.leases = Some(leases),
                Err(error) => {
                    let lease = Name::clone(lease.name());
                    let error = ConfigError::from(error).to_string().into();
                    let refused = LeaseRefusedError { service, lease, error };
                    self.inputs.push_back((Input::LeaseRefused(ix), detail(refused)));
                    return;
                }
            }
        }
        if let Some(leases) = &self.leases {
            leases.seek(ix, service, lease, terms);
        }
    }

    pub(super) fn return_lease(&mut self, ix: ServiceIx) {
        if let Some(leases) = &self.leases {
            leases.give_back(ix);
        }
    }

    pub(super) fn leave_lease(&mut self, ix: ServiceIx) {
        if let Some(leases) = &self.leases {
            leases.leave(ix);
        }
    }

    /// Something was heard of a lease.
    pub(crate) fn on_lease_news(&mut self, ix: ServiceIx, news: LeaseNews) {
        let (input, detail) = match news {
            LeaseNews::Acquired(epoch) => {
                self.set_epoch(ix, Some(epoch));
                (Input::LeaseAcquired(ix), Detail::None)
            }
            LeaseNews::Lost(error) => (Input::LeaseLost(ix), detail(error)),
            LeaseNews::Expired => (Input::LeaseExpired(ix), Detail::None),
            LeaseNews::Refused(error) => (Input::LeaseRefused(ix), detail(error)),
            LeaseNews::Returned => {
                self.set_epoch(ix, None);
                (Input::LeaseReturned(ix), Detail::None)
            }
        };
        self.feed(input, detail);
    }

    fn set_epoch(&mut self, ix: ServiceIx, epoch: Option<u64>) {
        if let Some(slot) = &mut self.services[ix.0 as usize].lease {
            slot.epoch = epoch;
            if let Some(epoch) = epoch {
                self.event_log.note_epoch(ix, epoch);
            }
        }
    }

    /// The lease that a service waits for.
    pub(super) fn awaited_lease(&self, ix: ServiceIx) -> Option<&str> {
        let slot = self.services[ix.0 as usize].lease.as_ref()?;
        self.machine.stands_by(ix).then(|| &**slot.lease.name())
    }
}

fn detail(error: impl std::error::Error + Send + Sync + 'static) -> Detail {
    let text = error.to_string().into();
    Detail::Error(Arc::new(error), text)
}
