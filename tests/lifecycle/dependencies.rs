//! Services that depend on others.

use majordomo::ping::PingClient;
use majordomo::{Manager, ManagerOptions, RestartPolicy, ServiceSpec, service_fn};
use support::phoenix::{Fail, Phoenix, at_once};
use support::{Gate, Journal, Observed, Registers, connect, ms, observe, options, serving, within};

fn phoenix(id: &str, journal: &Journal, on: &[&str]) -> ServiceSpec<Phoenix> {
    let spec = Phoenix::new(id, journal).resources(&["r"]).spec(at_once());
    on.iter().fold(spec, |spec, &on| spec.depends_on(on))
}

/// `d` depends on `b` and `c`, which depend on `a`; `x` on nobody. Handed over in the wrong order.
fn diamond(journal: &Journal) -> Observed {
    observe(options(), |manager| {
        manager
            .service(phoenix("d", journal, &["b", "c"]))
            .service(phoenix("x", journal, &[]))
            .service(phoenix("c", journal, &["a"]))
            .service(phoenix("b", journal, &["a"]))
            .service(phoenix("a", journal, &[]))
    })
}

#[actix::test]
async fn a_diamond_starts_in_order_and_stops_and_releases_in_reverse() {
    let journal = Journal::default();
    let mut observed = diamond(&journal);
    observed.running().await;
    for id in ["a", "b", "c", "d", "x"] {
        journal.until(&format!("{id}: run"), 1).await;
    }
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let events = &ended.events;
    for (first, then) in [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")] {
        events.assert_before(&format!("setup_finished {first}"), &format!("setup_started {then}"));
        events.assert_before(&format!("run_started {first}"), &format!("run_started {then}"));
        events.assert_before(&format!("run_finished {then}"), &format!("shutdown_started {first}"));
        events.assert_before(&format!("release_finished {then}/r"), &format!("release_started {first}/r"));
    }
    // Side by side where the graph allows.
    events.assert_before("setup_started x", "setup_finished a");
    events.assert_before("shutdown_started x", "shutdown_started a");
}

#[actix::test]
async fn who_depends_on_one_that_fails_restarts_with_it_and_nobody_else_does() {
    let journal = Journal::default();
    let (b, addr) = Phoenix::new("b", &journal).resources(&["r"]).addr();
    let survivor = phoenix("s", &journal, &["b"]).survives_restart_of("b");
    let mut observed = observe(options(), |manager| {
        manager
            .service(phoenix("a", &journal, &[]))
            .service(b.spec(at_once()).depends_on("a"))
            .service(phoenix("c", &journal, &["b"]))
            .service(survivor)
    });
    observed.running().await;
    for id in ["a", "b", "c", "s"] {
        journal.until(&format!("{id}: run"), 1).await;
    }
    within("the address", addr).await.unwrap().do_send(Fail::Handler);
    observed.seen("restart_finished c: ok").await;
    journal.until("c: run", 2).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let lives = |id: &str| journal.count(&format!("{id}: setup"));
    assert_eq!(["a", "b", "c", "s"].map(lives), [1, 2, 2, 1]);
    let restarted = ["restart_started b", "restart_started c: it depends on b, which goes down"];
    ended.events.assert_in_order(&restarted);
    ended.events.assert_before("restart_finished b: ok", "restart_finished c: ok");
    // Its dependent was down, resources and all, before its own resources went.
    let (c, b) = (journal.entries(), journal.entries());
    let first = |entries: &[String], what: &str| entries.iter().position(|entry| entry == what).unwrap();
    assert!(first(&c, "c/r: released") < first(&b, "b/r: released"));
}

#[actix::test]
async fn g03_a_failed_set_up_rolls_back_only_what_started_in_reverse() {
    let journal = Journal::default();
    let failing = Phoenix::new("c", &journal).setups(vec![Err("no".into())]).spec(at_once()).depends_on("b");
    let observed = observe(options(), |manager| {
        manager
            .service(phoenix("a", &journal, &[]))
            .service(phoenix("b", &journal, &["a"]))
            .service(failing)
            .service(phoenix("d", &journal, &["c"]))
    });
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    assert_eq!(ended.setup_errors().errors().len(), 1);
    assert_eq!(journal.whose("setup"), ["a", "b", "c"]);
    assert_eq!(journal.whose("released"), ["b/r", "a/r"]);
    ended.events.assert_none("setup_started d");
}

