//! Paused time: what takes minutes happens at once, on one thread, at times that are exact.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use actix::prelude::*;
use majordomo::clients::InMemory;
use majordomo::events::channel;
use majordomo::testing::{Scenario, paused, start_paused};
use majordomo::{
    BoxError, ConfigError, ForceShutdown, Hold, Manager, ManagerOptions, ResourceSpec, RestartPolicy,
    ServiceSpec, SignalKind, StageError, StartShutdown, StopService, WaitForShutdown, WaitUntilRunning,
    http_service, nested, restartable_fn, service_fn,
};
use support::{
    Counter, Ended, Journal, Observed, Probe, error_of, forced_of, ms, never, observe_paused, options, whos,
};
use tokio::time::{Instant, sleep};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const HOUR: Duration = s(3600);

/// Runs a test in paused time; the real time that it takes is what it computes.
#[track_caller]
fn at_once<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    let began = std::time::Instant::now();
    let output = paused(test);
    assert!(began.elapsed() < s(5), "it took {:?} of real time", began.elapsed());
    output
}

async fn shut_down(mut observed: Observed) -> Ended {
    observed.running().await;
    observed.shut_down();
    observed.ended().await
}

#[test]
fn a_deadline_of_half_a_minute_is_tested_at_once_and_kept_to_the_millisecond() {
    at_once(|| async {
        let journal = Journal::default();
        let leaks = Probe::new("a/leaks", &journal).release(|_| never());
        let a = Probe::new("a", &journal).with_resources(vec![("leaks", leaks)]).run(|_| never());
        let ended = shut_down(observe_paused(options(), |manager| manager.service(a))).await;
        assert_eq!(ended.took, Some(s(30)));
        assert_eq!(ended.report().took, Some(s(30)));
        assert_eq!(ended.events.since_asked("run_finished a: forced"), s(27));
        assert_eq!(ended.events.since_asked("release_finished a/leaks: forced"), s(30));
        let errors = ended.shutdown_errors();
        assert_eq!(whos(errors.errors()), ["a (run)", "a (release of leaks)"]);
        let run = forced_of(error_of(errors, "a (run)"));
        assert_eq!((run.lasted, &run.hold), (s(27), &Hold::WentOn { asked: s(27) }));
        let release = forced_of(error_of(errors, "a (release of leaks)"));
        assert_eq!((release.lasted, &release.hold), (s(3), &Hold::Silent { asked: s(3) }));
    });
}

#[test]
fn the_signal_s_deadline_is_a_time_of_the_paused_clock() {
    at_once(|| async {
        let journal = Journal::default();
        let (told, a) = (journal.clone(), Probe::new("a", &journal));
        let a = a.shutdown(|shutdown| async move {
            let deadline = shutdown.shutdown.deadline().ok_or("there is one")?;
            told.note(format!("{:?} left", Instant::from_std(deadline) - Instant::now()));
            Ok(())
        });
        let observed = observe_paused(options().drain_delay(s(7)), |manager| manager.service(a));
        sleep(HOUR).await;
        let ended = shut_down(observed).await;
        ended.assert_ok();
        assert_eq!(ended.events.since_asked("shutdown_started a"), s(7));
        assert_eq!(ended.took, Some(s(7)));
        assert_eq!(journal.count("20s left"), 1, "{:?}", journal.entries());
    });
}

#[test]
fn restarts_back_off_for_minutes() {
    let delays = at_once(|| async {
        let fails = restartable_fn("a", |_| async { Err::<(), BoxError>("as ever".into()) });
        let policy = RestartPolicy::on_failure().unlimited().backoff(s(10), s(600)).jitter(0.0);
        let spec = ServiceSpec::new(fails).restart(policy);
        let mut observed = observe_paused(options(), |manager| manager.service(spec));
        let began = Instant::now();
        let mut ups = Vec::new();
        for up in 1..=9 {
            observed.seen_times("restart_finished a: ok", up).await;
            ups.push(began.elapsed());
        }
        observed.manager.do_send(ForceShutdown);
        observed.ended().await;
        std::iter::once(ups[0]).chain(ups.windows(2).map(|pair| pair[1] - pair[0])).collect::<Vec<_>>()
    });
    assert_eq!(delays, [10, 20, 40, 80, 160, 320, 600, 600, 600].map(s));
}

