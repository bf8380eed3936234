//! Leases in a real PostgreSQL: `.ci/postgres .ci/pgbouncer cargo test -p majordomo-postgres -- --include-ignored`.

mod broken;
mod contract;
mod fence;
mod listening;
mod many;
mod refused;
mod tables;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use majordomo::LeaseRequest;
use majordomo_postgres::PostgresLeases;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio_postgres::{Client, NoTls};

/// Who needs the server to be there, and who has it crash.
static SERVER: RwLock<()> = RwLock::const_new(());

async fn server() -> RwLockReadGuard<'static, ()> {
    SERVER.read().await
}

async fn server_alone() -> RwLockWriteGuard<'static, ()> {
    SERVER.write().await
}

fn url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL: run it by .ci/postgres")
}

fn pooler() -> String {
    std::env::var("POOLER_URL").expect("POOLER_URL: run it by .ci/pgbouncer")
}

fn leases() -> PostgresLeases {
    PostgresLeases::from_url(&url()).unwrap()
}

/// A client of the tests' own.
async fn client() -> Client {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A schema that nobody else has.
async fn fresh_schema(client: &Client, name: &str) -> String {
    let name = format!("{name}_{}", std::process::id());
    client
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"))
        .await
        .unwrap();
    name
}

/// A request for a lease that no other test has.
fn request(lease: &str, holder: &str) -> LeaseRequest {
    LeaseRequest::new(format!("{lease}-{}", std::process::id()), holder, Duration::from_secs(60))
}
