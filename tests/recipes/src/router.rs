//! axum beside gRPC, over what a service provides.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Path, State};
use axum::http::{Extensions, StatusCode};
use axum::routing::get;
use majordomo::http::name_routes;
use majordomo::ping::{Ping, PingServer};
use majordomo::{Manager, ManagerOptions, Setup, grpc_service_fn, http_service_fn, provider_fn, resource_fn};
use tokio::sync::RwLock;
use tonic::{Request, Response, Status};

/// Stands for what handlers share: a pool, a cache, a client.
#[derive(Clone, Default)]
pub struct Users(pub Arc<RwLock<HashMap<u64, String>>>);

async fn user(State(users): State<Users>, Path(id): Path<u64>) -> Result<String, StatusCode> {
    users.0.read().await.get(&id).cloned().ok_or(StatusCode::NOT_FOUND)
}

struct Rpc(Users);

#[tonic::async_trait]
impl Ping for Rpc {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        let Self(Users(users)) = self;
        if users.read().await.is_empty() {
            return Err(Status::unavailable("there are no users"));
        }
        Ok(Response::new(()))
    }
}

pub fn manager(http: &str, grpc: &str, users: Users) -> Manager {
    let provide = move |setup: Setup| {
        let (users, closing) = (users.clone(), users.clone());
        async move {
            let close = move || async move {
                closing.0.write().await.clear();
                Ok(())
            };
            setup.resources.start("users", resource_fn(close))?;
            setup.provide(users);
            Ok(())
        }
    };
    let web = http_service_fn("web", http, |setup: Setup| async move {
        let by_route =
            name_routes(|request: &Extensions| request.get::<MatchedPath>().map(MatchedPath::as_str));
        let router = Router::new().route("/users/{id}", get(user)).route_layer(by_route);
        Ok(router.with_state(setup.require::<Users>()?))
    });
    let rpc =
        grpc_service_fn("rpc", |setup: Setup| async move { Ok(PingServer::new(Rpc(setup.require()?))) });
    Manager::new(ManagerOptions::new().grpc_server_address(grpc).grpc_ping_service(false))
        .service(provider_fn("users", provide))
        .service(web.depends_on("users"))
        .grpc_service(rpc.depends_on("users"))
}
