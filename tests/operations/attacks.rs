//! G23: orders without a right, and pages that would have a browser give them.

use std::net::SocketAddr;

use majordomo::Operations;
use support::{Client, Journal, Observed, Probe, options};

use crate::outside::{TOKEN, ask, assert_refused, get, operations, request, rightful, show, show_with};

async fn probed() -> (Observed, SocketAddr) {
    let (observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    (observed, at)
}

/// Nothing has come of all that: it runs, and ends cleanly when it is asked.
async fn untouched(mut observed: Observed, at: SocketAddr) {
    assert_eq!(get(at, "/readyz").await.status, 200);
    for event in ["shutdown_requested", "stop_started", "restart_started"] {
        assert_eq!(observed.events().count(event), 0, "{event}");
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}

async fn post(at: SocketAddr, fields: &[&str]) -> support::Came {
    ask(at, &request("POST /orders/shutdown", fields)).await
}

#[actix::test]
async fn g23_without_the_token_in_its_place_there_is_no_order() {
    let (observed, at) = probed().await;
    let [bearer, json] = rightful();
    let came = post(at, &[&json]).await;
    assert_refused(&came, 401, &["Authorization: Bearer"]);
    assert!(came.head.contains("www-authenticate: bearer\r\n"), "{}", came.head);
    for wrong in [
        "Authorization: Bearer another-token-123",
        &format!("Authorization: {TOKEN}"),
        &format!("X-Token: {TOKEN}"),
    ] {
        assert_refused(&post(at, &[wrong, &json]).await, 401, &[]);
    }
    for path in [format!("/orders/shutdown?token={TOKEN}"), format!("/orders/shutdown?access_token={TOKEN}")]
    {
        assert_refused(&ask(at, &request(&format!("POST {path}"), &[&json])).await, 401, &[]);
    }
    assert_refused(&post(at, &[&bearer, &bearer, &json]).await, 401, &[]);
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_where_no_token_is_set_there_are_no_orders_over_tcp() {
    let options = options().operations(Operations::new("0"));
    let (observed, at) =
        show_with(options, |manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    let [bearer, json] = rightful();
    assert_refused(&post(at, &[&bearer, &json]).await, 403, &["Operations::token", "Unix socket"]);
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_a_form_that_a_page_has_sent_is_no_order() {
    let (observed, at) = probed().await;
    let [bearer, json] = rightful();
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        assert_refused(
            &post(at, &[&bearer, &format!("Content-Type: {kind}")]).await,
            415,
            &["application/json"],
        );
    }
    assert_refused(&post(at, &[&bearer]).await, 415, &[]);
    for page in [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_refused(&post(at, &[&bearer, &json, page]).await, 403, &["another origin"]);
    }
    assert_refused(&ask(at, &request("GET /status", &["Origin: http://evil.example"])).await, 403, &[]);
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_a_name_that_was_bound_again_is_refused_whatever_is_asked() {
    let (observed, at) = probed().await;
    let [bearer, json] = rightful();
    let foreign =
        |line: &str| format!("{line} HTTP/1.1\r\nHost: evil.example:9000\r\n{bearer}\r\n{json}\r\n\r\n");
    for line in ["GET /status", "GET /livez", "GET /events", "GET /", "POST /orders/shutdown"] {
        assert_refused(&ask(at, &foreign(line)).await, 403, &["evil.example", "allow_host"]);
    }
    let absolute = request("GET http://evil.example/status", &[]);
    assert_refused(&ask(at, &absolute).await, 403, &["evil.example"]);
    assert_refused(&ask(at, "GET /status HTTP/1.1\r\n\r\n").await, 400, &["Host"]);
    let twice = request("GET /status", &["Host: localhost"]);
    assert_refused(&ask(at, &twice).await, 400, &["more than one Host"]);
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_a_host_that_is_allowed_is_answered() {
    let options = options().operations(operations().allow_host("ops.example"));
    let (observed, at) =
        show_with(options, |manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    for host in ["ops.example", "OPS.example:443", "localhost", "127.0.0.1:1", &at.to_string()] {
        let request = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(ask(at, &request).await.status, 200, "{host}");
    }
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_nothing_is_changed_by_get_nor_asked_by_post() {
    let (observed, at) = probed().await;
    let fields = rightful();
    let fields = fields.each_ref().map(String::as_str);
    for path in ["/orders/shutdown", "/orders/force", "/orders/stop/a", "/orders/restart/a", "/orders/reload"]
    {
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let came = ask(at, &request(&format!("{method} {path}"), &fields)).await;
            assert_refused(&came, 405, &[]);
            assert!(came.head.contains("allow: post\r\n"), "{}", came.head);
        }
        // Its answer has no body.
        let mut client = Client::connect(at).await;
        client.send(&request(&format!("HEAD {path}"), &fields)).await;
        assert_eq!(client.head().await.0, 405);
    }
    for path in ["/status", "/livez", "/", "/events"] {
        let came = ask(at, &request(&format!("POST {path}"), &fields)).await;
        assert_refused(&came, 405, &[]);
        assert!(came.head.contains("allow: get, head\r\n"), "{}", came.head);
    }
    assert_refused(&get(at, "/nowhere").await, 404, &["/nowhere", "GET /"]);
    match cfg!(feature = "prometheus") {
        true => assert_eq!(get(at, "/metrics").await.status, 200),
        false => assert_refused(&get(at, "/metrics").await, 404, &["no metrics"]),
    }
    untouched(observed, at).await;
}

#[actix::test]
async fn g23_a_body_says_nothing_but_is_json_where_it_is_there() {
    let (observed, at) = probed().await;
    let order = |body: &str| {
        let [bearer, json] = rightful();
        let length = body.len();
        format!(
            "POST /orders/stop/nobody HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n{json}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    for (body, status) in [("", 404), ("{}", 404), (" {\"a\": 1} ", 404), ("a=b", 400), ("{", 400)] {
        assert_refused(&ask(at, &order(body)).await, status, &[]);
    }
    untouched(observed, at).await;
}
