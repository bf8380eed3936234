//! What is told of leases.

use std::time::Duration;

use super::EventLog;
use super::lease_record::LeaseRecord;
use crate::events::{End, Failure, LeaseEvent, LifecycleEvent, Name};
use crate::lifecycle::{Outcome, ServiceIx};

impl EventLog {
    /// A service needs a lease of that name.
    pub(crate) fn note_lease(&mut self, ix: ServiceIx, lease: Name) {
        self.record_mut(ix).lease.name = lease;
    }

    /// It has one of that epoch.
    pub(crate) fn note_epoch(&mut self, ix: ServiceIx, epoch: u64) {
        self.record_mut(ix).lease.epoch = epoch;
    }

    /// It is to give it away, and to ask for none for so long.
    pub(crate) fn note_stay_out(&mut self, ix: ServiceIx, stay_out: Duration) {
        self.record_mut(ix).lease.stay_out = stay_out;
    }

    pub(super) fn lease_acquired(&self, ix: ServiceIx) -> LifecycleEvent {
        let (service, LeaseRecord { name: lease, epoch, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::LeaseAcquired { service, lease, epoch })
    }

    pub(super) fn lease_lost(&self, ix: ServiceIx, error: Failure) -> LifecycleEvent {
        let (service, LeaseRecord { name: lease, epoch, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::LeaseLost { service, lease, epoch, error })
    }

    pub(super) fn step_down_started(&mut self, ix: ServiceIx, at: Duration) -> LifecycleEvent {
        self.record_mut(ix).transition_began = at;
        let (service, LeaseRecord { name: lease, epoch, stay_out, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::StepDownStarted { service, lease, epoch, stay_out })
    }

    pub(super) fn step_down_finished(&self, ix: ServiceIx, outcome: Outcome, at: Duration) -> LifecycleEvent {
        let took = at - self.record(ix).transition_began;
        let (service, LeaseRecord { name: lease, .. }) = self.lease_of(ix);
        let end = End { took, outcome, error: None, cancelled: false };
        LifecycleEvent::Lease(LeaseEvent::StepDownFinished { service, lease, end })
    }

    fn lease_of(&self, ix: ServiceIx) -> (Name, LeaseRecord) {
        (self.id(ix).clone(), self.record(ix).lease.clone())
    }
}