#[test]
fn a_stop_is_cut_off_after_its_own_limit() {
    at_once(|| async {
        let journal = Journal::default();
        let (a, b) = (Probe::new("a", &journal).run(|_| never()), Probe::new("b", &journal));
        let options = options().max_shutdown_duration(HOUR);
        let a = ServiceSpec::new(a).stop_timeout(s(120));
        let mut observed = observe_paused(options, |manager| manager.service(a).service(b));
        observed.running().await;
        let asked = Instant::now();
        let _ = observed.manager.send(StopService("a".into())).await.unwrap();
        assert_eq!(asked.elapsed(), s(120));
        observed.shut_down();
        let ended = observed.ended().await;
        assert_eq!(ended.took, Some(Duration::ZERO));
        assert_eq!(ended.service("a").run.as_ref().unwrap().took, Some(s(120)));
    });
}

#[test]
fn a_set_up_may_take_an_hour() {
    at_once(|| async {
        let a = Probe::new("a", &Journal::default()).setup(|_| async {
            sleep(HOUR).await;
            Ok(())
        });
        let observed = observe_paused(options(), |manager| manager.service(a));
        let began = Instant::now();
        let ended = shut_down(observed).await;
        assert_eq!(began.elapsed(), HOUR);
        ended.assert_ok();
        assert_eq!(ended.service("a").setup.as_ref().unwrap().took, Some(HOUR));
    });
}

#[test]
fn actors_count_hours_by_their_own_timers() {
    struct Ticks(Counter);
    impl Actor for Ticks {
        type Context = Context<Self>;
        fn started(&mut self, ctx: &mut Context<Self>) {
            ctx.run_interval(s(10), |ticks, _| {
                ticks.0.add();
            });
        }
    }
    impl Handler<majordomo::Release> for Ticks {
        type Result = Result<(), BoxError>;
        fn handle(&mut self, _: majordomo::Release, _: &mut Context<Self>) -> Self::Result {
            Ok(())
        }
    }
    impl majordomo::Resource for Ticks {}
    at_once(|| async {
        let (ticks, journal) = (Counter::default(), Journal::default());
        let count = ticks.clone();
        let a = Probe::new("a", &journal).setup(|setup| async move {
            setup.resources.start("ticks", Ticks(count))?;
            Ok(())
        });
        let mut observed = observe_paused(options(), |manager| manager.service(a));
        observed.running().await;
        sleep(HOUR + ms(1)).await;
        assert_eq!(ticks.get(), 360);
        observed.shut_down();
        observed.ended().await.assert_ok();
    });
}

#[test]
fn two_managers_share_the_clock_and_nothing_else() {
    at_once(|| async {
        let journal = Journal::default();
        let deaf = |id: &str| Probe::new(id, &journal).run(|_| never());
        let (a, b) = (deaf("a"), deaf("b"));
        let mut first = observe_paused(options().max_shutdown_duration(s(60)), |m| m.service(a));
        sleep(s(5)).await;
        let mut second = observe_paused(options().max_shutdown_duration(s(10)), |m| m.service(b));
        first.running().await;
        second.running().await;
        first.shut_down();
        sleep(s(20)).await;
        second.shut_down();
        let (first, second) = tokio::join!(first.ended(), second.ended());
        assert_eq!((first.took, second.took), (Some(s(54)), Some(s(9))));
        assert_eq!(first.events.at("shutdown_requested"), s(5));
        assert_eq!(second.events.at("shutdown_requested"), s(20));
    });
}

#[test]
fn a_nested_manager_lives_in_its_parent_s_time_and_within_it() {
    let took = at_once(|| async {
        let journal = Journal::default();
        let inner = journal.clone();
        let child = nested("child", move || {
            let inner = inner.clone();
            let grandchild = nested("grandchild", move || {
                Manager::new(ManagerOptions::new().max_shutdown_duration(HOUR))
                    .service(Probe::new("deaf", &inner).run(|_| never()))
                    .service(Probe::new("good", &inner))
            });
            Manager::new(ManagerOptions::new().max_shutdown_duration(HOUR)).service(grandchild)
        });
        let options = options().max_shutdown_duration(s(100));
        let ended = shut_down(observe_paused(options, |manager| manager.service(child))).await;
        ended.assert_exit_code(3);
        let text = ended.error().to_string();
        assert!(text.contains("grandchild") && text.contains("deaf"), "{text}");
        assert_eq!(journal.count("good: shutdown"), 1);
        assert_eq!((journal.count("deaf: dropped"), journal.count("good: dropped")), (1, 1));
        ended.took.unwrap()
    });
    assert!(took <= s(90) && took > s(60), "{took:?}");
}

