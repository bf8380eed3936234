//! `ManagerSuite` and `assert_stopped_clean`: a manager for the time of a test, and how an end that is not clean is told.

use majordomo::ping::PingClient;
use majordomo::testing::{
    Behaviour, ManagerSuite, ResourceScript, RunBehaviour, ServiceScript, assert_stopped_clean,
};
use majordomo::{
    ForceShutdown, Manager, ManagerOptions, ResourceEnding, Stage, StartShutdown, WaitForShutdown,
};
use support::kit::{assert_tells, async_failure, failure};
use support::{Gate, Registers, ms, options, within};

fn with(script: ServiceScript) -> Manager {
    Manager::new(options()).service(script)
}

#[actix::test]
async fn a_suite_serves_when_it_has_started_and_gives_the_report_of_a_clean_stop() {
    let manager = Manager::new(options().grpc_ping_service(true))
        .service(ServiceScript::new("worker").resource(ResourceScript::new("pool")));
    let suite = ManagerSuite::start(manager).await;
    PingClient::new(suite.channel()).ping(()).await.unwrap();
    suite.recorder().event("running");
    assert_eq!(suite.status().await.stage, Stage::Running);
    assert!(suite.testing().grpc_address().ip().is_loopback(), "nobody gave an address");
    let recorder = suite.recorder().clone();
    let report = suite.shutdown().await;
    assert_eq!(report.cause.as_ref().unwrap().to_string(), "StartShutdown");
    let worker = report.services.iter().find(|service| &*service.id == "worker").unwrap();
    assert_eq!(worker.resources[0].ending, Some(ResourceEnding::Acknowledged));
    recorder.assert_in_order(&[
        "serving",
        "running",
        "shutdown_requested",
        "release_finished worker/pool: ok",
        "stopped",
    ]);
}

#[actix::test]
async fn suites_of_default_options_run_side_by_side() {
    let defaults = || Manager::new(ManagerOptions::new().handle_signals(false));
    let first = ManagerSuite::start(defaults()).await;
    let second = ManagerSuite::start(defaults()).await;
    assert_ne!(first.testing().grpc_address(), second.testing().grpc_address());
}

#[actix::test]
async fn a_suite_in_memory_opens_no_socket_whatever_the_options_say() {
    let options = options().grpc_ping_service(true).grpc_server_address("127.0.0.1:1");
    let suite = ManagerSuite::start_in_memory(Manager::new(options)).await;
    PingClient::new(suite.channel()).ping(()).await.unwrap();
    let status = suite.status().await;
    assert_eq!(status.grpc_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["in-memory"]);
}

