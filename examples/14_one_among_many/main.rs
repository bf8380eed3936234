//! One among many: three processes of this program run, and one of them writes reports. Kill any: there is always one that writes, and never two.
//!
//! ```text
//! cargo build -p one-among-many
//! .ci/etcd bash             # or .ci/postgres bash: a server of its own until you leave; or have one
//! target/debug/one-among-many $ETCD_ENDPOINTS &                 # or $DATABASE_URL; three times
//! kill PID                  # it gives its lease back: another writes at once, with PostgreSQL within 3 s
//! kill -9 PID               # its lease is over first: another writes within 15 s
//! kill -STOP PID            # the same; and after kill -CONT it stops, and what it still writes is refused
//! ```
//! Each life of the service has an epoch, greater than that of any life before. It is written along: see `reports.rs`.

#[path = "../printer/mod.rs"]
mod printer;
mod reports;
#[cfg(test)]
mod tests;

use std::time::Duration;

use majordomo::events::{self, EventSender, EventStream, LeaseEvent, LifecycleEvent};
use majordomo::{BoxError, Exit, Lease, Manager, ManagerOptions, RestartPolicy, Run, ServiceSpec};
use printer::say;
use reports::{NotWritten, Reports, Store};

/// The name of the lease: the same on every replica.
const LEASE: &str = "reports";

/// A line that says which process says it.
fn tell(what: impl std::fmt::Display) {
    say(format!("process {}: {what}", std::process::id()));
}

/// The job: a report each second.
async fn write_reports(run: Run, mut reports: Reports) -> Result<(), BoxError> {
    let epoch = run.epoch().ok_or("reports are written with a lease")?;
    loop {
        match reports.append(epoch, "all is well").await {
            Ok(()) => tell(format_args!("wrote a report with epoch {epoch}")),
            // Another has the lease: this life is over.
            Err(NotWritten::TooLate(error)) => return Err(error),
            // It may come back before the lease is over.
            Err(NotWritten::Away(error)) => tell(format_args!("wrote no report: {error}")),
        }
        tokio::select! {
            _ = run.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// The manager, not yet started.
fn manager(store: &Store, lease: Lease, observer: EventSender) -> Manager {
    let store = store.clone();
    let writer = move |run: Run| write_reports(run, Reports::new(store.clone(), LEASE));
    let writer = ServiceSpec::new(majordomo::restartable_fn("reports", writer))
        .only_with(lease)
        .restart(RestartPolicy::on_failure());
    Manager::new(ManagerOptions::new().grpc_ping_service(false).observe(observer)).service(writer)
}

async fn tell_all(mut events: EventStream) {
    while let Some(timed) = events.recv().await {
        match &timed.event {
            LifecycleEvent::Standby { .. } => tell("stands by"),
            LifecycleEvent::Lease(LeaseEvent::LeaseAcquired { epoch, .. }) => {
                tell(format_args!("has the lease, with epoch {epoch}"));
            }
            LifecycleEvent::Lease(LeaseEvent::LeaseLost { error, .. }) => tell(error),
            _ => {}
        }
    }
}

#[actix::main]
async fn main() -> Exit {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!(
            "usage: one-among-many URL    of an etcd, http://HOST:2379, or of a PostgreSQL, postgres://USER@HOST/DATABASE"
        );
        std::process::exit(64);
    };
    let store = Store::at(&url).unwrap_or_else(|error| {
        eprintln!("one-among-many: {error}");
        std::process::exit(64);
    });
    let (observer, events) = events::channel();
    let teller = actix::spawn(tell_all(events));
    let result = manager(&store, store.lease(LEASE), observer).run().await;
    let _ = teller.await;
    tell("has ended");
    printer::finish();
    result.into()
}
