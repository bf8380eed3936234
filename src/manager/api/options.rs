//! The options of a manager. All are checked in one place, before anything is started.

mod calls;
mod defaults;
mod grpc;
mod handover;
pub(crate) mod limits;
mod metrics;
mod notify;
mod operations;
mod reload;
mod watched_file;

use std::time::Duration;

use tracing::Dispatch;

use crate::api_errors;
use crate::events::EventSender;
use crate::grpc::{DEFAULT_GRPC_ADDRESS, GrpcServerOptions, ServerAddress};
use crate::handover::{CheckedHandover, Handover};
use crate::lifecycle::Budget;
#[cfg(feature = "prometheus")]
use crate::metrics::Metrics;
use crate::operations::{CheckedOperations, Operations};
use crate::report::ConfigError;
use defaults::{FLIGHT_RECORDER, LOG_ERROR_LIMIT, RELOAD_TIMEOUT, SERVICE_THREADS, STUCK_AFTER};
pub use watched_file::{WatchedFile, watched_file};

/// How a manager works. A setter replaces what it was given before, unless it says that it adds to it.
///
/// ```
/// use std::time::Duration;
/// use majordomo::ManagerOptions;
///
/// let options = ManagerOptions::new()
///     .grpc_server_address("127.0.0.1:0")
///     .max_shutdown_duration(Duration::from_secs(10))
///     .drain_delay(Duration::from_secs(2));
/// ```
#[must_use = "options do nothing until they are given to a manager"]
#[derive(Debug, Clone)]
pub struct ManagerOptions {
    pub(crate) grpc_server: GrpcServerOptions,
    pub(crate) without_grpc: bool,
    pub(crate) max_shutdown_duration: Option<Duration>,
    release_reserve: Option<Duration>,
    drain_delay: Duration,
    service_threads: usize,
    pub(crate) handle_signals: bool,
    pub(crate) dispatch: Option<Dispatch>,
    pub(crate) observers: Vec<EventSender>,
    pub(crate) flight_recorder: usize,
    pub(crate) log_error_limit: usize,
    pub(crate) stuck_after: Option<Duration>,
    pub(crate) reload_timeout: Duration,
    pub(crate) watched_files: Vec<WatchedFile>,
    pub(crate) notify_systemd: bool,
    pub(crate) handover: Option<Handover>,
    pub(crate) operations: Option<Operations>,
    #[cfg(feature = "prometheus")]
    metrics: Option<Metrics>,
    #[cfg(feature = "testing")]
    pub(crate) rehearsal: crate::manager::test_support::fault::Rehearsal,
}

/// Options that can work.
pub(crate) struct CheckedOptions {
    pub(crate) budget: Budget,
    pub(crate) addresses: Vec<ServerAddress>,
    pub(crate) grpc_server: GrpcServerOptions,
    pub(crate) service_threads: usize,
    pub(crate) operations: Option<CheckedOperations>,
    pub(crate) handover: Option<CheckedHandover>,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            grpc_server: GrpcServerOptions::default(),
            without_grpc: false,
            max_shutdown_duration: Some(Duration::from_secs(30)),
            release_reserve: None,
            drain_delay: Duration::ZERO,
            service_threads: SERVICE_THREADS,
            handle_signals: true,
            dispatch: None,
            observers: Vec::new(),
            flight_recorder: FLIGHT_RECORDER,
            log_error_limit: LOG_ERROR_LIMIT,
            stuck_after: Some(STUCK_AFTER),
            reload_timeout: RELOAD_TIMEOUT,
            watched_files: Vec::new(),
            notify_systemd: true,
            handover: None,
            operations: None,
            #[cfg(feature = "prometheus")]
            metrics: None,
            #[cfg(feature = "testing")]
            rehearsal: crate::manager::test_support::fault::Rehearsal::default(),
        }
    }
}

impl ManagerOptions {
    /// The defaults, as each option tells.
    pub fn new() -> Self {
        Self::default()
    }
}

/// # Shutdown
impl ManagerOptions {
    /// How long everything from the moment shutdown is asked may take. What is left then is forced.
    /// `None`: no limit, nothing is ever forced by time. Default: 30 s.
    pub fn max_shutdown_duration(self, limit: impl Into<Option<Duration>>) -> Self {
        Self { max_shutdown_duration: limit.into(), ..self }
    }

    /// How much of it, at its end, belongs to the resources: services still running then are forced.
    /// Default: a tenth.
    pub fn release_reserve(self, reserve: Duration) -> Self {
        Self { release_reserve: Some(reserve), ..self }
    }

    /// How long, once shutdown is asked, everything goes on working while health says NOT_SERVING, so that
    /// load balancers look elsewhere. Part of the whole. Default: none.
    pub fn drain_delay(self, delay: Duration) -> Self {
        Self { drain_delay: delay, ..self }
    }
}

/// # The process
impl ManagerOptions {
    /// Whether SIGINT and SIGTERM shut down, and SIGQUIT and SIGUSR1 print the status. With `false` no
    /// handler is installed at all. Default: yes.
    ///
    /// The ladder of SIGINT and SIGTERM: the first shuts down gracefully, the second forces the end, the
    /// third exits at once with 128 + its number. Two of the same within 100 ms are one. A signal that is ignored when the first
    /// manager starts stays ignored. When no manager is left, signals do what they did before the first.
    pub fn handle_signals(self, on: bool) -> Self {
        Self { handle_signals: on, ..self }
    }

