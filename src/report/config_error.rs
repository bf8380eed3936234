//! What is refused before anything is started.

use std::time::Duration;

use super::handover::HandoverError;
use crate::api_errors::ReissueError;
use crate::lifecycle::{BudgetError, LeaseTermsError, RestartPolicyError};

/// What a manager was given cannot work. Found before anything is started.
///
/// It comes from `Manager::plan`, and within the [`ManagerError`](super::manager::ManagerError) of a manager that was started all the same (exit code 1). Each text names the
/// service or option, its value, and what to give in its place.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two services have the same id.
    #[error("two services have the id {0:?}: give each its own")]
    DuplicateId(String),
    /// A service has an empty id.
    #[error("service number {0} has an empty id: give it a name, it is what errors and reports call it by")]
    EmptyId(usize),
    /// An id is too long, or has control characters in it.
    #[error("the id {id} cannot be used, {reason}: choose one that can be shown and logged")]
    UnfitId {
        /// The id, escaped, or its beginning.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A service has an id that health answers to for something else.
    #[error("no service can have the id {0:?}, which is a name of the health service's own: give it another")]
    ReservedId(String),
    /// An address of the gRPC server cannot be understood, or is there twice.
    #[error(
        "grpc_server_address {address:?} cannot be used ({reason}): write HOST:PORT, such as \
         \"0.0.0.0:50051\", unix:PATH, or systemd:NAME, each once"
    )]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server cannot work as its service says.
    #[error("the server {service:?}: {error}")]
    HttpServer {
        /// The service that it is.
        service: String,
        /// What is wrong.
        error: Box<ConfigError>,
    },
    /// The address of a server that is a service cannot be understood.
    #[error(
        "its address {address:?} cannot be used ({reason}): write HOST:PORT, such as \"0.0.0.0:8080\", unix:PATH, or systemd:NAME"
    )]
    HttpAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two servers are to listen at the same address.
    #[error(
        "{first:?} and {second:?} are both to listen on {address}: give each server an address of its own"
    )]
    SameAddress {
        /// The service that is named first.
        first: String,
        /// The other.
        second: String,
        /// Where.
        address: String,
    },
    /// The default sentinels of rich errors cannot be issued as the environment asks.
    #[error(transparent)]
    Sentinels(#[from] ReissueError),
    /// The limits of the shutdown contradict each other.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The certificates or keys of the gRPC server cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] super::tls::TlsError),
    /// A service depends on one that is not there.
    #[error("{service:?} depends on {on:?}, which no service is called: hand that over, or mend the id")]
    UnknownDependency {
        /// The service that depends on it.
        service: String,
        /// What it depends on.
        on: String,
    },
    /// Services depend on each other in a circle.
    #[error(
        "services depend on each other in a circle: {0}: none of them could ever start; take one depends_on out"
    )]
    DependencyCycle(String),
    /// A service is to survive the restart of one that it does not depend on.
    #[error(
        "{service:?} survives_restart_of({on:?}), but does not depend on it: add depends_on({on:?}), or leave it out"
    )]
    SurvivesNonDependency {
        /// Whose it is.
        service: String,
        /// What it names.
        on: String,
    },
    /// A nested manager cannot work.
    #[error("the nested manager {service:?} cannot work: {error}")]
    Nested {
        /// The service that it is.
        service: String,
        /// What is wrong with it.
        error: Box<ConfigError>,
    },
    /// Managers are nested too deeply.
    #[error(
        "the nested manager {service:?} holds managers {depth} deep, and {most} are allowed: let fewer be one within the other"
    )]
    NestedTooDeep {
        /// The service that it is.
        service: String,
        /// How many it is, one within the other.
        depth: usize,
        /// How many it may be.
        most: usize,
    },
    /// A service cannot be started again, but depends on one that may be.
    #[error(
        "{service:?} depends on {on:?}, which may be restarted, but cannot be started again itself: give it a restart(..), or let it survives_restart_of({on:?})"
    )]
    CannotFollow {
        /// The service that depends on it.
        service: String,
        /// What it depends on.
        on: String,
    },
    /// A server cannot wait for a predecessor.
    #[error(
        "{0:?} is after_handover(), but accepts connections, which would wait with it: put what exists once into a service of its own"
    )]
    ServesAfterHandover(String),
    /// A service that does not wait for a predecessor depends on one that does.
    #[error("{service:?} depends on {on:?}, which is after_handover(): mark it as after_handover(), too")]
    BeforeHandover {
        /// The service that depends on it.
        service: String,
        /// The service that waits.
        on: String,
    },
    /// A nested manager hears of no hand-over.
    #[error(
        "{0:?} is after_handover() in a nested manager, which hears of no hand-over: mark the nested manager itself"
    )]
    NestedAfterHandover(String),
    /// What was said of hand-overs cannot work, or what a predecessor handed over could not be taken.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// What was said of a service's lease cannot work.
    #[error("{service:?} is only_with a lease that cannot work: {error}")]
    Lease {
        /// Whose it is.
        service: String,
        /// What is wrong with it.
        error: LeaseTermsError,
    },
    /// A server, or a service that answers calls, cannot stand by.
    #[error(
        "{0:?} is only_with a lease, but answers requests, which would find it standing by on all other replicas: put what runs once into a service of its own"
    )]
    ServesWithLease(String),
    /// A service depends on one that may never run here.
    #[error(
        "{service:?} depends on {on:?}, which is only_with a lease, and stands by on all replicas but one: have {on:?} do the work of both, or have both look for each other"
    )]
    NeedsLeased {
        /// The service that depends on it.
        service: String,
        /// The one with the lease.
        on: String,
    },
    /// Leases go by the time of their stores.
    #[error(
        "{0:?} is only_with a lease, whose store has a time of its own, and in paused time that stands still: leave only_with(..) out there, or test it in real time with Manager::start"
    )]
    PausedLease(String),
    /// What was said of a service's restarts cannot work.
    #[error("{0:?} cannot be restarted so: {1}")]
    Restart(String, #[source] RestartPolicyError),
    /// What was said of the retries of a service's set-up cannot work.
    #[error("{0:?} cannot have its set-up tried again so: {1}")]
    RetrySetup(String, #[source] RestartPolicyError),
    /// A service cannot be replaced when it is stuck.
    #[error("{service:?} cannot be replaced when it is stuck: {reason}")]
    Replacement {
        /// Whose it would have been.
        service: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A service's own stop may take longer than there is time.
    #[error(
        "{service:?} has a stop_timeout of {timeout:?}, but services have {time:?} to stop in: max_shutdown_duration without its release_reserve and drain_delay; shorten it, or allow more time"
    )]
    StopTimeout {
        /// Whose it is.
        service: String,
        /// How long its stop may take.
        timeout: Duration,
        /// How long all services have.
        time: Duration,
    },
    /// A service's own stop may take less than any stop takes.
    #[error(
        "{service:?} has a stop_timeout of {timeout:?}, in which nobody can stop: allow it at least {least:?}, or leave it out"
    )]
    StopTimeoutTooShort {
        /// Whose it is.
        service: String,
        /// How long its stop may take.
        timeout: Duration,
        /// The least that works.
        least: Duration,
    },
    /// An option has a value that cannot work.
    #[error("{option} is {value}: {mend}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What would work.
        mend: &'static str,
    },
    /// A manager without gRPC has a service that answers gRPC calls.
    #[error("{0:?} answers gRPC calls, and the manager is without_grpc: leave one of them out")]
    WithoutGrpc(String),
    /// A manager without gRPC has a fallback at gRPC's addresses.
    #[error(
        "http_fallback answers at gRPC's addresses, and the manager is without_grpc: leave one of them out (without gRPC services the fallback is all that is served there), or serve HTTP at an address of its own by http_service"
    )]
    WithoutGrpcAddress,
    /// The address of the operations endpoint cannot be understood.
    #[error(
        "the address {address:?} of the operations endpoint cannot be used ({reason}): write PORT, HOST:PORT, unix:PATH, or systemd:NAME"
    )]
    OperationsAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operations endpoint cannot listen at its address.
    #[error(
        "the operations endpoint cannot listen on {address} ({reason}): stop whoever listens there, or choose another address by Operations::new"
    )]
    OperationsUnbound {
        /// Where it was to listen.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The token of the operations endpoint cannot be used.
    #[error(
        "{origin} cannot be used ({reason}): give 16 visible characters or more, such as those of `openssl rand -hex 32`; a file of them must be there, and be readable"
    )]
    OperationsToken {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server of a manager in paused time is to listen at a socket.
    #[error(
        "{service:?} is to listen on {address}, and in paused time there are no sockets, since what comes by them has a time of its own: {mend}; or test it in real time with Manager::start"
    )]
    PausedSocket {
        /// The server.
        service: String,
        /// Where it was to listen.
        address: String,
        /// What would work.
        mend: &'static str,
    },
    /// A thread could not be made.
    #[error(
        "could not start a thread for {whom} ({error}): raise the limits of the process, or lower service_threads"
    )]
    Thread {
        /// What it was to be for.
        whom: String,
        /// What the operating system says.
        error: String,
    },
    /// Signals could not be listened to.
    #[error(
        "could not install signal handlers ({0}): mend that, or leave signals alone by ManagerOptions::handle_signals(false)"
    )]
    Signals(String),
}
