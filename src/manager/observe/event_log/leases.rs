//! What is counted of leases, and the events of them.

use std::time::Duration;

use super::EventLog;
use super::lease_record::LeaseRecord;
use crate::events::{End, Failure, LeaseEvent, LifecycleEvent, Name};
use crate::lifecycle::{Outcome, ServiceIx};
use crate::manager::api::lease_status::LeaseStatus;

impl EventLog {
    /// A service needs a lease of that name.
    pub(crate) fn note_lease(&mut self, ix: ServiceIx, lease: Name) {
        self.lease_mut(ix).name = lease;
    }

    /// It has one of that epoch.
    pub(crate) fn note_epoch(&mut self, ix: ServiceIx, epoch: u64) {
        self.lease_mut(ix).epoch = epoch;
    }

    /// It is to give it away, and to ask for none for so long.
    pub(crate) fn note_stay_out(&mut self, ix: ServiceIx, stay_out: Duration) {
        self.lease_mut(ix).stay_out = stay_out;
    }

    /// A status with what was counted of the lease.
    pub(crate) fn count_lease(&self, ix: ServiceIx, status: LeaseStatus) -> LeaseStatus {
        let LeaseRecord { since, acquired, lost, stepped_down, .. } = self.lease_of(ix).1;
        let since = status.condition.is_had().then_some(since);
        LeaseStatus { since, acquired, lost, stepped_down, ..status }
    }

    pub(super) fn lease_acquired(&mut self, ix: ServiceIx, at: Duration) -> LifecycleEvent {
        let record = self.lease_mut(ix);
        (record.since, record.acquired) = (at, record.acquired + 1);
        let (service, LeaseRecord { name: lease, epoch, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::LeaseAcquired { service, lease, epoch })
    }

    pub(super) fn lease_lost(&mut self, ix: ServiceIx, error: Failure) -> LifecycleEvent {
        self.lease_mut(ix).lost += 1;
        let (service, LeaseRecord { name: lease, epoch, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::LeaseLost { service, lease, epoch, error })
    }

    pub(super) fn step_down_started(&mut self, ix: ServiceIx, at: Duration) -> LifecycleEvent {
        self.record_mut(ix).transition_began = at;
        let (service, LeaseRecord { name: lease, epoch, stay_out, .. }) = self.lease_of(ix);
        LifecycleEvent::Lease(LeaseEvent::StepDownStarted { service, lease, epoch, stay_out })
    }

    pub(super) fn step_down_finished(
        &mut self,
        ix: ServiceIx,
        outcome: Outcome,
        at: Duration,
    ) -> LifecycleEvent {
        // Otherwise something else came first.
        let is_done = matches!(outcome, Outcome::Ok | Outcome::Forced);
        self.lease_mut(ix).stepped_down += u64::from(is_done);
        let took = at - self.record(ix).transition_began;
        let (service, LeaseRecord { name: lease, .. }) = self.lease_of(ix);
        let end = End { took, outcome, error: None, cancelled: false };
        LifecycleEvent::Lease(LeaseEvent::StepDownFinished { service, lease, end })
    }

    fn lease_of(&self, ix: ServiceIx) -> (Name, LeaseRecord) {
        (self.id(ix).clone(), self.record(ix).lease.as_deref().cloned().unwrap_or_default())
    }

    fn lease_mut(&mut self, ix: ServiceIx) -> &mut LeaseRecord {
        self.record_mut(ix).lease.get_or_insert_default()
    }
}
