//! Leases as a value: who has which, until when by a clock that is given.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::service::{LeaseError, LeaseGrant, LeaseRequest};

/// All leases of a store.
#[derive(Debug, Default)]
pub(super) struct LeaseState {
    leases: BTreeMap<String, Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Who has it, and until when.
    holder: Option<(String, Duration)>,
    epoch: u64,
}

impl Held {
    fn holder(&self, now: Duration) -> Option<&(String, Duration)> {
        self.holder.as_ref().filter(|(_, until)| now < *until)
    }
}

impl LeaseState {
    pub(super) fn acquire(
        &mut self,
        request: &LeaseRequest,
        now: Duration,
    ) -> Result<LeaseGrant, LeaseError> {
        let lease = self.leases.entry(request.name.to_string()).or_default();
        match lease.holder(now) {
            Some((by, until)) if **by != *request.holder => {
                return Err(LeaseError::Taken { by: by.clone(), left: Some(*until - now) });
            }
            Some(_) => {}
            None => lease.epoch += 1,
        }
        lease.holder = Some((request.holder.to_string(), now + request.ttl));
        Ok(LeaseGrant::new(lease.epoch))
    }

    pub(super) fn renew(&mut self, request: &LeaseRequest, now: Duration) -> Result<(), LeaseError> {
        let lease = self.leases.entry(request.name.to_string()).or_default();
        match lease.holder(now) {
            Some((by, _)) if **by == *request.holder => {
                lease.holder = Some((request.holder.to_string(), now + request.ttl));
                Ok(())
            }
            Some((by, until)) => Err(LeaseError::Taken { by: by.clone(), left: Some(*until - now) }),
            None => Err(LeaseError::Taken { by: "nobody".to_owned(), left: None }),
        }
    }

    /// Tells whether anything has changed.
    pub(super) fn release(&mut self, request: &LeaseRequest, now: Duration) -> bool {
        let lease = self.leases.entry(request.name.to_string()).or_default();
        let own = lease.holder(now).is_some_and(|(by, _)| **by == *request.holder);
        if own {
            lease.holder = None;
        }
        own
    }

    /// Another has it from now on, whoever had it.
    pub(super) fn take(&mut self, name: &str, by: &str, until: Duration) -> u64 {
        let lease = self.leases.entry(name.to_owned()).or_default();
        lease.epoch += 1;
        lease.holder = Some((by.to_owned(), until));
        lease.epoch
    }

    /// Nobody has it.
    pub(super) fn free(&mut self, name: &str) {
        if let Some(lease) = self.leases.get_mut(name) {
            lease.holder = None;
        }
    }

    pub(super) fn holder(&self, name: &str, now: Duration) -> Option<String> {
        self.leases.get(name)?.holder(now).map(|(by, _)| by.clone())
    }

    pub(super) fn epoch(&self, name: &str) -> u64 {
        self.leases.get(name).map_or(0, |lease| lease.epoch)
    }
}
