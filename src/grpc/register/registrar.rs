//! Where services register what they serve.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Handler, Message};
use http::Request;
use tonic::body::Body;
use tonic::server::NamedService;

use crate::base::BoxError;
use crate::events::Name;
use crate::grpc::builtin::health;
use crate::grpc::builtin::ids::PING_ID;
use crate::grpc::builtin::ids::SERVER_ID;
use crate::grpc::builtin::reflection::DescriptorSet;
use crate::grpc::error::ServerError;
use crate::grpc::register::availability::AvailabilityTable;
use crate::grpc::register::handler::GrpcHandler;
use crate::grpc::register::methods::{Descriptions, Method};
use crate::grpc::register::middleware::{Middleware, Scope};
use crate::grpc::register::router::{Route, Router, Table};
use crate::service::{Service, ShutdownSignal};

/// A service with methods that are called over gRPC.
///
/// [`RegisterOnServer`] comes before `Setup`; calls come only when every service of the manager runs.
/// While shutting down, calls in flight are finished before any resource is released.
pub trait GrpcService: Service + Handler<RegisterOnServer> {}

/// Register your tonic services.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct RegisterOnServer {
    /// Takes the services.
    pub server: GrpcRegistrar,
    /// Tells of the shutdown, so that streams may end by themselves.
    pub shutdown: ShutdownSignal,
    /// A span with the fields `service` and `stage`, for the service's own log events.
    pub span: tracing::Span,
}

/// Takes the services that a server is to serve.
#[derive(Clone)]
pub struct GrpcRegistrar {
    /// On whose behalf services are added.
    owner: Name,
    state: Arc<Mutex<State>>,
    availability: AvailabilityTable,
}

#[derive(Default)]
struct State {
    services: BTreeMap<&'static str, Registered>,
    descriptor_sets: Vec<(Name, DescriptorSet)>,
    /// What could not be added, by whose it was, until that one's registration has failed for it.
    refused: BTreeMap<Name, ServerError>,
    /// The layers of our own, the innermost first. They need not know which method they are around: so no call is looked
    /// up twice for them.
    own: Vec<Middleware>,
    /// The layers of users, the innermost first.
    middleware: Vec<Middleware>,
    closed: bool,
}

/// A gRPC service, and whose it is.
struct Registered {
    owner: Name,
    handler: GrpcHandler,
    /// Whether no layer of users may be between it and its callers.
    built_in: bool,
}

impl GrpcRegistrar {
    pub(crate) fn new() -> Self {
        Self {
            owner: "the manager".into(),
            state: Arc::default(),
            availability: AvailabilityTable::default(),
        }
    }

    /// With layers of our own around each handler, and layers of users around all of that; of each the first innermost.
    pub(crate) fn with_layers(self, own: Vec<Middleware>, middleware: Vec<Middleware>) -> Self {
        let mut state = self.lock();
        (state.own, state.middleware) = (own, middleware);
        drop(state);
        self
    }

    /// The same registrar for the service of this id, so that an error can name it.
    pub(crate) fn on_behalf_of(&self, id: &Name) -> Self {
        Self { owner: id.clone(), state: Arc::clone(&self.state), availability: self.availability.clone() }
    }

    /// Adds a service that tonic generated. What cannot be added fails the registration of the service that adds it, even if its
    /// handler of [`RegisterOnServer`] answers `Ok`; [`try_add_service`](Self::try_add_service) tells it at once.
    ///
    /// # Panics
    /// When the server serves already: nobody would hear of it in another way.
    pub fn add_service<S>(&self, service: S)
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        match self.try_add_service(service) {
            Ok(()) => {}
            Err(late @ ServerError::TooLate { .. }) => panic!("{late}"),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Adds a service that tonic generated.
    ///
    /// # Errors
    /// [`ServerError::AddedTwice`] when a service of the same gRPC name has been added already, [`ServerError::TooLate`] when
    /// the server serves already, [`ServerError::Unnameable`] when the name cannot be part of a path.
    pub fn try_add_service<S>(&self, service: S) -> Result<(), ServerError>
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        let mut state = self.lock();
        let (name, service_name, owner) = (S::NAME, S::NAME.to_owned(), self.owner.to_string());
        if state.closed {
            return Err(ServerError::TooLate { owner, service: service_name });
        }
        if !is_path_segment(name) {
            return Err(ServerError::Unnameable { owner, service: service_name });
        }
        if let Some(Registered { owner: first, .. }) = state.services.get(name) {
            let (mend, first) = (mend(name, [first, &self.owner]), first.to_string());
            return Err(ServerError::AddedTwice { owner, service: service_name, first, mend });
        }
        let handler = GrpcHandler::of_service(service);
        state.services.insert(name, Registered { owner: self.owner.clone(), handler, built_in: false });
        Ok(())
    }

