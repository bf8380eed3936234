//! Notes: HTTP by axum and gRPC by tonic on one manager, over one pool of SQLite, which a service of its own provides.
//! Try `curl -d 'buy milk' localhost:8080/notes`.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use majordomo::{BoxError, Exit, Manager, ManagerOptions, Setup};
use majordomo::{grpc_service_fn, http_service_fn, provider_fn, resource_fn};
use sqlx::{SqlitePool, query, query_scalar};
use tonic::{Request, Response, Status};

tonic::include_proto!("notes.v1");
use notes_server::{Notes, NotesServer};

/// Opens the pool, and closes it when nobody needs it any more.
async fn open(setup: Setup) -> Result<(), BoxError> {
    let url = std::env::var("NOTES_DATABASE").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let pool = SqlitePool::connect(&url).await?;
    let closing = pool.clone();
    let close = move || async move {
        closing.close().await;
        Ok(())
    };
    setup.resources.start("pool", resource_fn(close))?;
    query("CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)").execute(&pool).await?;
    setup.provide(pool);
    Ok(())
}

type Answer<T> = Result<T, (StatusCode, String)>;

fn failed(error: sqlx::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn list(State(pool): State<SqlitePool>) -> Answer<Json<Vec<String>>> {
    query_scalar("SELECT text FROM notes").fetch_all(&pool).await.map(Json).map_err(failed)
}

async fn add(State(pool): State<SqlitePool>, text: String) -> Answer<StatusCode> {
    query("INSERT INTO notes VALUES (?)").bind(text).execute(&pool).await.map_err(failed)?;
    Ok(StatusCode::CREATED)
}

struct Counting(SqlitePool);

#[tonic::async_trait]
impl Notes for Counting {
    async fn count(&self, _: Request<CountRequest>) -> Result<Response<CountResponse>, Status> {
        let count = query_scalar("SELECT count(*) FROM notes").fetch_one(&self.0).await;
        let notes = count.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(CountResponse { notes }))
    }
}

fn notes(http: &str, grpc: &str) -> Manager {
    let web = http_service_fn("web", http, |setup: Setup| async move {
        Ok(Router::new().route("/notes", get(list).post(add)).with_state(setup.require::<SqlitePool>()?))
    });
    let counting = |setup: Setup| async move { Ok(NotesServer::new(Counting(setup.require()?))) };
    Manager::new(ManagerOptions::new().grpc_server_address(grpc))
        .service(provider_fn("database", open))
        .service(web.depends_on("database"))
        .grpc_service(grpc_service_fn("notes", counting).depends_on("database"))
}

#[actix::main]
async fn main() -> Exit {
    notes("127.0.0.1:8080", "127.0.0.1:50051").run().await.into()
}

#[cfg(test)]
mod tests;
