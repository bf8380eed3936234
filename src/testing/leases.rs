//! A store of leases in memory.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::lease_state::LeaseState;
use crate::base::boot_clock;
use crate::service::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore};

/// Leases in memory, for the managers of one process: each has a clone. With faults to be switched on, and a clock that a test moves on.
///
/// ```
/// use majordomo::{Lease, Manager, ManagerOptions, Run, ServiceSpec, restartable_fn, testing::{ManagerSuite, MemoryLeases}};
///
/// # #[actix::main]
/// # async fn main() {
/// let leases = MemoryLeases::new();
/// let reports = restartable_fn("reports", |run: Run| async move {
///     assert_eq!(run.epoch(), Some(1));
///     run.shutdown.requested().await;
///     Ok(())
/// });
/// let reports = ServiceSpec::new(reports).only_with(Lease::new(leases.clone(), "reports"));
/// let suite = ManagerSuite::launch(Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(reports));
/// suite.recorder().wait_for("run_started reports").await;
/// assert!(leases.holder("reports").is_some());
/// suite.shutdown().await;
/// assert_eq!(leases.holder("reports"), None);
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryLeases(Arc<Inner>);

struct Inner {
    store: Mutex<Store>,
    /// How many requests have come. Whoever waits for a change hears of it.
    requests: watch::Sender<u64>,
    /// How often a lease was given back.
    released: watch::Sender<u64>,
}

#[derive(Default)]
struct Store {
    state: LeaseState,
    /// By how much its clock is ahead.
    ahead: Duration,
    faults: Faults,
}

#[derive(Debug, Clone, Default)]
struct Faults {
    away: bool,
    silent: bool,
    loses_answers: bool,
    slow: Duration,
    refuses: Option<String>,
}

impl Faults {
    fn refusal(self) -> Result<(), LeaseError> {
        match self.refuses {
            _ if self.away => Err(LeaseError::away("the store is away")),
            Some(reason) => Err(LeaseError::refused(reason)),
            None => Ok(()),
        }
    }
}

impl Store {
    fn now(&self) -> Duration {
        boot_clock::now() + self.ahead
    }
}

impl Default for MemoryLeases {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLeases {
    /// A store in which nobody has anything.
    pub fn new() -> Self {
        let (requests, _) = watch::channel(0);
        let (released, _) = watch::channel(0);
        Self(Arc::new(Inner { store: Mutex::default(), requests, released }))
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every request fails at once, and nothing is done; or no longer.
    pub fn away(&self, away: bool) {
        self.store().faults.away = away;
    }

    /// From now on no request is answered, and nothing is done; or no longer.
    pub fn silent(&self, silent: bool) {
        self.store().faults.silent = silent;
    }

    /// From now on what is asked is done, and the answer gets lost; or no longer.
    pub fn loses_answers(&self, loses: bool) {
        self.store().faults.loses_answers = loses;
    }

    /// From now on each answer takes so long.
    pub fn slow(&self, by: Duration) {
        self.store().faults.slow = by;
    }

    /// From now on every request is refused for good, for that reason; `None`: no longer.
    pub fn refuses(&self, reason: Option<&str>) {
        self.store().faults.refuses = reason.map(str::to_owned);
    }

    /// Moves the store's clock on: leases may be over for it that their holders still have.
    pub fn advance(&self, by: Duration) {
        self.store().ahead += by;
    }

    /// Another has the lease from now on, for so long, whoever had it. Tells its epoch.
    pub fn take(&self, name: &str, by: &str, lasts: Duration) -> u64 {
        let mut store = self.store();
        let until = store.now() + lasts;
        store.state.take(name, by, until)
    }

    /// Nobody has the lease from now on; those who wait for it hear of that.
    pub fn free(&self, name: &str) {
        self.store().state.free(name);
        self.0.released.send_modify(|times| *times += 1);
    }

    /// Who has the lease.
    pub fn holder(&self, name: &str) -> Option<String> {
        let store = self.store();
        store.state.holder(name, store.now())
    }

    /// The latest epoch of the lease; 0 where nobody ever had it.
    pub fn epoch(&self, name: &str) -> u64 {
        self.store().state.epoch(name)
    }

    /// How many requests have come. The question before the start, whether leases can be had at all, is none.
    pub fn requests(&self) -> u64 {
        *self.0.requests.borrow()
    }

    /// Waits until so many requests have come.
    pub async fn until_requests(&self, count: u64) {
        let mut requests = self.0.requests.subscribe();
        // The sender is there as long as this is.
        let _ = requests.wait_for(|come| *come >= count).await;
    }

    /// Does what is asked, as far as faults let it.
    async fn ask<T>(
        &self,
        work: impl FnOnce(&mut LeaseState, Duration) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let faults = self.store().faults.clone();
        self.0.requests.send_modify(|come| *come += 1);
        if faults.silent {
            std::future::pending::<()>().await;
        }
        let (slow, loses_answers) = (faults.slow, faults.loses_answers);
        faults.refusal()?;
        let result = {
            let mut store = self.store();
            let now = store.now();
            work(&mut store.state, now)
        };
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        if loses_answers {
            return Err(LeaseError::away("the answer got lost"));
        }
        result
    }
}

impl LeaseStore for MemoryLeases {
    async fn check(&self) -> Result<(), LeaseError> {
        let faults = self.store().faults.clone();
        if faults.silent {
            std::future::pending::<()>().await;
        }
        faults.refusal()
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.ask(|state, now| state.acquire(request, now)).await
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.ask(|state, now| state.renew(request, now)).await
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let released = &self.0.released;
        let release = |state: &mut LeaseState, now| {
            if state.release(request, now) {
                released.send_modify(|times| *times += 1);
            }
            Ok(())
        };
        self.ask(release).await
    }

    async fn watch(&self, request: &LeaseRequest) {
        let mut released = self.0.released.subscribe();
        // What was given back before is seen at once.
        while self.holder(&request.name).is_some() {
            let _ = released.changed().await;
        }
    }
}

impl fmt::Debug for MemoryLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLeases").field("state", &self.store().state).finish_non_exhaustive()
    }
}
