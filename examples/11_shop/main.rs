//! A shop: customers order over HTTP (axum), other services over gRPC (tonic), a back office looks on (actix-web), and a worker
//! ships what was ordered. All of it is in PostgreSQL, which may come late.
//!
//! ```text
//!   web (axum), backoffice (actix-web), rpc (tonic), shipping (a loop)  --depend on-->  orders (a pool)
//! ```

mod orders;
#[cfg(test)]
mod tests;

use std::time::Duration;

use actix_web::{App, HttpResponse, web};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use majordomo::{
    BoxError, Exit, Manager, ManagerOptions, RestartPolicy, Run, Setup, grpc_service_fn, http_service_fn,
    provider_fn, service_with_setup,
};
use majordomo_actix_web::{ActixWebOptions, actix_web_service_fn};
use orders::{Order, Orders};
use tonic::{Request, Response, Status};

mod rpc {
    tonic::include_proto!("shop.v1");
    pub const DESCRIBED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/shop.bin"));
}

/// What differs from one place to the next.
#[derive(Clone)]
pub struct Settings {
    database: String,
    http: String,
    backoffice: String,
    grpc: String,
}

impl Settings {
    fn of_environment() -> Self {
        let get = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        Self {
            database: get("DATABASE_URL", "postgres://localhost/shop"),
            http: get("HTTP_ADDRESS", "127.0.0.1:8080"),
            backoffice: get("BACKOFFICE_ADDRESS", "127.0.0.1:8081"),
            grpc: get("GRPC_ADDRESS", "127.0.0.1:50051"),
        }
    }
}

fn failed(error: sqlx::Error) -> StatusCode {
    tracing::error!(%error, "the database failed");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn place(State(orders): State<Orders>, item: String) -> Result<(StatusCode, Json<Order>), StatusCode> {
    let order = orders.place(&item).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn find(State(orders): State<Orders>, Path(id): Path<i64>) -> Result<Json<Order>, StatusCode> {
    orders.find(id).await.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn waiting(orders: web::Data<Orders>) -> HttpResponse {
    match orders.waiting().await {
        Ok(count) => HttpResponse::Ok().body(format!("{count} orders wait\n")),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

struct Shop(Orders);

impl From<Order> for rpc::Order {
    fn from(Order { id, item, shipped }: Order) -> Self {
        Self { id, item, shipped }
    }
}

#[tonic::async_trait]
impl rpc::shop_server::Shop for Shop {
    async fn place(&self, request: Request<rpc::PlaceRequest>) -> Result<Response<rpc::Order>, Status> {
        let placed = self.0.place(&request.get_ref().item).await;
        placed.map(|order| Response::new(order.into())).map_err(|error| Status::internal(error.to_string()))
    }

    async fn find(&self, request: Request<rpc::FindRequest>) -> Result<Response<rpc::Order>, Status> {
        let id = request.get_ref().id;
        match self.0.find(id).await {
            Ok(Some(order)) => Ok(Response::new(order.into())),
            Ok(None) => Err(Status::not_found(format!("there is no order {id}"))),
            Err(error) => Err(Status::internal(error.to_string())),
        }
    }
}

/// Ships until it is asked to stop: what it has begun it finishes.
async fn ship(run: Run, orders: Orders) -> Result<(), BoxError> {
    while !run.shutdown.is_requested() {
        match orders.ship_next().await? {
            Some(order) => tracing::info!(id = order.id, item = order.item, "shipped"),
            None => tokio::select! {
                () = run.shutdown.requested() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            },
        }
    }
    Ok(())
}

/// The whole program, not yet started.
pub fn shop(settings: Settings) -> Manager {
    let patient = RestartPolicy::on_failure().backoff(Duration::from_millis(200), Duration::from_secs(2));
    let patient = patient.max_restarts(60).within(Duration::from_secs(120));
    let again = RestartPolicy::on_failure().max_restarts(5).within(Duration::from_secs(60));
    let database = settings.database;
    let store = provider_fn("orders", move |setup| orders::connect(setup, database.clone()));
    let web = http_service_fn("web", settings.http, |setup: Setup| async move {
        let orders: Orders = setup.require()?;
        Ok(Router::new().route("/orders", post(place)).route("/orders/{id}", get(find)).with_state(orders))
    });
    let options = ActixWebOptions::new().workers(1);
    let backoffice =
        actix_web_service_fn("backoffice", settings.backoffice, options, |setup: Setup| async move {
            let orders = web::Data::new(setup.require::<Orders>()?);
            Ok(move || App::new().app_data(orders.clone()).route("/", web::get().to(waiting)))
        });
    let rpc = grpc_service_fn("rpc", |setup: Setup| async move {
        Ok(rpc::shop_server::ShopServer::new(Shop(setup.require()?)))
    });
    let shipping = service_with_setup("shipping", |setup: Setup| async move { Ok(setup.require()?) }, ship);
    Manager::new(ManagerOptions::new().grpc_server_address(settings.grpc))
        .service(store.retry_setup(patient).restart(again.clone()))
        .service(web.depends_on("orders").restart(again.clone()))
        .service(backoffice.depends_on("orders").restart(again.clone()))
        .service(shipping.depends_on("orders").restart(again.clone()))
        .grpc_service(rpc.file_descriptor_set(rpc::DESCRIBED).depends_on("orders").restart(again))
}

#[actix::main]
async fn main() -> Exit {
    let filter = tracing_subscriber::EnvFilter::from_default_env().add_directive(tracing::Level::INFO.into());
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    shop(Settings::of_environment()).run().await.into()
}