#[actix::test]
async fn a_suite_gives_channels_with_the_layers_of_the_error_generator() {
    let errors = majordomo::api_errors::ErrorGenerator::new("app");
    let silent = Registers::new("silent", |_| {});
    let manager = Manager::new(options().error_generator(errors)).grpc_service(silent);
    let suite = ManagerSuite::start_in_memory(manager).await;
    let status = PingClient::new(suite.error_channel()).ping(()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
}

#[actix::test]
async fn what_happens_before_the_run_is_tested_by_a_launch() {
    let gate = Gate::named("the set-up of slow");
    let mut suite = ManagerSuite::launch(with(ServiceScript::new("slow").setup_gate(&gate)));
    gate.arrived().await;
    assert_eq!(suite.status().await.stage, Stage::SettingUp);
    suite.recorder().assert_none("run_started");
    gate.open();
    suite.until_running().await;
    suite.shutdown().await;
}

#[actix::test]
async fn a_start_that_fails_tells_why_and_what_came_before() {
    let broken = with(ServiceScript::new("broken").setup(Behaviour::Error));
    let message = async_failure(ManagerSuite::start(broken)).await;
    let wanted =
        ["expected: the manager runs", "broken fails in setup, as scripted", "setup_finished broken: error"];
    assert_tells(&message, &wanted);
    let twice = Manager::new(options()).service(ServiceScript::new("a")).service(ServiceScript::new("a"));
    let message = async_failure(ManagerSuite::start(twice)).await;
    assert_tells(&message, &["two services have the id \"a\"", "no events are known"]);
}

#[actix::test]
async fn a_shutdown_that_is_not_clean_fails_and_names_who_was_not() {
    for (script, wanted) in [
        (
            ServiceScript::new("a").shutdown(Behaviour::Error),
            "a (shutdown): a fails in shutdown, as scripted",
        ),
        (ServiceScript::new("a").run(RunBehaviour::IgnoreShutdown), "something had to be forced"),
        (
            ServiceScript::new("a").resource(ResourceScript::new("pool").release(Behaviour::Panic)),
            "a (release of pool): ",
        ),
    ] {
        let options = options().max_shutdown_duration(ms(1000));
        let suite = ManagerSuite::start(Manager::new(options).service(script)).await;
        let message = async_failure(suite.shutdown()).await;
        assert_tells(&message, &["expected: a clean stop", wanted, "latest events:", "shutdown_requested"]);
    }
}

#[actix::test]
async fn an_end_that_a_test_expects_is_given_to_it_without_judging() {
    let gate = Gate::new();
    let fails = ServiceScript::new("fails").run_gate(&gate).run(Behaviour::Error);
    let suite = ManagerSuite::start(with(fails)).await;
    gate.open();
    assert_eq!(within("the end", suite.ended()).await.unwrap_err().exit_code(), 2);
}

#[actix::test]
async fn a_suite_that_is_dropped_shuts_down_before_the_drop_is_over() {
    let gate = Gate::new();
    let suite = ManagerSuite::start(with(ServiceScript::new("a").shutdown_gate(&gate))).await;
    let recorder = suite.recorder().clone();
    let helper = {
        let recorder = recorder.clone();
        std::thread::spawn(move || {
            while recorder.count("shutdown_started a") == 0 {
                std::thread::yield_now();
            }
            gate.open();
        })
    };
    drop(suite);
    recorder.assert_in_order(&["shutdown_requested", "shutdown_finished a: ok", "stopped"]);
    helper.join().unwrap();
}

#[actix::test]
async fn a_drop_fails_when_the_stop_is_not_clean() {
    let suite = ManagerSuite::start(with(ServiceScript::new("a").shutdown(Behaviour::Error))).await;
    let message = failure(|| drop(suite));
    assert_tells(&message, &["expected: a clean stop", "a fails in shutdown, as scripted", "stopped"]);
}

#[actix::test]
async fn a_drop_while_a_test_fails_ends_the_manager_and_leaves_the_test_its_own_failure() {
    let suite = ManagerSuite::start(with(ServiceScript::new("a").shutdown(Behaviour::Error))).await;
    let recorder = suite.recorder().clone();
    let message = failure(move || {
        let _suite = suite;
        panic!("the test's own");
    });
    assert_eq!(message, "the test's own");
    recorder.event("stopped");
}

#[actix::test]
async fn a_drop_after_the_test_has_ended_the_manager_judges_that_end() {
    let suite = ManagerSuite::start(with(ServiceScript::new("a").run(RunBehaviour::IgnoreShutdown))).await;
    suite.manager().do_send(ForceShutdown);
    let message = failure(|| drop(suite));
    assert_tells(&message, &["expected: a clean stop", "a (run): forced"]);
}

#[actix::test]
async fn a_clean_stop_is_asserted_of_results_and_of_reports() {
    let manager = with(ServiceScript::new("a").resource(ResourceScript::new("pool"))).start();
    manager.do_send(StartShutdown);
    assert_stopped_clean(manager.send(WaitForShutdown).await);
    let result = manager.send(WaitForShutdown).await.unwrap();
    assert_stopped_clean(&result);
    let status = manager.send(majordomo::GetStatus).await.unwrap();
    assert_stopped_clean(status.report.unwrap());
}

#[actix::test]
async fn a_report_that_is_not_over_or_not_clean_is_told_thing_by_thing() {
    let gate = Gate::named("the release of pool");
    let pool = ResourceScript::new("pool").release(Behaviour::Error).release_gate(&gate);
    let suite = ManagerSuite::start(with(ServiceScript::new("a").resource(pool))).await;
    suite.manager().do_send(StartShutdown);
    gate.arrived().await;
    let report = suite.status().await.report.unwrap();
    let message = failure(|| assert_stopped_clean(&report));
    assert_tells(&message, &["the shutdown is not over", "a (release of pool): it has not ended"]);
    gate.open();
    let manager = suite.manager().clone();
    let error = within("the end", suite.ended()).await.unwrap_err();
    let message = failure(|| assert_stopped_clean(Err(error)));
    assert_tells(
        &message,
        &["expected: a clean stop", "the manager failed", "pool fails in release, as scripted"],
    );
    let report = manager.send(majordomo::GetStatus).await.unwrap().report.unwrap();
    assert_tells(&failure(|| assert_stopped_clean(report)), &["a (release of pool): pool fails"]);
}
