//! G9, G10: a handler that blocks its worker.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use actix_web::web::{self, ServiceConfig};
use support::{Client, Gate, ms, options};

use crate::{drain_error, serve, two};

/// Blocks its worker until the sender is dropped, or the thread that it starts by `web::block`.
fn blocking(gate: &Gate) -> (impl FnOnce(&mut ServiceConfig) + Clone + Send + 'static, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (released, gate) = (Arc::new(Mutex::new(released)), gate.clone());
    let routes = move |routes: &mut ServiceConfig| {
        let (waits, entered) = (Arc::clone(&released), gate.clone());
        let block = move || {
            let (waits, entered) = (Arc::clone(&waits), entered.clone());
            async move {
                entered.passed().await;
                let _ = waits.lock().unwrap().recv();
                "late"
            }
        };
        let (waits, entered) = (released, gate);
        let elsewhere = move || {
            let (waits, entered) = (Arc::clone(&waits), entered.clone());
            async move {
                entered.passed().await;
                let _ = web::block(move || waits.lock().unwrap().recv()).await;
                "late"
            }
        };
        routes.route("/block", web::get().to(block)).route("/elsewhere", web::get().to(elsewhere));
    };
    (routes, release)
}

#[actix::test]
async fn g09_a_handler_that_blocks_its_worker_is_named_and_holds_up_no_end() {
    let limit = ms(600);
    for (path, by) in [("/block", Some("GET /block")), ("/elsewhere", None)] {
        let gate = Gate::new();
        gate.open();
        let (routes, release) = blocking(&gate);
        let (mut observed, at) = serve(options().max_shutdown_duration(limit), two(), routes).await;
        let mut client = Client::connect(at).await;
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        gate.arrived().await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_exit_code(3);
        ended.assert_in_time(limit);
        let error = drain_error(&ended);
        // The other worker may only wait for the machine.
        let named = |request: &str| Some(request) == by;
        let mut workers = error.blocked_workers.iter().map(|worker| worker.by.as_ref());
        assert!(workers.any(|who| who.map_or(by.is_none(), |(request, _)| named(request))), "{error:?}");
        drop(release);
    }
}

#[actix::test]
async fn g09_a_server_with_a_blocked_worker_is_forced_at_once() {
    let gate = Gate::new();
    gate.open();
    let (routes, release) = blocking(&gate);
    let (mut observed, at) = serve(options(), two(), routes).await;
    let mut client = Client::connect(at).await;
    client.send("GET /block HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.force();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    ended.assert_in_time(ms(200));
    let text = ended.error().to_string();
    assert!(text.contains("GET /block"), "{text}");
    drop(release);
}
