//! G23: orders, by those who have the right.

use std::time::Duration;

use majordomo::testing::MemoryLeases;
use majordomo::{Lease, RestartPolicy, ServiceSpec, restartable_fn};
use support::{Gate, Journal, Observed, Probe, ms};

use crate::outside::{assert_refused, get, get_json, order, order_with, show};

fn again(id: &str) -> ServiceSpec<majordomo::RestartableFn> {
    let run = |run: majordomo::Run| async move {
        run.shutdown.requested().await;
        Ok(())
    };
    ServiceSpec::new(restartable_fn(id, run)).restart(RestartPolicy::never())
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g23_a_service_is_restarted_and_stopped_and_answered_when_that_is_done() {
    let (observed, at) = show(|manager| manager.service(again("a b/ä"))).await;
    observed.running().await;
    let path = |what: &str| format!("/orders/{what}/a%20b%2F%C3%A4");
    let came = order(at, &path("restart")).await;
    assert_eq!((came.status, came.body.as_str()), (200, r#"{"ok":true}"#));
    assert_eq!(observed.events().count("restart_finished"), 1, "answered when it was done");
    assert_eq!(get_json(at, "/status").await["services"][0]["restart"]["total"], 1);
    assert_eq!(order(at, &path("stop")).await.status, 200);
    assert_eq!(get_json(at, "/status").await["services"][0]["state"], "stopped");
    assert_eq!(order(at, &path("restart")).await.status, 200);
    end(observed).await;
}

#[actix::test]
async fn g23_orders_that_cannot_be_carried_out_are_refused_by_name() {
    let (observed, at) = show(|manager| {
        let plain = Probe::new("plain", &Journal::default());
        manager
            .service(again("db"))
            .service(plain)
            .service(ServiceSpec::new(again_on("api")).depends_on("db"))
    })
    .await;
    observed.running().await;
    assert_refused(&order(at, "/orders/restart/nobody").await, 404, &["nobody", "GET /status"]);
    assert_refused(&order(at, "/orders/stop/nobody").await, 404, &["nobody"]);
    assert_refused(&order(at, "/orders/restart/").await, 404, &["no service"]);
    assert_refused(&order(at, "/orders/restart").await, 404, &["GET /"]);
    assert_refused(&order(at, "/orders/restart/%ff").await, 400, &["UTF-8"]);
    assert_refused(&order(at, "/orders/restart/plain").await, 409, &["plain", "cannot be started again"]);
    assert_refused(&order(at, "/orders/reload").await, 409, &["nothing to reload", "reloadable()"]);
    assert_refused(&order(at, "/orders/handover").await, 409, &["offers no hand-over"]);
    let long = format!("/orders/restart/{}", "%1b".repeat(1000));
    let came = order(at, &long).await;
    assert_eq!(came.status, 404);
    assert!(came.body.len() < 1000 && !came.body.contains('\u{1b}'), "{}", came.body);
    end(observed).await;
}

#[actix::test]
async fn g23_a_service_steps_down_for_the_time_that_the_body_says_and_is_answered_when_its_lease_is_free() {
    let store = MemoryLeases::new();
    let lease = Lease::new(store.clone(), "nightly").ttl(Duration::from_secs(3600));
    let (mut observed, at) =
        show(|manager| manager.service(again("reports").only_with(lease)).service(again("plain"))).await;
    observed.seen("run_started reports").await;
    let path = "/orders/step-down/reports";
    for (body, words) in [
        (r#"{"stay_out_ms": "long"}"#, &["for how long", "stay_out_ms"][..]),
        (r#"{"stay_out": 5}"#, &["stay_out", "unknown field"]),
        ("5000", &["for how long"]),
        (r#"{"stay_out_ms": 5000}"#, &["reports", "5s", "3600s"]),
        (r#"{"stay_out_ms": 18446744073709551615}"#, &["reports", "86400s"]),
    ] {
        assert_refused(&order_with(at, path, body).await, 400, words);
    }
    assert_refused(&order(at, "/orders/step-down/plain").await, 409, &["plain", "needs no lease"]);
    assert_refused(&order(at, "/orders/step-down/nobody").await, 404, &["nobody"]);
    assert_refused(&order(at, "/orders/step-down").await, 404, &["GET /"]);
    let held = get_json(at, "/status").await["services"][0]["lease"].clone();
    assert_eq!((&held["condition"], &held["epoch"]), (&"held".into(), &1.into()), "nothing has changed");

    let came = order_with(at, path, r#"{"stay_out_ms": 7200000}"#).await;
    assert_eq!((came.status, came.body.as_str()), (200, r#"{"ok":true}"#));
    assert_eq!(store.holder("nightly"), None, "answered when it was done");
    assert_refused(&order(at, path).await, 409, &["reports", "does not have its lease", "nightly"]);
    let status = get_json(at, "/status").await;
    let (service, lease) = (&status["services"][0], &status["services"][0]["lease"]);
    assert_eq!((&service["condition"], &lease["condition"]), (&"standby".into(), &"staying_out".into()));
    let left = lease["stays_out_until_ms"].as_u64().unwrap() - status["up_ms"].as_u64().unwrap();
    assert!((3_600_000..=7_200_000).contains(&left), "{left}");
    // To stand by is all well.
    assert_eq!(get(at, "/readyz").await.status, 200);
    end(observed).await;
}

/// The same, for one that depends on another.
fn again_on(id: &'static str) -> majordomo::RestartableFn {
    restartable_fn(id, |run: majordomo::Run| async move {
        run.shutdown.requested().await;
        Ok(())
    })
}

#[actix::test]
async fn g23_a_shutdown_is_answered_when_it_has_begun_and_then_forced() {
    let stubborn = Probe::new("stubborn", &Journal::default()).run(|_| support::never());
    let (mut observed, at) = show(|manager| manager.service(stubborn).service(again("other"))).await;
    observed.running().await;
    assert_eq!(order(at, "/orders/shutdown").await.status, 200);
    assert_eq!(observed.events().count("shutdown_requested"), 1);
    assert_eq!(get(at, "/readyz").await.status, 503);
    observed.seen("shutdown_finished stubborn").await;
    // Any number of times.
    assert_eq!(order(at, "/orders/shutdown").await.status, 200);
    assert_refused(&order(at, "/orders/restart/other").await, 409, &["stopping"]);
    assert_eq!(order(at, "/orders/force").await.status, 200);
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    assert_eq!(ended.cause(), "StartShutdown");
}

#[actix::test]
async fn g23_an_order_whose_sender_has_gone_is_carried_out_all_the_same() {
    let gate = Gate::new();
    let slow = gate.clone();
    let service = Probe::new("slow", &Journal::default()).shutdown(|_| async move {
        slow.passed().await;
        Ok(())
    });
    let (mut observed, at) =
        show(|manager| manager.service(ServiceSpec::new(service).stop_timeout(ms(9_000)))).await;
    observed.running().await;
    let mut client = support::Client::connect(at).await;
    let fields = crate::outside::rightful();
    client
        .send(&crate::outside::request("POST /orders/stop/slow", &fields.each_ref().map(String::as_str)))
        .await;
    gate.arrived().await;
    drop(client);
    gate.open();
    observed.seen("stop_finished slow: ok").await;
    end(observed).await;
}
