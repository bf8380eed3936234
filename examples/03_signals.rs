//! Runs until it is told to stop, and shows the ladder of signals.
//!
//! ```text
//! cargo run --example 03_signals              # its ping server on a free port of this machine
//! cargo run --example 03_signals -- ADDRESS
//! ```
//!
//! Then, from another terminal or with Ctrl-C:
//!
//! - `kill -USR1 PID` prints what every service is doing;
//! - the first Ctrl-C or `kill PID` shuts down gracefully: `stubborn` takes its time;
//! - the second forces the end: the program names whom it did not wait for, and exits with 3;
//! - a third, if even that took too long, exits at once with 128 + the signal's number.

mod printer;

use std::time::Duration;

use majordomo::{
    Exit, GetStatus, Manager, ManagerError, ManagerOptions, Run, WaitForShutdown, WaitUntilRunning,
    service_fn,
};
use printer::say;

/// The manager, not yet started, with a service that takes so long to finish what it does.
pub(crate) fn manager(address: &str, unfinished: Duration) -> Manager {
    let obliging = service_fn("obliging", |run: Run| async move {
        run.shutdown.requested().await;
        say("obliging: asked to stop, stopping");
        Ok(())
    });
    let stubborn = service_fn("stubborn", move |run: Run| async move {
        run.shutdown.requested().await;
        say(format!("stubborn: asked to stop, finishing what I do: {unfinished:?}"));
        tokio::time::sleep(unfinished).await;
        Ok(())
    });
    let options = ManagerOptions::new().grpc_server_address(address);
    Manager::new(options).service(obliging).service(stubborn)
}

#[actix::main]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    // Its exit code tells what failed.
    result.into()
}

async fn run() -> Result<(), ManagerError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let manager = manager(&address, Duration::from_secs(20)).start();
    manager.send(WaitUntilRunning).await??;
    let status = manager.send(GetStatus).await?;
    say(format!("process {} runs: {status}", std::process::id()));
    manager.send(WaitForShutdown).await?
}
