//! What services do, as metrics tell it: states, restarts, stalls, forced ends, the shutdown.

use std::time::Duration;

use majordomo::metrics::Metrics;
use majordomo::testing::paused;
use majordomo::{
    AddService, BoxError, RemoveService, RestartPolicy, Run, ServiceSpec, StopService, restartable_fn,
    service_fn,
};
use support::{Gate, Journal, Probe, ms, observe, observe_paused, options, within};

use crate::scraped::Scraped;

fn of(service: &str) -> [(&str, &str); 1] {
    [("service", service)]
}

#[actix::test]
async fn g22_states_follow_a_life_from_before_the_set_up_to_the_end() {
    let (metrics, journal) = (Metrics::new(), Journal::default());
    let (set_up, done) = (Gate::new(), Gate::new());
    let (may_run, may_end) = (set_up.clone(), done.clone());
    let run = |run: Run| async move {
        run.shutdown.requested().await;
        may_end.passed().await;
        Ok(())
    };
    let setup = |_| async move {
        may_run.passed().await;
        Ok(())
    };
    let slow = Probe::new("slow", &journal).setup(setup).run(run);
    let mut observed = observe(options().metrics(&metrics), |manager| {
        manager.service(slow).service(ServiceSpec::new(Probe::new("after", &journal)).depends_on("slow"))
    });
    observed.seen("setup_started slow").await;
    let scraped = Scraped::of(&metrics);
    assert_eq!((scraped.state("slow"), scraped.state("after")), ("setting_up", "waiting"));
    assert_eq!(scraped.value("majordomo_shutdown_seconds", &[]), 0.0);
    set_up.open();
    observed.running().await;
    let scraped = Scraped::of(&metrics);
    assert_eq!((scraped.state("slow"), scraped.state("after")), ("running", "running"));

    observed.shut_down();
    observed.seen("shutdown_started slow").await;
    let scraped = Scraped::of(&metrics);
    assert_eq!((scraped.state("slow"), scraped.state("after")), ("stopping", "ended"));
    assert!(scraped.value("majordomo_shutdown_seconds", &[]) > 0.0, "{}", scraped.text);
    done.open();
    observed.ended().await.assert_ok();
    let (first, second) = (Scraped::of(&metrics), Scraped::of(&metrics));
    assert_eq!((first.state("slow"), first.value("majordomo_forced_total", &of("slow"))), ("ended", 0.0));
    let took = |scraped: &Scraped| scraped.value("majordomo_shutdown_seconds", &[]);
    assert_eq!(took(&first), took(&second), "it is over");
}

#[test]
fn restarts_are_counted_and_what_is_left_comes_back_with_time() {
    paused(|| async {
        let metrics = Metrics::new();
        let fail = Gate::new();
        let failing = fail.clone();
        let service = restartable_fn("flaky", move |run: Run| {
            let failing = failing.clone();
            async move {
                if !failing.is_open() {
                    tokio::select! {
                        () = run.shutdown.requested() => return Ok(()),
                        () = failing.passed() => {}
                    }
                    return Err(BoxError::from("a failure on purpose"));
                }
                run.shutdown.requested().await;
                Ok(())
            }
        });
        let policy = RestartPolicy::on_failure()
            .max_restarts(3)
            .within(Duration::from_secs(60))
            .backoff(Duration::ZERO, Duration::ZERO);
        let mut observed =
            observe_paused(options().metrics(&metrics), |manager| manager.service(service.restart(policy)));
        observed.running().await;
        let told = || {
            let scraped = Scraped::of(&metrics);
            let value = |name: &str| scraped.value(name, &of("flaky"));
            (value("majordomo_service_restarts_total"), value("majordomo_service_restarts_left"))
        };
        assert_eq!(told(), (0.0, 3.0));
        fail.open();
        observed.seen("restart_finished flaky").await;
        assert_eq!(told(), (1.0, 2.0));
        assert_eq!(Scraped::of(&metrics).state("flaky"), "running");
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(told(), (1.0, 3.0));
        observed.shut_down();
        observed.ended().await.assert_ok();
    });
}

#[actix::test]
async fn a_service_that_fails_is_failed_and_one_that_is_added_stopped_or_removed_is_so() {
    let (metrics, journal) = (Metrics::new(), Journal::default());
    let observed =
        observe(options().metrics(&metrics), |manager| manager.service(Probe::new("stays", &journal)));
    observed.running().await;
    let added = service_fn("added", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    within("the service", observed.manager.send(AddService::new(added))).await.unwrap().unwrap();
    assert_eq!(Scraped::of(&metrics).state("added"), "running");
    within("the stop", observed.manager.send(StopService("added".into()))).await.unwrap().unwrap();
    assert_eq!(Scraped::of(&metrics).state("added"), "ended");
    within("the removal", observed.manager.send(RemoveService("added".into()))).await.unwrap().unwrap();
    assert_eq!(Scraped::of(&metrics).get("majordomo_service_restarts_total", &of("added")), None);

    let metrics = Metrics::new();
    let fails = Probe::new("fails", &journal).run(|_| async { Err("a failure on purpose".into()) });
    let observed = observe(options().metrics(&metrics), |manager| manager.service(fails));
    observed.ended().await.assert_exit_code(2);
    assert_eq!(Scraped::of(&metrics).state("fails"), "failed");
}

#[test]
fn g08_what_is_forced_is_counted_once_a_service_and_once_a_resource() {
    paused(|| async {
        let (metrics, journal) = (Metrics::new(), Journal::default());
        let (name, resource) = Probe::resource("stubborn", "file", &journal);
        let resource = (name, resource.release(|_| support::never()));
        let stubborn =
            Probe::new("stubborn", &journal).run(|_| support::never()).with_resources(vec![resource]);
        let options = options().metrics(&metrics).max_shutdown_duration(ms(300));
        let mut observed = observe_paused(options, |manager| manager.service(stubborn));
        observed.running().await;
        observed.shut_down();
        observed.ended().await.assert_exit_code(3);
        let scraped = Scraped::of(&metrics);
        assert_eq!(scraped.value("majordomo_forced_total", &of("stubborn")), 2.0, "{}", scraped.text);
        assert_eq!(scraped.state("stubborn"), "failed");
        let lasted = scraped.value("majordomo_shutdown_seconds", &[]);
        assert!((0.3..0.5).contains(&lasted), "{lasted} s");
    });
}

#[actix::test]
async fn g09_a_service_that_blocks_its_thread_is_told_for_as_long_as_it_does() {
    let (metrics, journal) = (Metrics::new(), Journal::default());
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let stuck = Probe::new("stuck", &journal).run_at_once(move |_, _| {
        let _ = blocked.recv();
        Ok(())
    });
    let options = options().metrics(&metrics).stuck_after(ms(20));
    let mut observed = observe(options, |manager| manager.service(stuck));
    observed.seen("stall_started stuck").await;
    let stall = || Scraped::of(&metrics).value("majordomo_stall_seconds", &of("stuck"));
    let first = stall();
    assert!(first >= 0.02 && stall() > first, "{first}");
    drop(unblock);
    observed.seen("stall_finished stuck").await;
    assert_eq!(stall(), 0.0);
    observed.shut_down();
    let _ = observed.ended().await;
}
