//! How an actor is handed over: by value, or as a closure that makes it where it will live.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler};

use crate::events::Name;
use crate::lifecycle::RestartPolicy;
use crate::service::lease::Lease;
use crate::service::reload::{CommitReload, PrepareReload, ReloadRoute, by_mailbox};
use crate::service::traits::Restartable;
use crate::service::traits::Service;
use crate::supervision::Restart;

/// How long a stop may take while others run, where its service says nothing else. OTP's default for workers.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A service and how it is to be looked after. Wherever a service is expected, one of these may be given;
/// a plain actor is as good as `ServiceSpec::new(actor)`.
#[must_use = "a service does nothing until it is given to a manager"]
pub struct ServiceSpec<A: Actor<Context = Context<A>>> {
    pub(crate) id: Name,
    pub(crate) make: Box<dyn FnOnce() -> A + Send>,
    pub(crate) dedicated: bool,
    pub(crate) policy: RestartPolicy,
    pub(crate) setup_policy: RestartPolicy,
    pub(crate) restart: Option<Restart<A>>,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) depends_on: Vec<Name>,
    pub(crate) survives: Vec<Name>,
    pub(crate) replacement: Option<Replacement<A>>,
    pub(crate) critical: bool,
    pub(crate) after_handover: bool,
    pub(crate) lease: Option<Lease>,
    /// How it is asked for its part in a reload; and whether it is a reason to handle SIGHUP.
    pub(crate) reload: Option<ReloadRoute<A>>,
    pub(crate) reload_at_signal: bool,
    /// What the manager keeps with a service that is a whole manager. This room does not know its type.
    pub(crate) nested: Option<Arc<dyn Any + Send + Sync>>,
    /// The same of a service that is a server.
    pub(crate) server: Option<Arc<dyn Any + Send + Sync>>,
}

/// What becomes of an actor that is stuck.
pub(crate) struct Replacement<A> {
    pub(crate) limit: Duration,
    pub(crate) make: Arc<Mutex<dyn FnMut() -> A + Send>>,
}

impl<A: Service> ServiceSpec<A> {
    /// An actor that may be moved to its thread.
    pub fn new(actor: A) -> Self
    where
        A: Send,
    {
        Self::local(actor.id(), move || actor)
    }

    /// An actor that is not `Send`: it is made on the thread that it will live on. `id` is what the service
    /// is called, since it must be known before anything is started; the actor's own `id()` is not asked.
    pub fn local(id: impl Into<String>, make: impl FnOnce() -> A + Send + 'static) -> Self {
        Self {
            id: id.into().into(),
            make: Box::new(make),
            dedicated: false,
            policy: RestartPolicy::never(),
            setup_policy: RestartPolicy::never(),
            restart: None,
            stop_timeout: None,
            depends_on: Vec::new(),
            survives: Vec::new(),
            replacement: None,
            critical: false,
            after_handover: false,
            lease: None,
            reload: None,
            reload_at_signal: false,
            nested: None,
            server: None,
        }
    }

    /// Gives the service a thread of its own: for actors that must block.
    pub fn dedicated_thread(self) -> Self {
        Self { dedicated: true, ..self }
    }

    /// Has the service started again: when it fails, as the policy says, and with what it depends on.
    ///
    /// A restart ends what the actor spawned and what it was to answer, releases its resources, the last started first,
    /// calls [`Supervised::restarting`](actix::Supervised::restarting), where the actor brings its state back to what it was at first, and sends `Setup` and
    /// `Run`. The actor keeps its `Addr`, and what is queued in its mailbox; that is handled once it has handled `Setup`.
    /// The message that it failed over is not handled again.
    pub fn restart(self, policy: RestartPolicy) -> Self
    where
        A: Restartable,
    {
        Self { policy, restart: Some(|actor| actor.restart()), ..self }
    }

    /// Has the set-up tried again when it fails: for a database or a peer that comes late. Meanwhile those that do not depend on
    /// this service are set up, and nobody runs; a service of a running manager that is set up again, after a restart or since it
    /// was added, waits likewise.
    ///
    /// The policy says how often ([`max_restarts`](RestartPolicy::max_restarts) within
    /// [`within`](RestartPolicy::within)), and how soon ([`backoff`](RestartPolicy::backoff), which starts over once a set-up has succeeded). Of its
    /// mode only [`never`](RestartPolicy::never) matters, which tries nothing again. What is left when it is used up is a failure as it is without retries. Each try is a
    /// life of its own, as in a [`restart`](Self::restart): what the failed one started is released before the next. A shutdown that is asked meanwhile ends
    /// in order, with exit code 0. systemd: `Restart=on-failure` of a unit that is starting.
    ///
    /// ```
    /// use std::time::Duration;
    /// use majordomo::{BoxError, RestartPolicy, Run, Setup, service_with_setup};
    /// # async fn connect() -> Result<u32, BoxError> { Ok(1) }
    ///
    /// let store = service_with_setup(
    ///     "store",
    ///     |_: Setup| async { connect().await },
    ///     |run: Run, _connection: u32| async move {
    ///         run.shutdown.requested().await;
    ///         Ok(())
    ///     },
    /// );
    /// let patient = RestartPolicy::on_failure().unlimited().backoff(Duration::from_millis(200), Duration::from_secs(5));
    /// let store = store.retry_setup(patient);
    /// ```
    pub fn retry_setup(self, policy: RestartPolicy) -> Self
    where
        A: Restartable,
    {
        Self { setup_policy: policy, restart: Some(|actor| actor.restart()), ..self }
    }

