//! G14: an endpoint that nobody asks anything costs nothing, though somebody follows the events.

#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use support::{Client, Journal, Probe, child};

use crate::outside::{Follower, get, show};

/// How often the endpoint's thread has been woken up so far.
fn wake_ups() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named = |path: &std::path::PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "operations")
    };
    let of: Vec<_> = tasks.filter(named).collect();
    let [thread] = &of[..] else { panic!("one thread, not {of:?}") };
    let status = fs::read_to_string(thread.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// Until nothing of what came before is left to do.
fn settled() -> u64 {
    let mut before = wake_ups();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = wake_ups();
        if now == before {
            return now;
        }
        before = now;
    }
}

#[test]
fn child_program() {
    if child::program().is_none() {
        return;
    }
    actix::System::new().block_on(async {
        let (mut observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
        observed.running().await;
        assert_eq!(get(at, "/readyz").await.status, 200);
        let mut follower = Follower::of(Client::connect(at).await).await;
        follower.until("running").await;
        let before = settled();
        // What is measured.
        std::thread::sleep(Duration::from_secs(3));
        println!("\nwoken up {} times", wake_ups() - before);
        observed.shut_down();
        observed.ended().await.assert_ok();
    });
}

#[test]
fn g14_an_endpoint_that_nobody_asks_is_never_woken_up() {
    // Alone in its process, so that it is known which thread is its.
    let (status, out, err) = child::output(child::this(), module_path!(), "idle");
    assert!(status.success() && out.contains("\nwoken up 0 times\n"), "{out}\n{err}");
}