#[test]
fn all_live_on_the_thread_of_the_test() {
    at_once(|| async {
        let (journal, seen) = (Journal::default(), Arc::new(Mutex::new(BTreeSet::<String>::new())));
        let note = |seen: &Arc<Mutex<BTreeSet<String>>>| {
            seen.lock().unwrap().insert(format!("{:?}", thread::current().id()));
        };
        let (of_services, of_resources) = (seen.clone(), seen.clone());
        let a = Probe::new("a", &journal).setup(move |setup| async move {
            note(&of_services);
            let make = move || {
                note(&of_resources);
                Probe::new("a/r", &Journal::default())
            };
            setup.resources.start("r", ResourceSpec::local(make).dedicated_thread())?;
            Ok(())
        });
        let spec = ServiceSpec::new(a).dedicated_thread();
        let here: ThreadId = thread::current().id();
        shut_down(observe_paused(options(), |manager| manager.service(spec))).await.assert_ok();
        assert_eq!(*seen.lock().unwrap(), BTreeSet::from([format!("{here:?}")]));
    });
}

#[test]
fn a_blocked_thread_costs_real_time_alone() {
    let began = std::time::Instant::now();
    at_once(|| async {
        let a = Probe::new("a", &Journal::default()).shutdown_at_once(|_, _| {
            thread::sleep(ms(150));
            Ok(())
        });
        let ended = shut_down(observe_paused(options(), |manager| manager.service(a))).await;
        ended.assert_ok();
        assert_eq!(ended.took, Some(Duration::ZERO));
    });
    assert!(began.elapsed() >= ms(150));
}

/// Everything that can happen to a manager, and the times of it.
fn rehearsed() -> Vec<String> {
    let scenario: Scenario = serde_json::from_str(
        r#"{"max_shutdown_ms": 60000, "drain_delay_ms": 5000,
            "actions": [{"at_ms": 90000, "do": "restart:db"}, {"at_ms": 200000, "do": "start_shutdown"}],
            "services": [
              {"id": "db", "setup": "slow:3000", "shutdown": "slow:700", "restart": {"policy": "on_failure"},
               "resources": [{"name": "r1", "release": "slow:50"}, {"name": "r2"}]},
              {"id": "api", "depends_on": ["db"], "restart": {"policy": "on_failure"},
               "resources": [{"name": "r", "release": "hang"}]},
              {"id": "flaky", "run": "error_after:20000",
               "restart": {"policy": "always", "max": 9, "within_ms": 60000, "backoff_ms": 1000, "jitter": 0.5}},
              {"id": "panics", "run": "panic_after:7000",
               "restart": {"policy": "on_failure", "max": 99, "within_ms": 60000, "backoff_ms": 1000, "jitter": 0.9}},
              {"id": "deaf", "run": "ignore_shutdown"}, {"id": "hangs", "shutdown": "hang"},
              {"id": "dumb", "run": "hang", "shutdown": "hang", "resources": [{"name": "r", "release": "panic"}]}]}"#,
    )
    .unwrap();
    paused(|| async {
        let (sender, mut stream) = channel();
        let manager = start_paused(scenario.manager(options().observe(sender)));
        scenario.act(&manager);
        manager.send(WaitForShutdown).await.unwrap().unwrap_err();
        let mut lines = Vec::new();
        while let Some(event) = stream.recv().await {
            lines.push(format!("{:?} {}", event.at, serde_json::to_string(&event).unwrap()));
        }
        lines
    })
}

#[test]
fn the_same_scenario_is_the_same_again_event_by_event_and_time_by_time() {
    let first = rehearsed();
    assert!(first.len() > 100, "{first:#?}");
    assert!(first.iter().any(|line| line.contains("waiting_for")), "{first:#?}");
    for _ in 0..5 {
        let again = rehearsed();
        for (one, other) in first.iter().zip(&again) {
            assert_eq!(one, other);
        }
        assert_eq!(first.len(), again.len());
    }
}

