//! G14: an idle manager sleeps. Alone in its program, since it counts how often the threads of the process wake up.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Journal, Probe, ms, observe, options};

/// How often the threads of this process went to sleep so far, but for the one that asks.
fn sleeps() -> u64 {
    let own = fs::read_link("/proc/thread-self").expect("Linux names threads");
    let own = own.file_name().expect("by number").to_owned();
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists threads");
    let others = tasks.map(|task| task.unwrap()).filter(|task| task.file_name() != own);
    let status = others.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    status.map(|status| voluntary(&status)).sum()
}

fn voluntary(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.expect("Linux counts them").trim().parse().expect("a number")
}

#[actix::test]
async fn g14_an_idle_manager_has_no_wake_up_not_even_of_its_watchdog() {
    let journal = Journal::default();
    let services = (0..100).map(|n| {
        let id = format!("s{n}");
        let resource = ("r", Probe::new(format!("{id}/r"), &journal));
        Probe::new(id, &journal).with_resources(vec![resource])
    });
    // One that never slept would wake up 100 times in a second.
    let mut observed = observe(options().stuck_after(ms(40)), |manager| {
        services.fold(manager, |manager, service| manager.service(service))
    });
    observed.running().await;

    let (window, limit) = (ms(500), Instant::now() + Duration::from_secs(10));
    let mut seen = Vec::new();
    loop {
        let before = sleeps();
        std::thread::sleep(window);
        let woken = sleeps() - before;
        if woken == 0 {
            break;
        }
        seen.push(woken);
        assert!(Instant::now() < limit, "no {window:?} without a wake-up, but so many each: {seen:?}");
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}
