//! Each recipe of `docs/recipes.md`, run in a manager: it does what the page says of it.

mod chat;
mod cores;
mod cors;
mod cron;
mod database;
mod greeter;
mod page;
mod partner;
mod peer;
mod queue;
mod router;

use majordomo::testing::ManagerSuite;
use tokio::time::Duration;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Where a service listens.
async fn url(suite: &ManagerSuite, id: &str) -> String {
    let status = suite.status().await;
    let service = status.services.iter().find(|service| &*service.id == id).unwrap();
    format!("http://{}", service.addresses[0])
}