    /// How many threads services share at most, dealt out in turn; a service that blocks delays only those
    /// it shares a thread with. Resources have as many of their own. From 1 to 1024; default: 16.
    pub fn service_threads(self, threads: usize) -> Self {
        Self { service_threads: threads, ..self }
    }

    /// How long one poll of an actor may last before that is told as a
    /// [stall](crate::events::LifecycleEvent::StallStarted): who is stuck, who is starved by it on the same thread, and who
    /// waits for it to start or stop. `None`: nobody watches. Default: 1 s; at least 10 ms.
    ///
    /// Threads are looked at four times within this limit while one of them is awake, and not at all while all sleep. On Linux; elsewhere
    /// nobody is watched.
    pub fn stuck_after(self, limit: impl Into<Option<Duration>>) -> Self {
        Self { stuck_after: limit.into(), ..self }
    }
}

/// # What is told, and to whom
impl ManagerOptions {
    /// Adds an observer, who is told of everything that happens.
    pub fn observe(mut self, observer: EventSender) -> Self {
        self.observers.push(observer);
        self
    }

    /// Where log events and spans go: the manager's, the gRPC server's, and those of services, resources and
    /// handlers of calls, along with the tasks that they spawn on their threads. Threads that they start
    /// themselves, those of `spawn_blocking` among them, see the global one. Default: what is current where the
    /// manager is started.
    pub fn dispatch(self, dispatch: Dispatch) -> Self {
        Self { dispatch: Some(dispatch), ..self }
    }

    /// How many of the latest lifecycle events are kept: they are in the status, and a forced end logs them, as one
    /// log event. Default: 64; at most 65,536.
    pub fn flight_recorder(self, events: usize) -> Self {
        Self { flight_recorder: events, ..self }
    }

    /// How many bytes of an error's text lifecycle events are logged with, in the field `error`: what is longer is cut, and says how
    /// much is missing. The report and the manager's error have the whole text. Default: 4,096.
    pub fn log_error_limit(self, bytes: usize) -> Self {
        Self { log_error_limit: bytes, ..self }
    }
}

/// What the manager itself asks.
impl ManagerOptions {
    /// Makes them those of a nested manager: signals, systemd, hand-overs, the ping service and the operations
    /// endpoint are its parent's.
    pub(crate) fn as_child(&mut self) {
        (self.handle_signals, self.notify_systemd) = (false, false);
        (self.operations, self.handover) = (None, None);
        self.grpc_server = std::mem::take(&mut self.grpc_server).ping_service(false);
    }

    /// Makes them those of a manager on one thread: a watchdog could not run while it is blocked, and signals
    /// come from another.
    pub(crate) fn as_one_thread(&mut self) {
        (self.handle_signals, self.notify_systemd) = (false, false);
        (self.stuck_after, self.handover) = (None, None);
    }

    /// Whether something is served at gRPC's addresses; `registers`: a service has calls to answer.
    pub(crate) fn serves(&self, mut registers: impl Iterator<Item = bool>) -> bool {
        self.grpc_server.parts.http_fallback.is_some() || registers.any(|registers| registers)
    }

    /// Whether all of it can work; [`limits`] have been checked before.
    pub(crate) fn check(&self) -> Result<CheckedOptions, ConfigError> {
        self.grpc_server.validate()?;
        if self.grpc_server.parts.error_generator.is_some() || self.grpc_server.parts.err_not_found {
            api_errors::check_defaults()?;
        }
        let budget = Budget::new(self.max_shutdown_duration, self.release_reserve, self.drain_delay)?;
        #[cfg(feature = "testing")]
        let budget = self.rehearsal.within.map_or(budget, |time| budget.within(time));
        Ok(CheckedOptions {
            budget,
            grpc_server: self.grpc_server.clone().served(),
            addresses: self.addresses()?,
            service_threads: self.service_threads,
            operations: self.operations.as_ref().map(Operations::check).transpose()?,
            handover: self.handover.as_ref().map(Handover::check).transpose()?,
        })
    }

    /// Where the server is to listen.
    fn addresses(&self) -> Result<Vec<ServerAddress>, ConfigError> {
        let parts = &self.grpc_server.parts;
        let default = [DEFAULT_GRPC_ADDRESS.to_owned()];
        let given = match &parts.addresses {
            Some(given) => given,
            None if parts.in_memory.is_empty() => &default[..],
            None => &[],
        };
        let refused = |text: &str, reason| ConfigError::Address { address: text.to_owned(), reason };
        let parse = |text: &String| ServerAddress::parse(text).map_err(|reason| refused(text, reason));
        let in_memory = parts.in_memory.iter().map(|memory| Ok(ServerAddress::in_memory(memory)));
        let mut all = Vec::<ServerAddress>::new();
        for address in given.iter().map(parse).chain(in_memory) {
            let address = address?;
            if let Some(other) = all.iter().find(|other| other.is_also(&address)) {
                let reason = format!("the server has it already, by {:?}", other.to_string());
                return Err(refused(&address.to_string(), reason));
            }
            all.push(address);
        }
        if all.is_empty() {
            return Err(ConfigError::Option {
                option: "grpc_server_addresses",
                value: "empty".to_owned(),
                mend: "give at least one address, or leave it out",
            });
        }
        Ok(all)
    }
}
