//! Many services at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use majordomo::{Manager, ManagerOptions, Run, StartShutdown, WaitForShutdown, WaitUntilRunning};
use majordomo::{resource_fn, service_fn};
use rustix::time::{ClockId, clock_gettime};

const SERVICES: usize = 10_000;

#[actix::test]
async fn g07_ten_thousand_services_with_a_resource_each_start_and_stop_cleanly() {
    let released = Arc::new(AtomicUsize::new(0));
    let options = ManagerOptions::new().grpc_ping_service(false).handle_signals(false);
    let mut manager = Manager::new(options);
    for number in 0..SERVICES {
        let released = Arc::clone(&released);
        let service = service_fn(format!("service {number}"), move |run: Run| async move {
            let release = move || async move {
                released.fetch_add(1, Ordering::Relaxed);
                Ok(())
            };
            run.resources.start("resource", resource_fn(release))?;
            run.shutdown.requested().await;
            Ok(())
        });
        manager = manager.service(service);
    }

    let began = Instant::now();
    let manager = manager.start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    let running = began.elapsed();
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await.unwrap().unwrap();
    let stopped = began.elapsed();

    // What it takes of the processors, which others beside it do not change much.
    let worked = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    println!(
        "{SERVICES} services: all run after {running:?}, all over after {stopped:?}, {worked:?} of work"
    );
    assert_eq!(released.load(Ordering::Relaxed), SERVICES);
    assert!(worked < Duration::from_secs(20), "took {worked:?}");
}