    /// Fails the registration of whoever it was done for. The first refusal counts.
    fn refuse(&self, refusal: ServerError) {
        self.lock().refused.entry(self.owner.clone()).or_insert(refusal);
    }

    /// Adds a service of the server's own, before anybody else adds any.
    pub(crate) fn add_built_in<S>(&self, service: S)
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        let handler = GrpcHandler::of_service(service);
        let registered = Registered { owner: SERVER_ID.into(), handler, built_in: true };
        self.lock().services.insert(S::NAME, registered);
    }

    /// Adds what describes services: an encoded `google.protobuf.FileDescriptorSet`, as prost writes it.
    /// Reflection serves it. What is none fails the registration, as with [`add_service`](Self::add_service).
    pub fn add_file_descriptor_set(&self, bytes: impl Into<Vec<u8>>) {
        match DescriptorSet::decode(&bytes.into()) {
            Ok(set) => self.lock().descriptor_sets.push((self.owner.clone(), set)),
            Err(error) => {
                let (owner, reason) = (self.owner.to_string(), error.to_string());
                self.refuse(ServerError::DescriptorSet { owner, reason });
            }
        }
    }

    /// Whether everything can be served that was added on this behalf.
    ///
    /// # Errors
    /// What was refused when it was added, and [`ServerError::Undescribed`] when a layer is for unary or streaming methods alone and nothing tells of which
    /// kind the methods are.
    pub(crate) fn check(&self) -> Result<(), ServerError> {
        let mut state = self.lock();
        if let Some(refusal) = state.refused.remove(&self.owner) {
            return Err(refusal);
        }
        if !state.asks_for_kinds() {
            return Ok(());
        }
        // Its own sets alone, so that it doesn't matter who is faster.
        let own = state.descriptor_sets.iter().filter(|(owner, _)| *owner == self.owner);
        let descriptions = Descriptions::new(own.map(|(_, set)| set));
        let mut services = state.services.iter().filter(|(_, registered)| registered.owner == self.owner);
        match services.find(|(name, _)| !descriptions.has(name)) {
            Some((name, _)) => Err(ServerError::Undescribed((*name).to_owned())),
            None => Ok(()),
        }
    }

    pub(crate) fn descriptor_sets(&self) -> Vec<DescriptorSet> {
        self.lock().descriptor_sets.iter().map(|(_, set)| set.clone()).collect()
    }

    /// Where all calls go; nothing can be added any more.
    pub(crate) fn close(&self) -> Router {
        let mut state = self.lock();
        state.closed = true;
        let descriptions = Descriptions::new(state.descriptor_sets.iter().map(|(_, set)| set));
        let mut table = Table::default();
        for (&name, Registered { owner, handler, built_in }) in &state.services {
            let availability = (!*built_in).then(|| self.availability.of(owner));
            let method = |described| {
                let availability = availability.clone();
                Method { described, built_in: *built_in, served: true, availability, ..Method::default() }
            };
            let own = state.own.iter().filter(|_| !*built_in);
            let mut handler = own.fold(handler.clone(), |inner, own| own.layer.around(inner));
            if !*built_in && state.panics_would_pass_layers() {
                handler = handler.catching();
            }
            let route = |described| Route::new(method(described), handler.clone());
            for described in descriptions.of(name).unwrap_or_default() {
                table.add_method(&described.path, route(Some(described.clone())));
            }
            // A method that no layer for its kind could be put around would be open to everybody.
            if *built_in || !state.asks_for_kinds() {
                table.add_service(name, route(None));
            }
        }
        Router::new(table, &state.middleware)
    }

    /// Whose calls are refused for now.
    pub(crate) fn availability(&self) -> &AvailabilityTable {
        &self.availability
    }

    /// Whose each gRPC service is.
    pub(crate) fn owners(&self) -> BTreeMap<&'static str, Name> {
        self.lock().services.iter().map(|(&name, registered)| (name, registered.owner.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether panics of handlers would unwind through layers of users.
    fn panics_would_pass_layers(&self) -> bool {
        !self.middleware.is_empty() && !self.own.iter().any(|own| own.catches)
    }

    /// Whether methods must be told apart by their kind.
    fn asks_for_kinds(&self) -> bool {
        self.middleware.iter().any(|middleware| middleware.scope != Scope::All)
    }
}

fn is_path_segment(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// What to do when two add a service of the same name.
fn mend(name: &str, owners: [&Name; 2]) -> &'static str {
    let is_of = |id: &str| owners.iter().any(|owner| ***owner == *id);
    if is_of(PING_ID) {
        "switch the built-in one off by ManagerOptions::grpc_ping_service(false)"
    } else if !is_of(SERVER_ID) {
        "a server can serve it only once"
    } else if name == health::NAME {
        "switch the built-in one off by GrpcServerOptions::health_service(false)"
    } else {
        "switch the built-in one off by GrpcServerOptions::reflection_service(false)"
    }
}

impl fmt::Debug for GrpcRegistrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("GrpcRegistrar")
            .field("services", &state.services.keys())
            .field("descriptor_sets", &state.descriptor_sets.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::ping::{Ping, PingServer};
    use tonic::{Response, Status};

    struct Mine;

    #[tonic::async_trait]
    impl Ping for Mine {
        async fn ping(&self, _: tonic::Request<()>) -> Result<Response<()>, Status> {
            Ok(Response::new(()))
        }
    }

    #[test]
    fn g01_a_grpc_service_that_is_added_twice_is_refused_by_name() {
        let server = GrpcRegistrar::new();
        server.on_behalf_of(&"first".into()).add_service(PingServer::new(Mine));
        let second = server.on_behalf_of(&"second".into());
        let refusal = second.try_add_service(PingServer::new(Mine)).unwrap_err();
        assert!(matches!(refusal, ServerError::AddedTwice { .. }));
        // As a statement, whose refusal fails the registration, once and nobody else's.
        second.add_service(PingServer::new(Mine));
        server.on_behalf_of(&"first".into()).check().unwrap();
        let failed = second.check().unwrap_err();
        second.check().unwrap();
        for text in [refusal.to_string(), failed.to_string()] {
            for name in ["pkping.Ping", "\"first\"", "\"second\""] {
                assert!(text.contains(name), "{text}");
            }
        }
    }

    #[test]
    fn g01_who_adds_a_ping_beside_the_built_in_one_is_told_how_to_switch_that_off() {
        let server = GrpcRegistrar::new();
        server.on_behalf_of(&PING_ID.into()).add_service(PingServer::new(Mine));
        let refusal = server
            .on_behalf_of(&"mine".into())
            .try_add_service(PingServer::new(Mine))
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("grpc_ping_service(false)"), "{refusal}");
    }

    #[test]
    fn g01_who_adds_a_health_service_beside_the_built_in_one_is_told_how_to_switch_that_off() {
        let server = GrpcRegistrar::new();
        let service = || health::HealthServer::new(health::HealthService::new());
        server.add_built_in(service());
        let refusal = server.on_behalf_of(&"mine".into()).try_add_service(service()).unwrap_err().to_string();
        assert!(refusal.contains("GrpcServerOptions::health_service(false)"), "{refusal}");
    }

    #[test]
    fn g02_nothing_is_added_to_a_server_that_serves() {
        let server = GrpcRegistrar::new();
        server.close();
        let refusal = server.try_add_service(PingServer::new(Mine)).unwrap_err().to_string();
        assert!(refusal.contains("too late"), "{refusal}");
    }
}
