//! What stands for a program's own code: a database that comes late, and handlers that take their time.

use std::time::{Duration, Instant};

use axum::extract::Path;
use majordomo::{BoxError, Setup, resource_fn};

/// Stands for a pool of connections.
#[derive(Clone)]
pub(crate) struct Pool;

/// Fails until the database is up.
pub(crate) async fn connect(setup: Setup, up_at: Instant) -> Result<(), BoxError> {
    if Instant::now() < up_at {
        return Err("connection refused".into());
    }
    setup.resources.start("pool", resource_fn(|| async { Ok(()) }))?;
    setup.provide(Pool);
    Ok(())
}

pub(crate) async fn slow(Path(seconds): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    "done\n"
}

/// As code does that waits for a disk or counts for too long.
pub(crate) async fn block(Path(seconds): Path<u64>) -> &'static str {
    std::thread::sleep(Duration::from_secs(seconds));
    "done\n"
}