    /// Counts one poll of the actor that lasts longer than the limit as a failure of the service, which is then restarted as its
    /// policy says, but with another actor on another thread: a blocked one cannot be called back. systemd: `WatchdogSec=`.
    ///
    /// `make` makes that other actor where it will live. It has an `Addr` of its own, which only it can tell to others; what
    /// was queued for the first is lost with it. That one goes when its poll returns, and keeps its thread until
    /// then: give a service that may block a [thread of its own](Self::dedicated_thread). So this is for services without gRPC
    /// methods, whose handlers keep the address. It counts while all services run, and to within a quarter of
    /// [`ManagerOptions::stuck_after`](crate::ManagerOptions::stuck_after).
    pub fn replace_when_stuck(self, limit: Duration, make: impl FnMut() -> A + Send + 'static) -> Self {
        let make = Arc::new(Mutex::new(make));
        Self { replacement: Some(Replacement { limit, make }), ..self }
    }

    /// Without this service the process is of no use: while it is stuck, systemd gets no sign of life (`WatchdogSec=`), and restarts the
    /// process. Stuck is who blocks its thread for longer than [`ManagerOptions::stuck_after`](crate::ManagerOptions::stuck_after), and who is starved by
    /// one that does. Services of [nested](crate::nested) managers count, too. Where systemd expects no
    /// signs of life, it changes nothing.
    ///
    /// One with [`replace_when_stuck`](Self::replace_when_stuck) counts without this, but only where it was not replaced in its time.
    pub fn critical(self) -> Self {
        Self { critical: true, ..self }
    }

    /// The service has what exists only once: a lock, a file that it alone writes, the one consumer of a queue. In a process that takes over
    /// from a predecessor ([`ManagerOptions::handover`](crate::ManagerOptions::handover)) it is set up when that one has released everything, or is gone;
    /// until then it waits, its health is NOT_SERVING, and all others run without it. In any other process this changes nothing.
    ///
    /// A gRPC service gets [`RegisterOnServer`](crate::RegisterOnServer) while others start, and its calls are answered UNAVAILABLE until it is set up.
    /// Who depends on it waits with it, and has to say so, too. An HTTP service cannot wait: nobody would accept its connections.
    pub fn after_handover(self) -> Self {
        Self { after_handover: true, ..self }
    }

    /// The service runs on one replica only: on the one that has the lease. On all others it stands by: its set-up has not begun, its health is
    /// NOT_SERVING, and the manager counts as running without it, so that all replicas of a deploy become ready.
    ///
    /// ```text
    ///   stands by --acquired--> Setup --> Run --.
    ///      ^                        failed, stopped, or the lease is lost --> Shutdown --> resources --> the lease is given back
    ///      '------------------------------------------------------------------------------------------------------'
    /// ```
    ///
    /// Each life needs a lease of its own, and has an [epoch](crate::Run::epoch) of its own: a restart gives the lease back, too, so that another replica may
    /// take over. One that has finished, since its main loop returned `Ok`, keeps it until the shutdown. When the service and its resources have ended, the lease
    /// is given back at once. When it cannot be renewed, the stop begins in time; what has not stopped then is cut, with its resources; and where something blocks its thread, so
    /// that it cannot be cut, the process ends with exit code 3 before anybody else can have the lease.
    ///
    /// Nobody can depend on such a service, which may never run here; and it can serve neither gRPC calls nor connections, whose callers would wait with it:
    /// put what runs once into a service of its own.
    pub fn only_with(self, lease: Lease) -> Self
    where
        A: Restartable,
    {
        Self { lease: Some(lease), restart: Some(|actor| actor.restart()), ..self }
    }

    /// The service takes part in [reloads](crate::Reload): it reads its settings again at [`PrepareReload`], and changes to them at
    /// [`CommitReload`]. Both come by its mailbox, while it is set up and its main loop has not returned.
    ///
    /// Where any service of a manager says this, SIGHUP asks for a reload, from then on; else it is left alone. systemd: `Type=notify-reload`.
    pub fn reloadable(self) -> Self
    where
        A: Handler<PrepareReload> + Handler<CommitReload>,
    {
        Self { reload: Some(by_mailbox), reload_at_signal: true, ..self }
    }

    /// The same, but it is no reason to handle SIGHUP.
    #[cfg(feature = "tls")]
    pub(crate) fn reloadable_on_demand(self) -> Self
    where
        A: Handler<PrepareReload> + Handler<CommitReload>,
    {
        Self { reload: Some(by_mailbox), ..self }
    }

    /// How long the service may take to stop, from its `Shutdown` on, before it is cut off; and so long again for each of its
    /// resources. It counts within a restart or the stop of this service (default 5 s), and within the manager's
    /// shutdown, whose limit holds in any case. systemd: `TimeoutStopSec=`; OTP: a child's `shutdown`. Less
    /// than 10 ms is refused.
    pub fn stop_timeout(self, timeout: Duration) -> Self {
        Self { stop_timeout: Some(timeout), ..self }
    }

    /// The service needs another: it is set up and run after it, stopped and released before it, and restarted with it,
    /// unless it [survives that](Self::survives_restart_of). May be said of several. systemd: `Requires=` and `After=`.
    pub fn depends_on(mut self, id: impl Into<String>) -> Self {
        self.depends_on.push(id.into().into());
        self
    }

    /// The service goes on while one that it depends on is restarted. systemd: `Wants=`.
    pub fn survives_restart_of(mut self, id: impl Into<String>) -> Self {
        self.survives.push(id.into().into());
        self
    }
}

impl<A: Service + Send> From<A> for ServiceSpec<A> {
    fn from(actor: A) -> Self {
        Self::new(actor)
    }
}

impl<A: Actor<Context = Context<A>>> std::fmt::Debug for ServiceSpec<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceSpec")
            .field("id", &self.id)
            .field("dedicated", &self.dedicated)
            .field("policy", &self.policy)
            .field("depends_on", &self.depends_on)
            .finish_non_exhaustive()
    }
}
