//! G22: live, ready, started.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get as route;
use majordomo::grpc::health::{HealthCheckRequest, HealthClient};
use majordomo::http::HttpServerOptions;
use majordomo::testing::MemoryLeases;
use majordomo::{Lease, Run, ServiceSpec, http_service, restartable_fn, service_fn};
use support::pace::Pace;
use support::{Client, Gate, Journal, Observed, Probe, connect, ms, options};

use crate::outside::{ask, get, operations, request, show, show_with};

async fn probes(at: std::net::SocketAddr) -> [u16; 3] {
    let mut all = [0; 3];
    for (status, path) in all.iter_mut().zip(["/livez", "/readyz", "/startupz"]) {
        *status = get(at, path).await.status;
    }
    all
}

#[actix::test]
async fn g22_probes_follow_a_life_from_before_the_set_up_to_the_drain() {
    let (journal, set_up, done) = (Journal::default(), Gate::new(), Gate::new());
    let (setting_up, finishing) = (set_up.clone(), done.clone());
    let slow = Probe::new("slow", &journal)
        .setup(|_| async move {
            setting_up.passed().await;
            Ok(())
        })
        .run(|run| async move {
            run.shutdown.requested().await;
            finishing.passed().await;
            Ok(())
        });
    let (mut observed, at) = show(|manager| {
        manager.service(slow).service(ServiceSpec::new(Probe::new("after", &journal)).depends_on("slow"))
    })
    .await;

    observed.seen("setup_started slow").await;
    assert_eq!(probes(at).await, [200, 503, 503]);
    let ready = get(at, "/readyz").await.body;
    let lines: Vec<_> = ready.lines().collect();
    assert_eq!(lines.len(), 2, "{ready}");
    assert!(lines[0].starts_with("slow: ") && lines[1] == "after: waiting", "{ready}");
    assert_eq!(get(at, "/livez").await.body, "ok\n");

    set_up.open();
    observed.running().await;
    assert_eq!(probes(at).await, [200, 200, 200]);
    assert_eq!(get(at, "/readyz").await.body, "ok\n");
    let all = get(at, "/readyz?verbose").await.body;
    assert!(all.starts_with("ok\nslow: running for ") && all.contains("\nafter: running for "), "{all}");

    observed.shut_down();
    observed.seen("shutdown_started slow").await;
    assert_eq!(probes(at).await, [200, 503, 200]);
    let ready = get(at, "/readyz").await.body;
    assert!(ready.contains("slow: ") && ready.contains("after: run ok"), "{ready}");

    done.open();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g22_ready_is_what_health_says_also_in_the_drain_delay() {
    let options = options()
        .operations(operations())
        .grpc_ping_service(true)
        .grpc_server_address("127.0.0.1:0")
        .drain_delay(ms(60_000))
        .max_shutdown_duration(ms(120_000));
    let (mut observed, at) = show_with(options, |manager| manager).await;
    observed.running().await;
    let channel = connect(&observed).await;
    let check = async || {
        let request = HealthCheckRequest { service: String::new() };
        let response = HealthClient::new(channel.clone()).check(request).await.unwrap();
        response.into_inner().status().as_str_name()
    };
    assert_eq!((check().await, get(at, "/readyz").await.status), ("SERVING", 200));
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    assert_eq!((check().await, get(at, "/readyz").await.status), ("NOT_SERVING", 503));
    assert_eq!(get(at, "/livez").await.status, 200);
    observed.force();
    let _ = observed.ended().await;
}

/// The longest that any of the probes and the status took.
async fn slowest(at: std::net::SocketAddr) -> std::time::Duration {
    let mut slowest = ms(0);
    for path in ["/livez", "/readyz", "/startupz", "/readyz?verbose", "/status"] {
        let began = Instant::now();
        assert_eq!(get(at, path).await.status, 200, "{path}");
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

#[actix::test]
async fn g22_probes_are_answered_while_every_worker_and_service_thread_is_blocked() {
    const THREADS: usize = 2;
    // Whatever is blocked waits until this is dropped.
    let (unblock, blocked) = channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let block = move |entered: &Gate| {
        entered.open();
        let _ = blocked.lock().unwrap().recv();
    };
    let entered: Vec<_> = (0..2 * THREADS).map(|_| Gate::new()).collect();

    let (in_handler, at_door) = (block.clone(), entered.clone());
    let handler = move |axum::extract::Path(at): axum::extract::Path<usize>| {
        let (block, entered) = (in_handler.clone(), at_door[at].clone());
        async move { block(&entered) }
    };
    let web = http_service("web", "127.0.0.1:0", Router::new().route("/{at}", route(handler)))
        .options(HttpServerOptions::new().workers(THREADS));
    let may_block = Gate::new();
    let service = |at: usize| {
        let (block, may_block, entered) = (block.clone(), may_block.clone(), entered[THREADS + at].clone());
        service_fn(format!("blocking-{at}"), move |run: Run| async move {
            may_block.passed().await;
            block(&entered);
            run.shutdown.requested().await;
            Ok(())
        })
    };
    let options = options().operations(operations()).service_threads(THREADS);
    let (observed, at) = show_with(options, |manager| {
        (0..THREADS).fold(manager.service(web), |manager, at| manager.service(service(at)))
    })
    .await;
    observed.running().await;
    let web = support::address(&observed, "web").await;
    let mut clients = Vec::new();
    for (at, gate) in entered[..THREADS].iter().enumerate() {
        let mut client = Client::connect(web).await;
        client.send(&request(&format!("GET /{at}"), &[])).await;
        gate.passed().await;
        clients.push(client);
    }
    may_block.open();
    for gate in &entered[THREADS..] {
        gate.passed().await;
    }

    let pace = Pace::watch();
    let took = slowest(at).await;
    assert!(took <= ms(200) + pace.allowance(), "{took:?}");

    drop(unblock);
    drop(clients);
    end(observed).await;
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g22_status_plan_and_report_are_json_or_text_as_it_is_preferred() {
    let journal = Journal::default();
    let (observed, at) = show(|manager| {
        let api = ServiceSpec::new(Probe::new("api", &journal)).depends_on("db");
        manager.service(Probe::new("db", &journal)).service(api)
    })
    .await;
    observed.running().await;
    let text = async |path| {
        let came = ask(at, &request(&format!("GET {path}"), &["Accept: text/plain, */*;q=0.1"])).await;
        assert!(came.head.contains("content-type: text/plain; charset=utf-8\r\n"), "{}", came.head);
        came.body
    };
    let status = crate::outside::get_json(at, "/status").await;
    assert_eq!((&status["stage"], &status["services"][1]["id"]), (&"running".into(), &"api".into()));
    assert_eq!(status["operations_addresses"][0], at.to_string());
    assert!(text("/status").await.starts_with("majordomo: running, up "));

    let plan = crate::outside::get_json(at, "/plan").await;
    assert_eq!(plan["services"][1]["depends_on"][0], "db");
    assert!(text("/plan").await.starts_with("start:\n  1. db\n  2. api\n"));

    let report = crate::outside::get_json(at, "/report").await;
    assert_eq!((&report["cause"], &report["services"][0]["setup"]["outcome"]), (&().into(), &"ok".into()));
    text("/report").await;
    end(observed).await;
}

#[actix::test]
async fn g22_head_is_answered_as_get_without_the_body() {
    let (observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    let mut client = Client::connect(at).await;
    for path in ["/livez", "/plan", "/", "/livez"] {
        let whole = client_get(&mut client, path).await;
        client.send(&request(&format!("HEAD {path}"), &[])).await;
        let (status, head) = client.head().await;
        assert_eq!(
            (status, head.contains(&format!("content-length: {}\r\n", whole.len()))),
            (200, true),
            "{head}"
        );
    }
    client.send(&request("HEAD /events", &[])).await;
    assert_eq!(client.head().await.0, 200);
    drop(client);
    end(observed).await;
}

async fn client_get(client: &mut Client, path: &str) -> String {
    client.send(&request(&format!("GET {path}"), &[])).await;
    client.answer().await.body
}

#[actix::test]
async fn g22_g25_who_stands_by_is_no_reason_for_not_being_ready() {
    let (store, set_up) = (MemoryLeases::new(), Gate::new());
    store.take("nightly", "another", Duration::from_secs(3600));
    let reports = restartable_fn("reports", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let reports = ServiceSpec::new(reports).only_with(Lease::new(store, "nightly"));
    let may_begin = set_up.clone();
    let slow = Probe::new("slow", &Journal::default()).setup(|_| async move {
        may_begin.passed().await;
        Ok(())
    });
    let (mut observed, at) = show(|manager| manager.service(reports).service(slow)).await;
    observed.seen("standby reports").await;
    observed.seen("setup_started slow").await;
    let came = get(at, "/readyz").await;
    assert_eq!((came.status, came.body.lines().count()), (503, 1), "{came:?}");
    assert!(came.body.starts_with("slow: "), "{came:?}");
    set_up.open();
    observed.running().await;
    assert_eq!(get(at, "/readyz").await.body, "ok\n");
    let all = get(at, "/readyz?verbose").await.body;
    assert!(all.contains("reports: standing by until the lease \"nightly\" is free\n"), "{all}");
    observed.shut_down();
    observed.ended().await.assert_ok();
}
