//! What blocks its thread cannot be cut: the process ends before others can have the lease.

use std::time::Duration;

use majordomo::testing::MemoryLeases;
use majordomo::{Lease, Manager, Run, ServiceSpec, restartable_fn};
use support::child;

use crate::rig::{LEASE, SERVICE, options};

#[test]
fn g25_a_blocked_thread_ends_the_process_with_its_name() {
    let mut child = child::start(module_path!(), "blocks");
    child.wait_for("child: blocks");
    assert_eq!(child.end().code(), Some(3));
    let text = child.rest_of_errors();
    assert!(text.contains("reports still runs, and its lease \"reports-lease\" ends"), "{text}");
}

#[test]
fn child_program() {
    if child::program().is_none() {
        return;
    }
    let store = MemoryLeases::new();
    let silent = store.clone();
    let blocking = restartable_fn(SERVICE, move |_: Run| {
        silent.silent(true);
        println!("\nchild: blocks");
        std::thread::sleep(Duration::from_secs(3600));
        async { Ok(()) }
    });
    let lease = Lease::new(store, LEASE).ttl(Duration::from_secs(3)).margin(Duration::from_millis(100));
    let service = ServiceSpec::new(blocking).stop_timeout(Duration::from_millis(100)).only_with(lease);
    let manager = Manager::new(options()).service(service);
    // The manager gives the thread up. What it blocks runs on, as this process does.
    let _ = manager.run_blocking();
    loop {
        std::thread::park();
    }
}
