//! What runs on which thread, and how often they wake up.

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use majordomo::testing::{ManagerSuite, MemoryLeases};
use majordomo::{
    Lease, LeaseError, LeaseGrant, LeaseRequest, LeaseStore, Manager, Run, ServiceSpec, restartable_fn,
};

use crate::rig::{LEASE, SERVICE, options};

/// An error of a store that tells where its code runs.
#[derive(Debug)]
struct Told(mpsc::Sender<(&'static str, String)>);

impl Told {
    fn tell(&self, what: &'static str) {
        let _ = self.0.send((what, thread::current().name().unwrap_or_default().to_owned()));
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell("shown");
        f.write_str("rehearsed")
    }
}

impl std::error::Error for Told {}

impl Drop for Told {
    fn drop(&mut self) {
        self.tell("dropped");
    }
}

/// Grants all, and is away for every renewal, and when it is asked whether it can be used.
struct Away(mpsc::Sender<(&'static str, String)>);

impl LeaseStore for Away {
    async fn check(&self) -> Result<(), LeaseError> {
        Err(LeaseError::away(Told(self.0.clone())))
    }

    async fn acquire(&self, _: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        Ok(LeaseGrant::new(1))
    }

    async fn renew(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        Err(LeaseError::away(Told(self.0.clone())))
    }

    async fn release(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        Ok(())
    }
}

#[actix::test]
async fn g25_an_error_of_a_store_is_shown_and_dropped_where_the_store_is_asked() {
    let (tell, told) = mpsc::channel();
    let service = restartable_fn(SERVICE, |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let lease = Lease::new(Away(tell), LEASE).ttl(Duration::from_secs(6));
    let service = ServiceSpec::new(service).stop_timeout(Duration::from_millis(300)).only_with(lease);
    let suite = ManagerSuite::launch(Manager::new(options()).service(service));
    suite.recorder().wait_for("lease_lost reports").await;
    suite.shutdown().await;
    let all: Vec<_> = told.try_iter().collect();
    assert!(all.len() >= 2, "it was away more than once: {all:?}");
    let there = |(_, at): &(&str, String)| at == "majordomo-stores";
    assert!(all.iter().all(there), "{all:?}");
}

#[cfg(target_os = "linux")]
mod wake_ups {
    use std::fs;

    use support::child;

    use super::*;

    const LEASES: u64 = 100;
    const TTL: Duration = Duration::from_millis(1500);
    /// They are renewed as often as six times in their life.
    const INTERVALS: u64 = 12;

    /// How often the thread of that name, to fifteen letters, has been woken up so far.
    fn wake_ups(of: &str) -> u64 {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let is_it = |path: &std::path::PathBuf| {
            fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == of)
        };
        let found: Vec<_> = tasks.filter(is_it).collect();
        let [thread] = &found[..] else { panic!("one thread {of}, not {found:?}") };
        let status = fs::read_to_string(thread.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }

    #[test]
    fn child_program() {
        if child::program().is_none() {
            return;
        }
        actix::System::new().block_on(async {
            let store = MemoryLeases::new();
            let service = |number: u64| {
                let service = restartable_fn(format!("service {number}"), |run: Run| async move {
                    run.shutdown.requested().await;
                    Ok(())
                });
                let lease = Lease::new(store.clone(), format!("lease {number}"))
                    .ttl(TTL)
                    .margin(Duration::from_millis(100));
                ServiceSpec::new(service).stop_timeout(Duration::from_millis(100)).only_with(lease)
            };
            let suite = ManagerSuite::launch(
                (0..LEASES).map(service).fold(Manager::new(options()), Manager::service),
            );
            suite.recorder().wait_for_times("run_started", LEASES as usize).await;
            // The first renewals have brought them together.
            store.until_requests(3 * LEASES).await;
            let look = || ["majordomo-lease", "majordomo-store"].map(wake_ups);
            let before = look();
            store.until_requests(store.requests() + INTERVALS * LEASES).await;
            let after = look();
            suite.recorder().assert_none("lease_lost");
            println!("\nleases woke {} times, stores {}", after[0] - before[0], after[1] - before[1]);
            suite.shutdown().await;
        });
    }

    #[test]
    fn g25_many_leases_wake_their_threads_hardly_more_often_than_one() {
        // Alone in its process, so that it is known which threads are its.
        let mut child = child::start(module_path!(), "leases");
        let text = child.wait_for("leases woke ");
        assert_eq!(child.end().code(), Some(0));
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
        let [leases, stores] = numbers.collect::<Vec<_>>()[..] else { panic!("two numbers: {text}") };
        // They ask in as many groups as there are quarters of an interval, at most. A wake-up for each request would be a hundred an interval.
        assert!(leases <= 5 * INTERVALS && stores <= 5 * INTERVALS, "{text}");
    }
}
