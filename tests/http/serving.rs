//! G2, G11, G19: from the port to the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Extension;
use axum::routing::{get, post};
use http::Request;
use majordomo::http::{Body, Peer};
use majordomo::{BoxError, RestartPolicy, RestartService, ShutdownSignal, http_service, http_service_fn};
use support::{Gate, any_server, ms, observe, options, within};
use tokio::net::{TcpStream, UnixStream};

use crate::peers::{Client, address, serve};

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" })).route("/echo", post(|body: String| async { body }))
}

#[actix::test]
async fn g19_a_router_answers_over_http_1_1_and_keeps_the_connection() {
    let (mut observed, at) = serve(hello()).await;
    let mut client = Client::connect(at).await;
    for _ in 0..3 {
        let came = client.get("/").await;
        assert_eq!((came.status, &*came.body), (200, "hello"));
    }
    assert_eq!(client.get("/nowhere").await.status, 404);
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.body, "abc");
    let status = observed.status().await;
    assert_eq!(status.services[0].http.as_ref().unwrap().arrived, 5);
    observed.shut_down();
    assert_eq!(client.rest().await, "", "an idle connection is closed");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_http_2_is_spoken_at_the_same_address() {
    let (mut observed, at) = serve(hello()).await;
    let (mut sender, connection) =
        h2::client::handshake(TcpStream::connect(at).await.unwrap()).await.unwrap();
    let driven = actix_rt::spawn(connection);
    let request = Request::get("http://test/").body(()).unwrap();
    let response = within("an answer", sender.send_request(request, true).unwrap().0).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
    drop((response, sender));
    observed.shut_down();
    observed.ended().await.assert_ok();
    driven.await.unwrap().unwrap();
}

#[actix::test]
async fn g02_connections_are_refused_until_all_run() {
    any_server::refuses_until_all_run(|at| http_service("web", at, hello())).await;
    // Neither does one whose set-up is tried again listen before.
    let mut tries = 0;
    let make = move |_| {
        tries += 1;
        let made = if tries == 1 { Err("no database yet".into()) } else { Ok(hello()) };
        async move { made }
    };
    let soon = RestartPolicy::on_failure().backoff(ms(1), ms(1));
    any_server::refuses_until_all_run(|at| http_service_fn("web", at, make).retry_setup(soon)).await;
}

#[actix::test]
async fn g19_a_request_knows_its_peer_and_the_shutdown_signal() {
    let tells = |Extension(peer): Extension<Peer>, Extension(signal): Extension<ShutdownSignal>| async move {
        format!("{} {}", peer.address.is_some(), signal.is_requested())
    };
    let (mut observed, at) = serve(Router::new().route("/", get(tells))).await;
    assert_eq!(Client::connect(at).await.get("/").await.body, "true false");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g11_a_handler_that_panics_is_answered_500_and_harms_nobody() {
    let bad = || async { panic!("a bad day") as &'static str };
    let (mut observed, at) = serve(hello().route("/bad", get(bad))).await;
    let mut client = Client::connect(at).await;
    let came = client.get("/bad").await;
    assert_eq!(came.status, 500, "{came:?}");
    assert_eq!(client.get("/").await.body, "hello", "the connection goes on");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_a_server_that_is_restarted_is_made_anew_at_the_same_port() {
    let lives = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&lives);
    let make = move |_| {
        let life = counted.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            Ok::<_, BoxError>(Router::new().route("/", get(move || async move { format!("life {life}") })))
        }
    };
    let web = http_service_fn("web", "127.0.0.1:0", make).restart(RestartPolicy::on_failure());
    let other = http_service("other", "127.0.0.1:0", hello());
    let mut observed = observe(options(), |manager| manager.service(web).service(other));
    observed.running().await;
    let (at, beside) = (address(&observed, "web").await, address(&observed, "other").await);
    let mut untouched = Client::connect(beside).await;
    assert_eq!(untouched.get("/").await.status, 200);
    assert_eq!(Client::connect(at).await.get("/").await.body, "life 1");
    within("the restart", observed.manager.send(RestartService("web".into()))).await.unwrap().unwrap();
    assert_eq!(Client::connect(at).await.get("/").await.body, "life 2");
    assert_eq!(untouched.get("/").await.status, 200, "the other server's connection went");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_any_tower_service_may_answer_and_one_that_fails_is_answered_500() {
    let service = tower::service_fn(|request: Request<Body>| async move {
        if request.uri().path() == "/fail" { Err("no") } else { Ok(http::Response::new(Body::from("ok"))) }
    });
    let web = http_service("web", "127.0.0.1:0", service);
    let mut observed = observe(options(), |manager| manager.service(web));
    observed.running().await;
    let mut client = Client::connect(address(&observed, "web").await).await;
    assert_eq!((client.get("/").await.status, client.get("/fail").await.status), (200, 500));
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_it_listens_on_a_unix_socket() {
    let folder = support::Folder::new();
    let path = folder.path("web.sock");
    let web = http_service("web", format!("unix:{}", path.display()), hello());
    let mut observed = observe(options(), |manager| manager.service(web));
    observed.running().await;
    let (mut sender, connection) =
        h2::client::handshake(UnixStream::connect(&path).await.unwrap()).await.unwrap();
    actix_rt::spawn(async move { drop(connection.await) });
    let request = Request::get("http://test/").body(()).unwrap();
    assert_eq!(
        within("an answer", sender.send_request(request, true).unwrap().0).await.unwrap().status(),
        200
    );
    drop(sender);
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert!(!path.exists());
}

#[actix::test]
async fn g17_the_handler_of_a_client_that_has_gone_is_dropped() {
    let (gate, left) = (Gate::new(), Gate::new());
    let (entered, gone) = (gate.clone(), left.clone());
    let hangs = move || {
        let (entered, dropped) = (entered.clone(), gone.on_drop());
        async move {
            let _dropped = dropped;
            entered.passed().await;
            "late"
        }
    };
    let (mut observed, at) = serve(Router::new().route("/", get(hangs))).await;
    let mut client = Client::connect(at).await;
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    drop(client);
    within("the end of the handler", left.passed()).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}