#[actix::test]
async fn g01_cycles_and_unknown_ids_are_refused_before_anything_starts() {
    let refused = |services: fn(Manager, &Journal) -> Manager| async move {
        let journal = Journal::default();
        let ended = observe(options(), |manager| services(manager, &journal)).ended().await;
        ended.assert_exit_code(1);
        journal.assert_nothing_lived();
        ended.error().to_string()
    };
    let cycle = refused(|m, j| {
        m.service(phoenix("a", j, &["b"])).service(phoenix("b", j, &["c"])).service(phoenix("c", j, &["a"]))
    });
    let text = cycle.await;
    assert!(text.contains("a -> b -> c -> a"), "{text}");
    let text = refused(|m, j| m.service(phoenix("a", j, &["nobody"]))).await;
    assert!(text.contains("\"a\"") && text.contains("\"nobody\""), "{text}");
    let text = refused(|m, j| m.service(phoenix("a", j, &[]).survives_restart_of("b"))).await;
    assert!(text.contains("survives_restart_of(\"b\")"), "{text}");
    let text = refused(|m, j| {
        let fixed = ServiceSpec::new(service_fn("fixed", |_| async { Ok(()) })).depends_on("a");
        m.service(phoenix("a", j, &[])).service(fixed)
    });
    let text = text.await;
    assert!(text.contains("\"fixed\"") && text.contains("survives_restart_of(\"a\")"), "{text}");
}

#[actix::test]
async fn the_error_of_who_fails_because_its_dependency_did_comes_after_the_root_cause() {
    let journal = Journal::default();
    let (db, db_addr) = Phoenix::new("db", &journal).addr();
    let (api, api_addr) = Phoenix::new("api", &journal).ignores_shutdown().addr();
    let never = RestartPolicy::never;
    let mut observed = observe(options(), |manager| {
        manager.service(api.spec(never()).depends_on("db")).service(db.spec(never()))
    });
    observed.running().await;
    journal.until("api: run", 1).await;
    journal.until("db: run", 1).await;
    within("db", db_addr).await.unwrap().do_send(Fail::Run);
    observed.seen("shutdown_requested").await;
    within("api", api_addr).await.unwrap().do_send(Fail::Run);
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let errors = ended.run_errors();
    let whose: Vec<_> = errors.errors().iter().map(|error| &*error.service_id).collect();
    assert_eq!(whose, ["db", "api"], "{errors}");
    assert_eq!(errors.victims()[0].because_of.as_deref(), Some("db"));
    assert!(errors.to_string().contains("it depends on db, which failed"), "{errors}");
}

#[actix::test]
async fn g08_who_holds_on_beyond_its_share_does_not_take_the_time_of_those_it_depends_on() {
    let journal = Journal::default();
    let options = options().max_shutdown_duration(ms(1000)).release_reserve(ms(200));
    let mut observed = observe(options, |manager| {
        manager
            .service(phoenix("db", &journal, &[]))
            .service(Phoenix::new("api", &journal).ignores_shutdown().spec(at_once()).depends_on("db"))
    });
    observed.running().await;
    journal.until("db: run", 1).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    ended.assert_in_time(ms(1000));
    assert_eq!(ended.shutdown_errors().errors()[0].service_id, "api");
    // Half of 800 ms is the share of `api`.
    let asked = ended.events.since_asked("shutdown_started db");
    assert!((ms(380)..ms(500) + ended.soon()).contains(&asked), "{asked:?}\n{}", ended.events);
    ended.events.assert_before("run_finished db: ok", "run_finished api: forced");
}

