//! Leases in a real etcd: `.ci/etcd cargo test -p majordomo-etcd -- --include-ignored`.

mod broken;
mod contract;
mod fence;
mod lost;
mod refused;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use etcd_client::Client;
use majordomo::LeaseRequest;
use majordomo_etcd::EtcdLeases;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Who needs the server to be there, and who has it crash.
static SERVER: RwLock<()> = RwLock::const_new(());

async fn server() -> RwLockReadGuard<'static, ()> {
    SERVER.read().await
}

async fn server_alone() -> RwLockWriteGuard<'static, ()> {
    SERVER.write().await
}

fn endpoint() -> String {
    std::env::var("ETCD_ENDPOINTS").expect("ETCD_ENDPOINTS: run it by .ci/etcd")
}

fn leases() -> EtcdLeases {
    EtcdLeases::new([endpoint()]).unwrap()
}

/// A client of the tests' own.
async fn client() -> Client {
    Client::connect([endpoint()], None).await.unwrap()
}

/// A name that no other test has.
fn named(lease: &str) -> String {
    format!("{lease}-{}", std::process::id())
}

fn request(lease: &str, holder: &str) -> LeaseRequest {
    LeaseRequest::new(named(lease), holder, Duration::from_secs(60))
}
