//! The signal that tells services and resources of the shutdown.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::latch::Latch;

/// Tells of the shutdown: that it was asked for, how much time there is, and that it is over. Clones tell the same; they may
/// be taken to any thread.
#[derive(Debug, Clone)]
pub struct ShutdownSignal(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    deadlines: Arc<Deadlines>,
    role: Role,
    forced: Forced,
}

/// Whether the time of whoever received the signal is over.
#[derive(Debug)]
enum Forced {
    Own(Latch),
    /// It is that of another signal, which tells the same.
    Of(ShutdownSignal),
}

/// What the signals of a service and of its resources share.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    requested: Latch,
    /// Of this service alone.
    own: Mutex<Own>,
    /// Of all; `None` until the shutdown begins.
    limits: Arc<Mutex<Option<Limits>>>,
}

/// When what is left of a shutdown is forced, where there is a limit.
#[derive(Debug, Clone, Copy)]
struct Limits {
    services: Option<Instant>,
    resources: Option<Instant>,
}

/// The limits of a stop of one service, while others run.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    service: Option<Instant>,
    /// Whether the service has that limit in a shutdown, too.
    lasts: bool,
    resource: Option<Instant>,
}

/// On whose behalf a signal is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Service,
    Resource,
}

impl Deadlines {
    /// For another service of the same manager, or for another life of it.
    pub(crate) fn another(&self) -> Arc<Self> {
        Arc::new(Self { limits: Arc::clone(&self.limits), ..Self::default() })
    }

    /// Shutdown begins, or is to be over sooner: what is left at these times is forced.
    pub(crate) fn set(&self, services: Option<Instant>, resources: Option<Instant>) {
        *lock(&self.limits) = Some(Limits { services, resources });
    }

    /// The service stops alone, or has a limit of its own in the shutdown as well: then that `lasts`. The first counts.
    pub(crate) fn limit_service(&self, at: Instant, lasts: bool) {
        let mut own = lock(&self.own);
        own.service.get_or_insert(at);
        own.lasts = lasts;
    }

    /// One of its resources is to be released, while others run.
    pub(crate) fn limit_resource(&self, at: Instant) {
        lock(&self.own).resource = Some(at);
    }

    fn of(&self, role: Role) -> Option<Instant> {
        let (own, limits) = (*lock(&self.own), *lock(&self.limits));
        match (role, limits) {
            (Role::Service, None) => own.service,
            (Role::Service, Some(limits)) => {
                own.service.filter(|_| own.lasts).into_iter().chain(limits.services).min()
            }
            (Role::Resource, None) => own.resource,
            (Role::Resource, Some(limits)) => limits.resources,
        }
    }

    /// The service is asked to come to its end.
    pub(crate) fn request(&self) {
        self.requested.set();
    }
}

impl ShutdownSignal {
    pub(crate) fn new(deadlines: Arc<Deadlines>, role: Role) -> Self {
        Self(Arc::new(Parts { deadlines, role, forced: Forced::Own(Latch::default()) }))
    }

    /// One that tells the same. Its clones touch nothing that those of this one do: for a thread that makes many.
    pub(crate) fn another(&self) -> Self {
        let Parts { deadlines, role, .. } = &*self.0;
        let first = match &self.0.forced {
            Forced::Own(_) => self,
            Forced::Of(first) => first,
        };
        let forced = Forced::Of(first.clone());
        Self(Arc::new(Parts { deadlines: Arc::clone(deadlines), role: *role, forced }))
    }

    pub(crate) fn force(&self) {
        self.over().set();
    }

    fn over(&self) -> &Latch {
        match &self.0.forced {
            Forced::Own(latch) => latch,
            Forced::Of(first) => first.over(),
        }
    }

    /// Resolves when services are asked to come to an end: with `Shutdown`, after the drain delay.
    pub async fn requested(&self) {
        self.0.deadlines.requested.wait().await;
    }

    /// Whether services have been asked to come to an end.
    pub fn is_requested(&self) -> bool {
        self.0.deadlines.requested.is_set()
    }

    /// Resolves when the time of whoever received this signal is over. Its actor is dropped at that moment,
    /// so this is for work that it left to other threads.
    pub async fn forced(&self) {
        self.over().wait().await;
    }

    /// Whether the time is over.
    pub fn is_forced(&self) -> bool {
        self.over().is_set()
    }

    /// When whoever received this signal is forced. In a shutdown that is, for a service, the moment at which the release
    /// reserve begins, or its own `stop_timeout` is over; for a resource, the end of all. Where a service restarts, or is stopped
    /// alone, it is the end of its `stop_timeout` (5 s by default), which each of its resources has as well. `None` as long
    /// as nothing of this has begun, or without a limit.
    /// What is left of it is counted from tokio's `Instant::now`, which is the system's except where a test has paused it.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadlines.of(self.0.role)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn g08_a_limit_of_ones_own_counts_alone_and_beside_that_of_a_shutdown() {
        let (all, now) = (Arc::<Deadlines>::default(), Instant::now());
        let at = |s| Some(now + Duration::from_secs(s));
        let of = |one: &Deadlines| (one.of(Role::Service), one.of(Role::Resource));
        let (one, lasting) = (all.another(), all.another());
        assert_eq!(of(&one), (None, None));
        one.limit_service(now + Duration::from_secs(1), false);
        one.limit_service(now + Duration::from_secs(9), false);
        one.limit_resource(now + Duration::from_secs(2));
        one.limit_resource(now + Duration::from_secs(3));
        lasting.limit_service(now + Duration::from_secs(4), true);
        assert_eq!((of(&one), of(&lasting)), ((at(1), at(3)), (at(4), None)));
        all.set(at(5), at(6));
        assert_eq!((of(&one), of(&lasting)), ((at(5), at(6)), (at(4), at(6))));
        all.set(None, None);
        assert_eq!((of(&one), of(&lasting)), ((None, None), (at(4), None)));
    }
}
