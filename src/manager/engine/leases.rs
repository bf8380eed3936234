//! The leases of services that run on one replica only: what the rules want of them, and what is heard of them.

use std::sync::Arc;
use std::time::Duration;

use super::inbox::ManagerInput;
use super::shell::Shell;
use super::slot_lease::SlotLease;
use crate::base::{boot_clock, seconds};
use crate::events::Name;
use crate::lifecycle::{Input, LeaseTerms, ServiceIx};
use crate::manager::api::lease_status::{LeaseCondition, LeaseStatus};
use crate::manager::api::order_error::OrderError;
use crate::manager::observe::event_log::Detail;
use crate::report::ConfigError;
use crate::service::{Lease, LeaseNews, LeaseRefusedError, Leases};

impl Shell {
    /// A service of that place may need a lease.
    pub(crate) fn note_lease(&mut self, ix: ServiceIx) {
        if let Some(slot) = &self.services[ix.0 as usize].lease {
            self.event_log.note_lease(ix, Name::clone(slot.lease.name()));
        }
    }

    pub(super) fn check_lease(&mut self, ix: ServiceIx) {
        self.ask_of_lease(ix, Leases::check);
    }

    pub(super) fn seek_lease(&mut self, ix: ServiceIx) {
        let view = self.ask_of_lease(ix, Leases::seek);
        if let Some(slot) = &mut self.service(ix).lease {
            slot.view = view;
        }
    }

    /// Asks the thread of leases, which is there from the first time on.
    fn ask_of_lease<T>(
        &mut self,
        ix: ServiceIx,
        ask: impl FnOnce(&Leases, ServiceIx, Name, Lease, LeaseTerms) -> T,
    ) -> Option<T> {
        let slot = &self.services[ix.0 as usize];
        let SlotLease { lease, terms: Some(terms), .. } = slot.lease.as_deref()? else { return None };
        let (service, lease, terms) = (slot.id.clone(), lease.clone(), *terms);
        if self.leases.is_none() {
            let sender = self.sender.clone();
            match Leases::start(move |ix, news| sender.send(ManagerInput::Lease(ix, news))) {
                Ok(leases) => self.leases = Some(leases),
                Err(error) => {
                    let lease = Name::clone(lease.name());
                    let error = ConfigError::from(error).to_string().into();
                    let refused = LeaseRefusedError { service, lease, error };
                    self.inputs.push_back((Input::LeaseRefused(ix), detail(refused)));
                    return None;
                }
            }
        }
        self.leases.as_ref().map(|leases| ask(leases, ix, service, lease, terms))
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
            LeaseNews::Checked => (Input::LeaseChecked(ix), Detail::None),
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
            match epoch {
                Some(epoch) => self.event_log.note_epoch(ix, epoch),
                // Who has it from now on is not known.
                None => slot.view = None,
            }
        }
    }

    /// Whether a service can give its lease away, and stay out for so long.
    pub(super) fn check_step_down(
        &self,
        ix: ServiceIx,
        stay_out: Option<Duration>,
    ) -> Result<(), OrderError> {
        let slot = &self.services[ix.0 as usize];
        let service = slot.id.to_string();
        let Some(SlotLease { lease, terms: Some(terms), .. }) = slot.lease.as_deref() else {
            return Err(OrderError::NoLease(service));
        };
        if let Err((least, most)) = terms.stay_out(stay_out) {
            return Err(OrderError::StayOut { service, given: stay_out.unwrap_or_default(), least, most });
        }
        if !self.machine.can_step_down(ix) && !self.machine.is_stepping_down(ix) {
            return Err(OrderError::NotHolding { service, lease: lease.name().to_string() });
        }
        Ok(())
    }

    /// A service is to step down, which was checked. The latest order counts.
    pub(super) fn note_stay_out(&mut self, ix: ServiceIx, stay_out: Option<Duration>) {
        if let Some(SlotLease { terms: Some(terms), stay_out: kept, .. }) =
            self.service(ix).lease.as_deref_mut()
            && let Ok(stay_out) = terms.stay_out(stay_out)
        {
            *kept = stay_out;
            self.event_log.note_stay_out(ix, stay_out);
        }
    }

    pub(super) fn start_stay_out(&mut self, ix: ServiceIx) {
        let now = self.event_log.now();
        let Some(slot) = &mut self.service(ix).lease else { return };
        let stay_out = slot.stay_out;
        slot.out_until = now + stay_out;
        self.service_timer(ix, stay_out, Input::StayOutOver(ix));
    }

    /// Which answer of a store a service waits for before it may begin, as a sentence.
    pub(super) fn waiting_for_checks(&self, ix: ServiceIx) -> Option<String> {
        if self.machine.is_checking(ix) {
            let name = self.services[ix.0 as usize].lease.as_ref()?.lease.name();
            return Some(format!("waiting until the store of its lease {name:?} says that it can be used"));
        }
        let waits = self.machine.waits_for_checks();
        waits.then(|| "waiting until the stores of leases say that they can be used".to_owned())
    }

    /// What a service that stands by waits for, as a sentence.
    pub(super) fn standing_by(&self, ix: ServiceIx, now: Duration) -> Option<String> {
        let slot = self.services[ix.0 as usize].lease.as_ref()?;
        let name = slot.lease.name();
        if self.machine.stays_out(ix) {
            let left = seconds(slot.out_until.saturating_sub(now));
            return Some(format!("stepped down, asks for its lease again in {left}"));
        }
        self.machine.stands_by(ix).then(|| format!("standing by until the lease {name:?} is free"))
    }
}

impl Shell {
    /// How the lease of a service stands, where it needs one.
    pub(super) fn lease_status(&self, ix: ServiceIx, now: Duration) -> Option<LeaseStatus> {
        let slot = self.services[ix.0 as usize].lease.as_ref()?;
        let condition = LeaseCondition::of(self.machine.lease_state(ix))?;
        let view = slot.view.as_ref().map(|view| view.borrow().clone()).unwrap_or_default();
        // Leases are counted by another clock than all else.
        let left = view.until.map(|until| until.saturating_sub(boot_clock::now()));
        let status = LeaseStatus {
            name: Name::clone(slot.lease.name()),
            condition,
            holder: view.holder.map(|holder| holder.to_string()),
            since: None,
            until: left.map(|left| now + left),
            epoch: slot.epoch.filter(|_| condition.is_had()),
            acquired: 0,
            lost: 0,
            stepped_down: 0,
            stays_out_until: self.machine.stays_out(ix).then_some(slot.out_until),
            error: view.error.map(|error| error.to_string()),
        };
        Some(self.event_log.count_lease(ix, status))
    }
}

fn detail(error: impl std::error::Error + Send + Sync + 'static) -> Detail {
    let text = error.to_string().into();
    Detail::Error(Arc::new(error), text)
}
