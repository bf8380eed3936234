//! The server that clients of other make are run against: a manager with the services of the gRPC
//! interoperability suite, a probe that tells what became of calls, and an HTTP service where it is asked for.
//!
//! ```text
//!   majordomo-outsiders '{"max_shutdown_ms": 2000, "http": {}}'
//!
//!   stdout   {"event":"serving","address":"127.0.0.1:41234"}     once it serves; with "service":"web" that of HTTP
//!            {"event":"took_over","generation":2,...}            where it hands over, what becomes of that
//!            {"event":"report","ok":true,"exit_code":0,...}      the last line
//!   stderr   logs, by RUST_LOG
//! ```
//!
//! SIGTERM ends it, with the manager's exit code; what is wrong with the options, with 64.

mod calls;
mod interop;
mod options;
mod probe;
mod report;
mod service;
mod testing;
mod tls;
mod web;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use majordomo::events::{self, EventStream, LifecycleEvent};
use majordomo::{GetStatus, Manager, ManagerError, WaitForShutdown};
use serde::Serialize;

use crate::options::Options;
use crate::service::Outsiders;

/// The command was used wrongly (`EX_USAGE` of sysexits.h).
const USAGE: i32 = 64;

#[actix::main]
async fn main() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let options = Options::read().unwrap_or_else(|error| refuse(&error));
    let (observer, events) = events::channel();
    let service = Outsiders::new(&options);
    let accounts = service.accounts();
    let leaving = Arc::<AtomicBool>::default();
    let mut manager = Manager::new(options.manager().observe(observer)).grpc_service(service);
    if let Some(http) = &options.http {
        manager = manager.service(web::service(http, &accounts, &leaving));
    }
    let manager = manager.start();
    let teller = actix::spawn(tell(events, leaving));

    let result = manager.send(WaitForShutdown).await.expect("a manager answers");
    let status = manager.send(GetStatus).await.expect("a manager answers");
    let addresses = teller.await.expect("the teller does not panic");

    let exit_code = result.as_ref().err().map_or(0, ManagerError::exit_code);
    print_line(&report::Report::new(result.err(), status.report, &accounts, addresses));
    exit(exit_code)
}

/// The options cannot be used.
fn refuse(error: &str) -> ! {
    eprintln!("{error}");
    exit(USAGE)
}

/// Prints where it serves, when it does, and notes when it is about to leave.
async fn tell(mut events: EventStream, leaving: Arc<AtomicBool>) -> Vec<SocketAddr> {
    let mut served = Vec::new();
    while let Some(timed) = events.recv().await {
        match &timed.event {
            LifecycleEvent::Serving { address } => {
                print_line(&*timed);
                served.splice(0..0, address.as_tcp());
            }
            LifecycleEvent::ServiceServing { address, .. } => {
                print_line(&*timed);
                served.extend(address.as_tcp());
            }
            LifecycleEvent::ShutdownRequested { .. } => leaving.store(true, Ordering::Relaxed),
            LifecycleEvent::SuccessorStarted { .. }
            | LifecycleEvent::TookOver { .. }
            | LifecycleEvent::HandoverRefused { .. }
            | LifecycleEvent::HandoverFinished { .. } => print_line(&*timed),
            _ => {}
        }
    }
    served
}

fn print_line(value: &impl Serialize) {
    let mut line = serde_json::to_vec(value).expect("plain data");
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Whoever reads may have gone; the exit code still tells. In one piece: a successor prints to the same pipe.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}
