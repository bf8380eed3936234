//! A process that is stopped beyond the end of its lease: when it goes on, its run is cut, and the next has another epoch.

use std::time::Duration;

use majordomo::testing::MemoryLeases;
use majordomo::{Lease, Manager, Run, ServiceSpec, restartable_fn};
use rustix::process::Signal;
use support::child;

use crate::rig::{LEASE, SERVICE, options};

const TTL: Duration = Duration::from_secs(3);

#[test]
fn g25_a_process_that_was_stopped_beyond_the_end_has_its_run_cut_and_an_old_epoch() {
    let mut child = child::start(module_path!(), "runs");
    child.wait_for("child: epoch 1");
    child.signal(Signal::STOP);
    // The time in which others may take over, by the store's clock.
    std::thread::sleep(TTL + Duration::from_millis(100));
    child.signal(Signal::CONT);
    child.wait_for("child: cut");
    child.wait_for("child: epoch 2");
    child.signal(Signal::TERM);
    // What was cut is none of the manager's failures.
    assert_eq!(child.end().code(), Some(0));
}

/// Says so when it is dropped before its time.
struct Cut(bool);

impl Drop for Cut {
    fn drop(&mut self) {
        if !self.0 {
            println!("\nchild: cut");
        }
    }
}

#[test]
fn child_program() {
    if child::program().is_none() {
        return;
    }
    let stubborn = restartable_fn(SERVICE, move |run: Run| async move {
        let epoch = run.epoch().unwrap();
        let mut cut = Cut(false);
        println!("\nchild: epoch {epoch}");
        // Only the second life listens.
        if epoch == 1 {
            std::future::pending::<()>().await;
        }
        run.shutdown.requested().await;
        cut.0 = true;
        Ok(())
    });
    let lease = Lease::new(MemoryLeases::new(), LEASE).ttl(TTL).margin(Duration::from_millis(100));
    let service = ServiceSpec::new(stubborn).stop_timeout(Duration::from_millis(100)).only_with(lease);
    let manager = Manager::new(options().handle_signals(true)).service(service);
    majordomo::exit(manager.run_blocking());
}