#[actix::test]
async fn g08_a_stop_timeout_cuts_one_service_off_within_the_shutdown() {
    let journal = Journal::default();
    let hanging = Phoenix::new("api", &journal).ignores_shutdown().spec(at_once());
    let mut observed = observe(options().max_shutdown_duration(ms(30_000)), |manager| {
        manager.service(phoenix("db", &journal, &[])).service(hanging.depends_on("db").stop_timeout(ms(50)))
    });
    observed.running().await;
    journal.until("api: run", 1).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    assert!(ended.took.unwrap() < ms(5000));
    ended.events.assert_in_order(&[
        "shutdown_started api",
        "run_finished api: forced",
        "shutdown_started db",
    ]);
}

#[actix::test]
async fn calls_in_flight_find_what_they_need_until_the_server_is_drained() {
    let journal = Journal::default();
    let (entered, go) = (Gate::default(), Gate::default());
    let slow = {
        let (entered, go) = (entered.clone(), go.clone());
        Registers::new("calls", move |server| {
            server.add_service(majordomo::ping::PingServer::new(Slow(entered.clone(), go.clone())));
        })
    };
    let options = serving().grpc_ping_service(false).grpc_depends_on(["db"]);
    let mut observed = observe(options, |m| m.service(phoenix("db", &journal, &[])).grpc_service(slow));
    let mut client = PingClient::new(connect(&observed).await);
    journal.until("db: run", 1).await;
    let call = actix::spawn(async move { client.ping(()).await });
    within("the call", entered.passed()).await;
    observed.shut_down();
    observed.seen("shutdown_started majordomo grpc").await;
    go.open();
    within("the answer", call).await.unwrap().unwrap();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("run_finished majordomo grpc: ok", "shutdown_started db");
}

#[actix::test]
async fn g01_grpc_may_depend_only_on_who_is_there() {
    let options = serving().grpc_depends_on(["nobody"]);
    let ended = observe(options, |manager| manager).ended().await;
    ended.assert_exit_code(1);
    let text = ended.error().to_string();
    assert!(text.contains("majordomo grpc") && text.contains("nobody"), "{text}");
}

#[actix::test]
async fn a_plan_tells_orders_and_limits_and_refuses_what_cannot_work() {
    let journal = Journal::default();
    let manager = |options: ManagerOptions| {
        Manager::new(options.grpc_ping_service(true).grpc_depends_on(["db"]))
            .service(phoenix("api", &journal, &["db"]))
            .service(phoenix("db", &journal, &[]))
    };
    let options = || options().max_shutdown_duration(ms(10_000)).drain_delay(ms(1000));
    let plan = manager(options()).plan().unwrap();
    assert_eq!(
        plan.start_order(),
        [vec!["db", "majordomo ping"], vec!["api", "majordomo grpc"]].map(|turn| turn)
    );
    assert_eq!(plan.stop_order(), [vec!["majordomo ping", "api", "majordomo grpc"], vec!["db"]]);
    assert_eq!((plan.services_until, plan.deadline), (Some(ms(9000)), Some(ms(10_000))));
    let text = plan.to_string();
    assert!(text.contains("at the latest after 5.0 s") && text.contains("depends on db"), "{text}");
    assert!(serde_json::to_value(&plan).unwrap()["services"][0]["id"].is_string());

    let refused = |manager: Manager| manager.plan().unwrap_err().to_string();
    let patient = || phoenix("patient", &journal, &[]).stop_timeout(ms(20_000));
    let text = refused(manager(options()).service(patient()));
    assert!(text.contains("\"patient\"") && text.contains("20s") && text.contains("8s"), "{text}");
    let text = refused(manager(options().drain_delay(ms(9500))));
    assert!(text.contains("drain_delay"), "{text}");
    assert!(journal.entries().iter().all(|entry| !entry.contains("setup")));
}

/// Answers when the gate is open.
struct Slow(Gate, Gate);

#[tonic::async_trait]
impl majordomo::ping::Ping for Slow {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status> {
        self.0.open();
        self.1.passed().await;
        Ok(tonic::Response::new(()))
    }
}
