//! Where leases are kept: etcd, a database, or whatever all replicas reach.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::errors::LeaseError;
use crate::base::BoxError;

/// What a replica asks the store for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseRequest {
    /// The lease.
    pub name: Arc<str>,
    /// Who asks: another one for each time that a replica begins to ask, so that what comes late of one time cannot touch another.
    pub holder: Arc<str>,
    /// For how long it is asked for: the same in all requests of a holder.
    pub ttl: Duration,
}

/// That a replica has the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseGrant {
    /// The fencing token: greater than that of any grant before.
    pub epoch: u64,
}

impl LeaseGrant {
    /// A grant of that epoch.
    pub fn new(epoch: u64) -> Self {
        Self { epoch }
    }
}

/// Keeps leases, by its own clock.
///
/// ```text
///   acquire --> granted until ttl from now, with an epoch --renew--> until ttl from now --release--> free
///      '------> taken by another                                        '-- its time is over --> free
/// ```
///
/// Each method is called on a thread of the stores' own, one for each manager, within a tokio runtime that ends with it: [`PerRuntime`](crate::PerRuntime) is for what lives there. It is dropped when it takes too
/// long: a sixth of the lease's time to live. Errors are shown and dropped there, too. What blocks that thread holds up all leases of the manager. Requests may be repeated, also such as have been done: their answers were lost. `testing::lease_store_holds` tests all of this.
pub trait LeaseStore: Send + Sync + 'static {
    /// Whether a lease can have that name in this store: asked, without any I/O, before anything starts. Names that are empty, longer than 256 bytes or have control characters
    /// are refused already.
    ///
    /// # Errors
    /// What the store takes in its place: the start is refused with that.
    fn check_name(&self, name: &str) -> Result<(), BoxError> {
        let _ = name;
        Ok(())
    }

    /// Whether leases can be had from this store at all: asked before anything of the manager begins, once for each lease, up to 8 at a time. It changes nothing for
    /// anybody who has one. Where it is not answered within a sixth of the lease's time to live, and 2 s at most, the store counts as away.
    ///
    /// # Errors
    /// [`LeaseError::Refused`] for what stays so, such as a wrong password or a table of another version: the manager does not start. [`LeaseError::Away`] for what may pass: the
    /// manager starts, and the service stands by.
    fn check(&self) -> impl Future<Output = Result<(), LeaseError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Gives the lease to who asks, from now on for its time to live, if it is free, over, or its own already. A new holder gets an epoch greater than all
    /// before, also than those of leases that are over or released; the same holder the same epoch.
    ///
    /// # Errors
    /// [`LeaseError::Taken`] where another has it.
    fn acquire(&self, request: &LeaseRequest) -> impl Future<Output = Result<LeaseGrant, LeaseError>> + Send;

    /// Has it last for its time to live from now on.
    ///
    /// # Errors
    /// [`LeaseError::Taken`] where it is not its holder's any more. One that is over, and nobody else's, may be renewed or not.
    fn renew(&self, request: &LeaseRequest) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Gives it back, if it is its holder's. If it is not, that is well, too.
    ///
    /// # Errors
    /// Where that could not be done.
    fn release(&self, request: &LeaseRequest) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Resolves when the lease may have become free: it is asked for then, before the next time is due. Without this a replica asks every sixth
    /// of the time to live.
    fn watch(&self, request: &LeaseRequest) -> impl Future<Output = ()> + Send {
        let _ = request;
        std::future::pending()
    }
}

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A store of any type.
pub(super) trait AnyStore: Send + Sync {
    fn check_name(&self, name: &str) -> Result<(), BoxError>;
    fn check(self: Arc<Self>) -> Later<Result<(), LeaseError>>;
    fn acquire(self: Arc<Self>, request: LeaseRequest) -> Later<Result<LeaseGrant, LeaseError>>;
    fn renew(self: Arc<Self>, request: LeaseRequest) -> Later<Result<(), LeaseError>>;
    fn release(self: Arc<Self>, request: LeaseRequest) -> Later<Result<(), LeaseError>>;
    fn watch(self: Arc<Self>, request: LeaseRequest) -> Later<()>;
}

impl<S: LeaseStore> AnyStore for S {
    fn check_name(&self, name: &str) -> Result<(), BoxError> {
        LeaseStore::check_name(self, name)
    }

    fn check(self: Arc<Self>) -> Later<Result<(), LeaseError>> {
        Box::pin(async move { LeaseStore::check(&*self).await })
    }

    fn acquire(self: Arc<Self>, request: LeaseRequest) -> Later<Result<LeaseGrant, LeaseError>> {
        Box::pin(async move { LeaseStore::acquire(&*self, &request).await })
    }

    fn renew(self: Arc<Self>, request: LeaseRequest) -> Later<Result<(), LeaseError>> {
        Box::pin(async move { LeaseStore::renew(&*self, &request).await })
    }

    fn release(self: Arc<Self>, request: LeaseRequest) -> Later<Result<(), LeaseError>> {
        Box::pin(async move { LeaseStore::release(&*self, &request).await })
    }

    fn watch(self: Arc<Self>, request: LeaseRequest) -> Later<()> {
        Box::pin(async move { LeaseStore::watch(&*self, &request).await })
    }
}

impl LeaseRequest {
    /// For tests of a store.
    pub fn new(name: impl Into<Arc<str>>, holder: impl Into<Arc<str>>, ttl: Duration) -> Self {
        Self { name: name.into(), holder: holder.into(), ttl }
    }
}
