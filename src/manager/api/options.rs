//! The options of a manager. All are checked in one place, before anything is started.

pub(crate) mod limits;

use std::time::Duration;

use tracing::Dispatch;

use crate::api_errors::{self, ErrorGenerator, NotFoundLayer};
use crate::events::{EventSender, Name};
use crate::grpc::middleware::{GrpcLayer, Middleware, Scope};
use crate::grpc::{DEFAULT_GRPC_ADDRESS, GrpcLogging, GrpcServerOptions, InMemory, ServerAddress};
use crate::lifecycle::Budget;
use crate::report::ConfigError;

/// How many threads services share at most, unless told otherwise.
const SERVICE_THREADS: usize = 16;

/// How many events are kept, unless told otherwise.
const FLIGHT_RECORDER: usize = 64;

/// How many bytes of an error are logged, unless told otherwise.
const LOG_ERROR_LIMIT: usize = 4_096;

/// How long a poll may last, unless told otherwise.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// How a manager works.
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
#[derive(Debug, Clone)]
pub struct ManagerOptions {
    /// `None`: as by default.
    pub(crate) grpc_server_addresses: Option<Vec<String>>,
    pub(crate) grpc_in_memory: Vec<InMemory>,
    pub(crate) grpc_server: GrpcServerOptions,
    grpc_ping_service: bool,
    grpc_logging: Option<GrpcLogging>,
    pub(crate) grpc_depends_on: Vec<Name>,
    pub(crate) grpc_middleware: Vec<Middleware>,
    pub(crate) error_generator: Option<ErrorGenerator>,
    err_not_found_middleware: bool,
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
    #[cfg(feature = "testing")]
    pub(crate) rehearsal: crate::manager::test_support::fault::Rehearsal,
}

/// Options that can work.
pub(crate) struct CheckedOptions {
    pub(crate) budget: Budget,
    pub(crate) addresses: Vec<ServerAddress>,
    pub(crate) grpc_server: GrpcServerOptions,
    pub(crate) service_threads: usize,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            grpc_server_addresses: None,
            grpc_in_memory: Vec::new(),
            grpc_server: GrpcServerOptions::default(),
            grpc_ping_service: true,
            grpc_logging: Some(GrpcLogging::default()),
            grpc_depends_on: Vec::new(),
            grpc_middleware: Vec::new(),
            error_generator: None,
            err_not_found_middleware: false,
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

    /// Where the gRPC server listens, in place of all addresses that were given before. Default, where it is not
    /// reached [in memory](Self::grpc_in_memory) alone: [`DEFAULT_GRPC_ADDRESS`].
    ///
    /// | | |
    /// |---|---|
    /// | `HOST:PORT` | TCP; `:PORT` is all interfaces; port 0 lets the system choose, and the status tells |
    /// | `unix:PATH`, `unix:///PATH` | a Unix socket, whose file is removed in the end; one that somebody left behind is replaced |
    /// | `unix-abstract:NAME` | a Unix socket without a file (Linux) |
    /// | `systemd:` | all sockets that the process was started with (`LISTEN_FDS`) |
    /// | `systemd:NAME` | those of that name (`FileDescriptorName=` of the socket unit) |
    ///
    /// Sockets that systemd passes listen already: clients that come before the run wait, all others are
    /// refused until then. Nothing else in the process may take them.
    pub fn grpc_server_address(self, address: impl Into<String>) -> Self {
        self.grpc_server_addresses([address])
    }

    /// The same for several addresses. The server has all of them or does not start.
    pub fn grpc_server_addresses(self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let addresses = addresses.into_iter().map(Into::into).collect();
        Self { grpc_server_addresses: Some(addresses), ..self }
    }

    /// Lets the gRPC server be reached in memory, too; without any address, only so. May be called several
    /// times. For tests that need no socket.
    pub fn grpc_in_memory(mut self, memory: &InMemory) -> Self {
        self.grpc_in_memory.push(memory.clone());
        self
    }

    /// How the gRPC server works. Default: [`GrpcServerOptions::default`].
    pub fn grpc_server(self, options: GrpcServerOptions) -> Self {
        Self { grpc_server: options, ..self }
    }

    /// Services that gRPC calls need: they are asked to stop only once the gRPC server is drained, or its share of the time
    /// is spent. May be called several times.
    pub fn grpc_depends_on(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grpc_depends_on.extend(ids.into_iter().map(|id| Name::from(id.into())));
        self
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

    /// How long one poll of an actor may last before that is told as a
    /// [stall](crate::events::LifecycleEvent::StallStarted): who is stuck, who is starved by it on the same thread, and who
    /// waits for it to start or stop. `None`: nobody watches. Default: 1 s; at least 10 ms.
    ///
    /// A thread is looked at four times within this limit while it is awake, and not at all while it sleeps. On Linux; elsewhere
    /// nobody is watched.
    pub fn stuck_after(self, limit: impl Into<Option<Duration>>) -> Self {
        Self { stuck_after: limit.into(), ..self }
    }

    /// Whether the gRPC server answers [`ping`](crate::grpc::builtin::ping), also where there is no other gRPC service, and
    /// reflection, unless [`GrpcServerOptions::reflection_service`] says otherwise. Default: yes.
    pub fn grpc_ping_service(self, on: bool) -> Self {
        Self { grpc_ping_service: on, ..self }
    }

    /// Adds a layer around all gRPC methods. May be called several times: see [`middleware`](crate::grpc::middleware)
    /// for the order.
    pub fn grpc_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc_middleware(Scope::All, layer)
    }

