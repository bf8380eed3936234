//! Never down: a new version takes over from the old one, and nobody who connects or asks notices.
//!
//! ```text
//! cargo run --example 13_handover         # or with addresses: -- WEB OPERATIONS
//! while curl -sf localhost:8080; do :; done
//! kill -USR2 PID                          # or: majordomo --at :9000 handover; again and again, each time of the new process
//! ```
//! Build it anew before the signal, and the new program is what takes over.

mod printer;

use majordomo::events::{self, EventSender, EventStream, LifecycleEvent};
use majordomo::{
    BoxError, Exit, Handover, Manager, ManagerOptions, Operations, Run, Setup, http, http_service_fn,
    resource_fn, service_with_setup,
};
use printer::say;

/// A line that says which process says it.
fn tell(what: impl std::fmt::Display) {
    say(format!("process {}: {what}", std::process::id()));
}

/// What exists once: a lock, a file that one process writes, the one consumer of a queue.
async fn open_queue(setup: Setup) -> Result<(), BoxError> {
    let close = || async {
        tell("closes the queue");
        Ok(())
    };
    setup.resources.start("queue", resource_fn(close))?;
    tell("opens the queue");
    Ok(())
}

/// The manager, not yet started.
pub(crate) fn manager(web: &str, operations: &str, observer: EventSender) -> Manager {
    let answer = |_: ::http::Request<http::Body>| async {
        let by = format!("by process {}\n", std::process::id());
        Ok::<_, std::convert::Infallible>(::http::Response::new(http::Body::from(by)))
    };
    let web = http_service_fn("web", web, move |_| async move { Ok(tower::service_fn(answer)) });
    let consumer = service_with_setup("consumer", open_queue, |run: Run, ()| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let options = ManagerOptions::new()
        .grpc_ping_service(false)
        .operations(Operations::new(operations))
        .handover(Handover::new())
        .observe(observer);
    // It is set up when the process before has closed its own.
    Manager::new(options).service(web).service(consumer.after_handover())
}

async fn tell_all(mut events: EventStream) {
    while let Some(timed) = events.recv().await {
        match &timed.event {
            LifecycleEvent::ServiceServing { address, .. } => tell(format!("web at {address}")),
            LifecycleEvent::SuccessorStarted { pid } => tell(format!("started {pid}, and serves on")),
            LifecycleEvent::TookOver { .. } => tell("is in charge"),
            LifecycleEvent::HandoverFinished { error: Some(_), .. } => tell(&timed),
            _ => {}
        }
    }
}

#[actix::main]
async fn main() -> Exit {
    let mut args = std::env::args().skip(1);
    let mut address = |default: &str| args.next().unwrap_or_else(|| default.to_owned());
    let (observer, events) = events::channel();
    let teller = actix::spawn(tell_all(events));
    let manager = manager(&address("127.0.0.1:8080"), &address("127.0.0.1:9000"), observer);
    let result = manager.run().await;
    let _ = teller.await;
    tell("has ended");
    printer::finish();
    result.into()
}
