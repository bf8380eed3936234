//! Where services register what they serve.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Handler, Message};
use http::Request;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;

use super::health;
use super::reflection::DescriptorSet;
use super::server::SERVER_ID;
use crate::error::BoxError;
use crate::events::Name;
use crate::ping::PING_ID;
use crate::service::Service;

/// A service with methods that are called over gRPC. Answers to the seed's `GrpcService`.
///
/// [`RegisterOnServer`] comes before `Setup`; calls come only when every service of the manager runs.
/// While shutting down, calls in flight are finished before any resource is released.
pub trait GrpcService: Service + Handler<RegisterOnServer> {}

/// Register your tonic services. Answers to the seed's `RegisterOnServer`.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct RegisterOnServer {
    /// Takes the services.
    pub server: GrpcRegistrar,
}

/// Takes the services that a server is to serve.
#[derive(Clone)]
pub struct GrpcRegistrar {
    /// On whose behalf services are added.
    owner: Name,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    routes: Routes,
    /// The server's own services: no middleware of users is ever between them and their callers.
    built_in: Vec<BuiltIn>,
    /// Whose each gRPC service is.
    owners: BTreeMap<&'static str, Name>,
    descriptor_sets: Vec<DescriptorSet>,
    closed: bool,
}

/// Adds a service of the server's own to the routes.
type BuiltIn = Box<dyn FnOnce(Routes) -> Routes + Send>;

impl GrpcRegistrar {
    pub(crate) fn new() -> Self {
        Self { owner: "the manager".into(), state: Arc::default() }
    }

    /// The same registrar for the service of this id, so that an error can name it.
    pub(crate) fn on_behalf_of(&self, id: &Name) -> Self {
        Self { owner: id.clone(), state: Arc::clone(&self.state) }
    }

    /// Adds a service that tonic generated.
    ///
    /// # Panics
    /// When a service of the same gRPC name has been added already, or when the server serves already. In
    /// the handler of [`RegisterOnServer`] that is caught, fails the service, and is reported with it.
    pub fn add_service<S>(&self, service: S)
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        if let Err(refusal) = self.try_add(service) {
            panic!("{refusal}");
        }
    }

    fn try_add<S>(&self, service: S) -> Result<(), String>
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        let (name, owner) = (S::NAME, &self.owner);
        let mut state = self.lock();
        if state.closed {
            return Err(format!(
                "{owner:?} adds the gRPC service {name} too late: add services while handling RegisterOnServer"
            ));
        }
        if let Some(first) = state.owners.get(name) {
            let mend = mend(name, [first, owner]);
            return Err(format!(
                "{owner:?} adds the gRPC service {name}, which {first:?} has added already: {mend}"
            ));
        }
        // On a copy: a name that cannot be a path panics, and must not cost the others their routes.
        state.routes = state.routes.clone().add_service(service);
        state.owners.insert(name, owner.clone());
        Ok(())
    }

    /// Adds a service of the server's own, before anybody else adds any.
    pub(super) fn add_built_in<S>(&self, service: S)
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum_core::response::IntoResponse,
        S::Future: Send + 'static,
    {
        let mut state = self.lock();
        state.owners.insert(S::NAME, SERVER_ID.into());
        state.built_in.push(Box::new(|routes| routes.add_service(service)));
    }

    /// Adds what describes services: an encoded `google.protobuf.FileDescriptorSet`, as prost writes it.
    /// Reflection serves it.
    ///
    /// # Panics
    /// When it is none. In the handler of [`RegisterOnServer`] that is caught, fails the service, and is
    /// reported with it.
    pub fn add_file_descriptor_set(&self, bytes: impl Into<Vec<u8>>) {
        match DescriptorSet::decode(&bytes.into()) {
            Ok(set) => self.lock().descriptor_sets.push(set),
            Err(error) => {
                panic!("{:?} adds a file descriptor set that cannot be served: {error}", self.owner)
            }
        }
    }

    pub(super) fn descriptor_sets(&self) -> Vec<DescriptorSet> {
        self.lock().descriptor_sets.clone()
    }

    /// All routes; nothing can be added any more.
    pub(super) fn close(&self) -> Routes {
        let mut state = self.lock();
        state.closed = true;
        let built_in = std::mem::take(&mut state.built_in);
        // Last, so that layers around the routes of users are not around these.
        built_in.into_iter().fold(state.routes.clone(), |routes, add| add(routes)).prepare()
    }

    /// Whose each gRPC service is.
    pub(super) fn owners(&self) -> BTreeMap<&'static str, Name> {
        self.lock().owners.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
            .field("services", &state.owners.keys())
            .field("descriptor_sets", &state.descriptor_sets.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ping::{Ping, PingServer};
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
        let refusal = server.on_behalf_of(&"second".into()).try_add(PingServer::new(Mine)).unwrap_err();
        for name in ["pkping.Ping", "\"first\"", "\"second\""] {
            assert!(refusal.contains(name), "{refusal}");
        }
    }

    #[test]
    fn g01_who_adds_a_ping_beside_the_built_in_one_is_told_how_to_switch_that_off() {
        let server = GrpcRegistrar::new();
        server.on_behalf_of(&PING_ID.into()).add_service(PingServer::new(Mine));
        let refusal = server.on_behalf_of(&"mine".into()).try_add(PingServer::new(Mine)).unwrap_err();
        assert!(refusal.contains("grpc_ping_service(false)"), "{refusal}");
    }

    #[test]
    fn g01_who_adds_a_health_service_beside_the_built_in_one_is_told_how_to_switch_that_off() {
        let server = GrpcRegistrar::new();
        let service = || health::HealthServer::new(health::HealthService::new());
        server.add_built_in(service());
        let refusal = server.on_behalf_of(&"mine".into()).try_add(service()).unwrap_err();
        assert!(refusal.contains("GrpcServerOptions::health_service(false)"), "{refusal}");
    }

    #[test]
    fn g02_nothing_is_added_to_a_server_that_serves() {
        let server = GrpcRegistrar::new();
        server.close();
        let refusal = server.try_add(PingServer::new(Mine)).unwrap_err();
        assert!(refusal.contains("too late"), "{refusal}");
    }
}
