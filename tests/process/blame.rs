//! Who is blamed, for what, and how often: nobody for what it had no chance to do, and one culprit once.

use std::time::{Duration, Instant};
use support::child;

use majordomo::{
    ConfigError, Hold, Manager, ManagerOptions, RestartService, Run, ServiceReport, ServiceSpec, StageError,
    WaitForShutdown, WaitUntilRunning, resource_fn, service_fn,
};
use rustix::process::Signal;
use support::phoenix::{Phoenix, at_once};
use support::{Call, Gate, Journal, Probe, forced_of, ms, never, observe, options, whos};

#[actix::test]
async fn g08_a_stop_timeout_in_which_nobody_can_stop_is_refused_with_the_least_that_works() {
    for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(9_999)] {
        let spec = ServiceSpec::new(Probe::new("a", &Journal::default())).stop_timeout(timeout);
        let ended = observe(options(), |manager| manager.service(spec)).ended().await;
        ended.assert_exit_code(1);
        let Some(StageError::Config(error)) = ended.error().setup() else { panic!("{}", ended.error()) };
        assert!(matches!(error, ConfigError::StopTimeoutTooShort { .. }), "{error}");
        assert!(error.to_string().contains("at least 10ms"), "{error}");
    }
}

#[actix::test]
async fn g09_one_that_does_not_stop_within_the_shortest_stop_timeout_is_cut_off_and_restarted() {
    let journal = Journal::default();
    let stubborn = Phoenix::new("a", &journal).ignores_shutdown().spec(at_once()).stop_timeout(ms(10));
    let other = Probe::new("other", &journal);
    let mut observed = observe(options(), |manager| manager.service(stubborn).service(other));
    observed.running().await;
    for life in 1..=5 {
        journal.until("a: run", life).await;
        let asked = observed.manager.send(RestartService("a".into()));
        support::within("the restart", asked).await.unwrap().unwrap();
    }
    journal.until("a: run", 6).await;
    observed.events().assert_none("shutdown_requested");
    observed.shut_down();
    observed.force();
    observed.ended().await.assert_exit_code(3);
}

#[actix::test]
async fn g07_panics_while_the_manager_stops_are_told_up_to_a_few_and_counted() {
    const PANICS: usize = 500;
    let (journal, gate) = (Journal::default(), Gate::default());
    let passed = gate.clone();
    let (probe, address) = Probe::new("frail", &journal)
        .run(|_| async move {
            passed.passed().await;
            Ok(())
        })
        .with_address();
    let mut observed = observe(options(), |manager| manager.service(probe));
    observed.running().await;
    let address = address.await.unwrap();
    observed.shut_down();
    observed.seen("shutdown_finished frail: ok").await;
    for _ in 0..PANICS {
        let panics = Call::later(|| async { panic!("once more") });
        let _ = address.send(panics).await;
    }
    gate.open();
    let ended = observed.ended().await;
    let report = ended.service("frail");
    assert_eq!(report.failures.len(), ServiceReport::PANICS_KEPT);
    assert_eq!(ended.events.count("panicked frail"), ServiceReport::PANICS_KEPT);
    // The last of them tells of all that came after the others.
    let counted = format!("one of {} further panics", PANICS - (ServiceReport::PANICS_KEPT - 1));
    for text in [ended.error().to_string(), ended.report().to_string()] {
        assert_eq!(text.matches("once more").count(), ServiceReport::PANICS_KEPT, "{text}");
        assert!(text.contains(&counted), "expected {counted:?} in: {text}");
    }
}

#[actix::test]
async fn g09_one_culprit_is_told_once_though_its_run_and_its_shutdown_were_cut_off() {
    let journal = Journal::default();
    let hangs = Probe::new("hangs", &journal).run(|_| never()).shutdown(|_| never());
    let limits = options().max_shutdown_duration(ms(300));
    let mut observed = observe(limits, |manager| manager.service(hangs));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    assert_eq!(whos(ended.shutdown_errors().errors()), ["hangs (run)"]);
    assert!(ended.error().to_string().contains("1 error\n"), "{}", ended.error());
    assert_eq!(ended.report().to_string().matches("\n  hangs: ").count(), 1, "{}", ended.report());
    // Both are accounted for.
    let service = ended.service("hangs");
    assert!(service.run.as_ref().unwrap().why.is_some() && service.shutdown.as_ref().unwrap().why.is_some());
}

#[actix::test]
async fn g09_who_was_asked_in_the_same_breath_as_it_was_forced_had_not_been_asked() {
    let journal = Journal::default();
    let mut observed =
        observe(options(), |manager| manager.service(Probe::new("a", &journal).run(|_| never())));
    observed.running().await;
    observed.force();
    let ended = observed.ended().await;
    let errors = ended.shutdown_errors();
    assert_eq!(forced_of(&errors.errors()[0]).hold, Hold::NotAsked, "{errors}");
}

/// What the processes of these tests do.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let ends = program == "ends";
    let result = actix::System::new().block_on(async move {
        let service = service_fn("suspended", move |run: Run| async move {
            run.resources.start("held", resource_fn(|| async { Ok(()) }))?;
            run.shutdown.requested().await;
            // Longer than it takes to be stopped, and less than there is; and it counts from before that.
            let rest = tokio::time::sleep(ms(1000));
            println!("\nchild: asked");
            rest.await;
            if ends { Ok(()) } else { std::future::pending().await }
        });
        let options = ManagerOptions::new().grpc_ping_service(false).max_shutdown_duration(ms(2000));
        let manager = Manager::new(options).service(service).start();
        manager.send(WaitUntilRunning).await??;
        println!("\nchild: running");
        let end = manager.send(WaitForShutdown).await?;
        let report = manager.send(majordomo::GetStatus).await?.report.unwrap();
        println!("\nchild: report {}", report.to_string().replace('\n', " | "));
        println!("\nchild: suspended {}", report.suspended.unwrap_or_default().as_millis());
        end
    });
    println!("\nchild: end {:?}", result.as_ref().err().map(ToString::to_string));
    majordomo::exit(result)
}

/// Stops a process that has been asked to end until its deadline is long past.
fn suspended_beyond_its_deadline(program: &str) -> child::Process {
    let mut process = child::start(module_path!(), program);
    process.wait_for("child: running");
    process.signal(Signal::TERM);
    process.wait_for("child: asked");
    process.signal(Signal::STOP);
    let until = Instant::now() + ms(4000);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        // It is the time itself that has to pass.
        std::thread::sleep(left);
    }
    process.signal(Signal::CONT);
    let report = process.wait_for("child: report");
    assert!(report.contains("the process itself did not run for"), "{report}");
    let suspended = process.wait_for("child: suspended");
    let suspended: u64 = suspended.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1000..=10_000).contains(&suspended), "{suspended} ms");
    process
}

#[test]
fn g08_nobody_is_blamed_for_the_time_in_which_the_process_itself_was_stopped() {
    let mut process = suspended_beyond_its_deadline("ends");
    assert_eq!(process.wait_for("child: end"), "child: end None");
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn g08_who_goes_on_after_the_process_was_stopped_is_forced_all_the_same() {
    let mut process = suspended_beyond_its_deadline("goes on");
    let end = process.wait_for("child: end");
    assert!(end.contains("suspended (run): forced"), "{end}");
    assert_eq!(process.end().code(), Some(3));
}
