//! `idle_leases`: what it costs to have leases, and to stand by for them.

use std::thread;
use std::time::Duration;

use actix::System;
use majordomo::{
    Lease, LeaseError, LeaseGrant, LeaseRequest, LeaseStore, Manager, ManagerOptions, Run, ServiceSpec,
    StartShutdown, WaitForShutdown, WaitUntilRunning, restartable_fn,
};
use tokio::sync::oneshot;

use super::contender;
use super::idle::{SETTLE, sleeps};
use crate::cell::Cell;
use crate::cpu::cpu_time;
use crate::measure::{Bench, Failure, Figures, Metric};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

/// Leases are renewed each sixth of it.
const TTL: Duration = Duration::from_secs(6);
const INTERVAL: Duration = Duration::from_secs(1);

/// The threads, as the kernel names them, to 15 letters.
const KEEPERS: &str = "majordomo-lease";
const STORES: &str = "majordomo-store";

pub(crate) static IDLE_LEASES: Bench = Bench {
    name: "idle_leases",
    about: "wake-ups and CPU time in each interval of renewal (1 s) of a process with leases; held 0: it stands by for all of them",
    metrics: &[
        Metric { name: "keepers", unit: "wake-ups" },
        Metric { name: "stores", unit: "wake-ups" },
        Metric { name: "others", unit: "wake-ups" },
        Metric { name: "cpu", unit: "ms" },
    ],
    cells: |quick| {
        let intervals = if quick { 2 } else { 10 };
        let cell = |leases, held| Cell::new(&[("leases", leases), ("held", held), ("intervals", intervals)]);
        vec![cell(1, 1), cell(1, 0), cell(1000, 1), cell(1000, 0)]
    },
    contenders: &[contender!(MAJORDOMO, "services with a lease each, in a store in memory", idle)],
    targets: &[Target {
        says: "wake-ups of others",
        metric: "others",
        against: Against::Itself,
        bound: Bound::AtMost(0.0),
        applies: |_| true,
    }],
};

/// Answers at once: all is granted, or another has it.
#[derive(Clone)]
struct Answers {
    granted: bool,
}

impl Answers {
    fn answer(&self) -> Result<(), LeaseError> {
        if self.granted { Ok(()) } else { Err(LeaseError::Taken { by: "another".to_owned(), left: None }) }
    }
}

impl LeaseStore for Answers {
    async fn acquire(&self, _: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.answer().map(|()| LeaseGrant::new(1))
    }

    async fn renew(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        self.answer()
    }

    async fn release(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        Ok(())
    }
}

fn idle(cell: &Cell) -> Result<Figures, Failure> {
    let store = Answers { granted: cell.get("held") == 1 };
    let service = |number: usize| {
        let service = restartable_fn(format!("s{number}"), |run: Run| async move {
            run.shutdown.requested().await;
            Ok(())
        });
        let lease = Lease::new(store.clone(), format!("l{number}")).ttl(TTL);
        ServiceSpec::new(service).stop_timeout(Duration::from_millis(300)).only_with(lease)
    };
    System::new().block_on(async move {
        let options = ManagerOptions::new().grpc_ping_service(false).handle_signals(false);
        let manager = (0..cell.count("leases")).map(service).fold(Manager::new(options), Manager::service);
        let manager = manager.start();
        manager.send(WaitUntilRunning).await??;
        let figures = watch(cell.get("intervals") as u32).await?;
        manager.send(StartShutdown).await?;
        manager.send(WaitForShutdown).await??;
        figures
    })
}

/// Measures from a thread of its own, which does not count.
fn watch(intervals: u32) -> oneshot::Receiver<Result<Figures, Failure>> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let look = || {
            let keepers = sleeps(|thread| thread == KEEPERS)?;
            let stores = sleeps(|thread| thread == STORES)?;
            let others = sleeps(|thread| ![KEEPERS, STORES].contains(&thread))?;
            let cpu = cpu_time(std::process::id())? * 1e3;
            Ok::<_, Failure>([keepers as f64, stores as f64, others as f64, cpu])
        };
        let watched = || {
            thread::sleep(SETTLE);
            let before = look()?;
            thread::sleep(INTERVAL * intervals);
            let after = look()?;
            let each =
                after.iter().zip(before).map(|(after, before)| (after - before) / f64::from(intervals));
            Ok(each.collect())
        };
        // The other end has gone, if nobody takes it.
        let _ = tell.send(watched());
    });
    told
}
