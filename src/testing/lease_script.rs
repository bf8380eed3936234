//! What a scenario says of leases: who needs which, and where they are kept.

use std::time::Duration;

use serde::Deserialize;

use super::leases::MemoryLeases;
use crate::service::Lease;

/// For how long another replica has what a scenario has it take, unless it gives it back.
const TAKEN: Duration = Duration::from_secs(3600);

/// A [`Lease`] of the scenario's own store. What is left out is as its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseScript {
    /// Its name.
    pub name: String,
    /// [`Lease::ttl`].
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// [`Lease::margin`].
    #[serde(default)]
    pub margin_ms: Option<u64>,
}

impl LeaseScript {
    pub(super) fn lease(&self, store: &RehearsedStore) -> Lease {
        let mut lease = Lease::new(store.0.clone(), self.name.as_str());
        if let Some(ttl) = self.ttl_ms {
            lease = lease.ttl(Duration::from_millis(ttl));
        }
        if let Some(margin) = self.margin_ms {
            lease = lease.margin(Duration::from_millis(margin));
        }
        lease
    }
}

/// The store of a scenario's leases, shared with its clones. It is no part of what the scenario says: all are equal.
#[derive(Debug, Clone, Default)]
pub struct RehearsedStore(pub MemoryLeases);

impl PartialEq for RehearsedStore {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is done to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreAction<'a> {
    Away(bool),
    /// Another replica has the lease from now on.
    Take(&'a str),
    /// Nobody has it.
    Free(&'a str),
}

impl RehearsedStore {
    pub(super) fn act(&self, action: StoreAction<'_>) {
        match action {
            StoreAction::Away(away) => self.0.away(away),
            StoreAction::Take(name) => drop(self.0.take(name, "another replica", TAKEN)),
            StoreAction::Free(name) => self.0.free(name),
        }
    }
}
