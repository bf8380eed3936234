//! What looks at the whole process, or at the pace of the machine: one test at a time.

mod asking;
mod crashes;
mod dedicated;
mod limits;
mod threads;
mod workers;

use tokio::sync::{Mutex, MutexGuard};

static ALONE: Mutex<()> = Mutex::const_new(());

/// Held by a test for as long as it runs.
async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}