    /// Adds a layer around unary gRPC methods.
    ///
    /// Every gRPC service must then register its file descriptor set, or its set-up fails.
    pub fn grpc_unary_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc_middleware(Scope::Unary, layer)
    }

    /// Adds a layer around streaming gRPC methods, whichever side streams.
    ///
    /// Every gRPC service must then register its file descriptor set, or its set-up fails.
    pub fn grpc_stream_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc_middleware(Scope::Streaming, layer)
    }

    fn grpc_middleware(mut self, scope: Scope, layer: impl GrpcLayer) -> Self {
        self.grpc_middleware.push(Middleware::new(scope, layer));
        self
    }

    /// Answers every error and panic of gRPC handlers as a rich error: see [`ErrorGenerator::server_layer`]. Default: none;
    /// errors are answered as they are.
    ///
    /// The layer is within those of users: what these answer themselves stays as it is.
    pub fn error_generator(self, generator: ErrorGenerator) -> Self {
        Self { error_generator: Some(generator), ..self }
    }

    /// Answers [`ERR_NOT_FOUND`](crate::api_errors::ERR_NOT_FOUND) where a unary handler
    /// [answers nothing](crate::api_errors::OrNothing). Default: no; the answer is an empty message.
    pub fn err_not_found_middleware(self) -> Self {
        Self { err_not_found_middleware: true, ..self }
    }

    /// Those of a manager that is a service of another: signals and the ping service are its parent's.
    pub(crate) fn as_child(&mut self) {
        (self.handle_signals, self.grpc_ping_service) = (false, false);
    }

    /// Those of a manager whose services live on its own thread: nobody could look at that while it is blocked, and signals
    /// come from another.
    pub(crate) fn as_one_thread(&mut self) {
        (self.handle_signals, self.stuck_after) = (false, None);
    }

    /// What the gRPC server logs of each call. Default: [`GrpcLogging::default`].
    pub fn grpc_logging(self, logging: GrpcLogging) -> Self {
        Self { grpc_logging: Some(logging), ..self }
    }

    /// The gRPC server logs nothing of calls but panics of their handlers.
    pub fn without_grpc_logging(self) -> Self {
        Self { grpc_logging: None, ..self }
    }

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

    /// Whether SIGINT and SIGTERM shut down, and SIGQUIT and SIGUSR1 print the status. With `false` no
    /// handler is installed at all. Default: yes.
    ///
    /// The ladder of SIGINT and SIGTERM: the first shuts down gracefully, the second forces the end, the
    /// third exits at once with 128 + its number. Two of the same within 100 ms are one. A signal that is ignored when the first
    /// manager starts stays ignored. When no manager is left, signals do what they did before the first.
    pub fn handle_signals(self, on: bool) -> Self {
        Self { handle_signals: on, ..self }
    }

    /// Where log events and spans go: the manager's, the gRPC server's, and those of services, resources and
    /// handlers of calls, along with the tasks that they spawn on their threads. Threads that they start
    /// themselves, those of `spawn_blocking` among them, see the global one. Default: what is current where the
    /// manager is started.
    pub fn dispatch(self, dispatch: Dispatch) -> Self {
        Self { dispatch: Some(dispatch), ..self }
    }

    /// How many threads services share at most, dealt out in turn; a service that blocks delays only those
    /// it shares a thread with. Resources have as many of their own. From 1 to 1024; default: 16.
    pub fn service_threads(self, threads: usize) -> Self {
        Self { service_threads: threads, ..self }
    }

    /// Tells an observer of everything that happens. May be called several times.
    pub fn observe(mut self, observer: EventSender) -> Self {
        self.observers.push(observer);
        self
    }

    /// The crate's own layers, around each handler, the innermost first.
    pub(crate) fn handler_layers(&self) -> Vec<Middleware> {
        let errors = self.error_generator.as_ref().map(Middleware::errors);
        let not_found = self.err_not_found_middleware.then(|| Middleware::new(Scope::All, NotFoundLayer));
        not_found.into_iter().chain(errors).collect()
    }

    pub(crate) fn pings(&self) -> bool {
        self.grpc_ping_service
    }

    /// Whether all of it can work; [`limits`] have been checked before.
    pub(crate) fn check(&self) -> Result<CheckedOptions, ConfigError> {
        self.grpc_server.validate()?;
        if self.error_generator.is_some() || self.err_not_found_middleware {
            api_errors::check_defaults()?;
        }
        let budget = Budget::new(self.max_shutdown_duration, self.release_reserve, self.drain_delay)?;
        #[cfg(feature = "testing")]
        let budget = self.rehearsal.within.map_or(budget, |time| budget.within(time));
        Ok(CheckedOptions {
            budget,
            grpc_server: self.grpc_server.clone().logged(self.grpc_logging.clone()).watched(self.stuck_after),
            addresses: self.addresses()?,
            service_threads: self.service_threads,
        })
    }

    /// Where the server is to listen.
    fn addresses(&self) -> Result<Vec<ServerAddress>, ConfigError> {
        let default = [DEFAULT_GRPC_ADDRESS.to_owned()];
        let given = match &self.grpc_server_addresses {
            Some(given) => given,
            None if self.grpc_in_memory.is_empty() => &default[..],
            None => &[],
        };
        let refused = |text: &str, reason| ConfigError::Address { address: text.to_owned(), reason };
        let parse = |text: &String| ServerAddress::parse(text).map_err(|reason| refused(text, reason));
        let in_memory = self.grpc_in_memory.iter().map(|memory| Ok(ServerAddress::in_memory(memory)));
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