#[test]
fn a_manager_that_a_test_leaves_running_leaves_nothing_behind() {
    let journal = Journal::default();
    let a = Probe::new("a", &journal).with_resources(vec![Probe::resource("a", "r", &journal)]);
    at_once(|| async {
        let observed = observe_paused(options(), |manager| manager.service(a.run(|_| never())));
        observed.running().await;
    });
    assert_eq!((journal.count("a: dropped"), journal.count("a/r: dropped")), (1, 1));
    assert_eq!(journal.count("a/r: release"), 1, "{:?}", journal.entries());
}

#[test]
fn a_test_that_fails_amid_a_shutdown_fails_by_its_own_panic() {
    let journal = Journal::default();
    let (deaf, inner) = (Probe::new("deaf", &journal).run(|_| never()), journal.clone());
    let child = nested("child", move || {
        Manager::new(ManagerOptions::new()).service(Probe::new("inner", &inner).run(|_| never()))
    });
    let test = std::panic::AssertUnwindSafe(|| {
        at_once(|| async {
            let mut observed = observe_paused(options(), |manager| manager.service(deaf).service(child));
            observed.running().await;
            observed.shut_down();
            sleep(s(1)).await;
            panic!("the test's own");
        });
    });
    let panic = catch_unwind(test).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the test's own"));
    assert_eq!((journal.count("deaf: dropped"), journal.count("inner: dropped")), (1, 1));
}

#[test]
fn a_server_at_a_socket_is_refused_by_name_and_with_the_way() {
    at_once(|| async {
        let router = axum::Router::new();
        let web = || http_service("web", "127.0.0.1:0", router.clone());
        let memory = InMemory::new();
        let both = ManagerOptions::new().grpc_in_memory(&memory).grpc_server_address("127.0.0.1:0");
        for (manager, server, way) in [
            (Manager::new(ManagerOptions::new().handle_signals(false)), "majordomo grpc", "grpc_in_memory"),
            (Manager::new(both), "majordomo grpc", "grpc_ping_service(false)"),
            (Manager::new(options()).service(web()), "web", "HttpServerOptions::in_memory"),
        ] {
            let error = start_paused(manager).send(WaitForShutdown).await.unwrap().unwrap_err();
            let Some(StageError::Config(ConfigError::PausedSocket { service, .. })) = error.setup() else {
                panic!("expected a refusal: {error}")
            };
            assert_eq!(service, server);
            assert!(error.to_string().contains(way), "{error}");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn signals_are_left_alone() {
    at_once(|| async {
        let options = ManagerOptions::new().grpc_ping_service(false);
        let service = service_fn("a", |_| std::future::pending());
        let observed = observe_paused(options, |manager| manager.service(service));
        observed.running().await;
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        let terminate = 1 << (SignalKind::Terminate.number() - 1);
        assert_eq!(caught & terminate, 0, "SIGTERM is caught: {caught:x}");
    });
}

#[actix::test]
async fn any_system_whose_clock_is_paused_will_do() {
    tokio::time::pause();
    let deaf = service_fn("deaf", |_| std::future::pending());
    let manager = start_paused(Manager::new(options()).service(deaf));
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    let began = Instant::now();
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    // Its clock was paused in the midst of a millisecond, to which timers are rounded.
    assert!((s(27)..s(27) + ms(2)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[actix::test]
#[should_panic = "the test's own"]
async fn a_test_that_fails_in_any_system_fails_by_its_own_panic() {
    tokio::time::pause();
    let journal = Journal::default();
    let (deaf, inner) = (Probe::new("deaf", &journal).run(|_| never()), journal.clone());
    let child = nested("child", move || {
        Manager::new(ManagerOptions::new()).service(Probe::new("inner", &inner).run(|_| never()))
    });
    let mut observed = observe_paused(options(), |manager| manager.service(deaf).service(child));
    observed.running().await;
    observed.shut_down();
    sleep(s(1)).await;
    observed.manager.do_send(ForceShutdown);
    panic!("the test's own");
}
