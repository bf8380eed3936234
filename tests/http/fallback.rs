//! G1, G2, G8, G11, G19, G20: HTTP at gRPC's addresses.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream;
use http::Request;
use majordomo::http::Peer;
use majordomo::{ConfigError, GrpcServerOptions, Manager, ManagerOptions, ShutdownSignal};
use support::any_server::DELAY;
use support::rpc::{Reserved, ping};
use support::{Gate, Journal, Observed, Probe, connect, ms, observe, options, serving, within};
use tokio::net::TcpStream;

use crate::peers::Client;

/// What answers that is not gRPC.
fn router(gate: &Gate) -> Router {
    let gate = gate.clone();
    let slow = move || async move {
        gate.passed().await;
        "late"
    };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", get(slow))
        .route("/echo", post(|body: String| async { body }))
        .route("/bad", get(|| async { panic!("a bad day") as &'static str }))
}

/// A gRPC server with pings and a fallback, and where it is.
async fn serve_with(options: ManagerOptions, gate: &Gate) -> (Observed, SocketAddr) {
    let observed = observe(options.http_fallback(router(gate)), |manager| manager);
    observed.running().await;
    let at = observed.status().await.grpc_address.expect("it serves");
    (observed, at)
}

#[actix::test]
async fn g19_grpc_and_http_are_answered_at_one_address() {
    let (mut observed, at) = serve_with(serving(), &Gate::new()).await;
    let mut client = Client::connect(at).await;
    assert_eq!(client.get("/").await.body, "hello");
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc").await;
    assert_eq!(client.answer().await.body, "abc");
    assert_eq!(client.get("/nowhere").await.status, 404);
    ping(connect(&observed).await).await.unwrap();

    let (mut sender, connection) =
        h2::client::handshake(TcpStream::connect(at).await.unwrap()).await.unwrap();
    let driven = actix_rt::spawn(connection);
    let request = Request::get("http://test/").body(()).unwrap();
    let response = within("an answer", sender.send_request(request, true).unwrap().0).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
    drop((response, sender));
    let status = observed.status().await;
    assert_eq!(status.grpc.as_ref().unwrap().arrived, 5, "all of them count");
    observed.shut_down();
    assert_eq!(client.rest().await, "", "an idle connection is closed");
    observed.ended().await.assert_ok();
    driven.await.unwrap().unwrap();
}

#[actix::test]
async fn g19_what_says_it_is_grpc_is_answered_by_grpc_also_where_it_is_wrong() {
    let (mut observed, at) = serve_with(serving(), &Gate::new()).await;
    for (content_type, status, told) in [
        ("application/grpc", 505, "grpc needs http/2"),
        ("application/grpc+thrift", 415, "content-type"),
        ("application/grpc-web", 415, "content-type"),
    ] {
        let mut client = Client::connect(at).await;
        client
            .send(&format!(
                "POST /pkping.Ping/Ping HTTP/1.1\r\nHost: test\r\nContent-Type: {content_type}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0"
            ))
            .await;
        let came = client.answer().await;
        let message = came.head.replace("%20", " ");
        assert!(came.status == status && message.contains(told), "{content_type}: {came:?}");
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_a_fallback_without_any_grpc_service_is_served_all_the_same() {
    let options = options().grpc_server_address("127.0.0.1:0");
    let plan = Manager::new(options.clone().http_fallback(router(&Gate::new()))).plan().unwrap();
    assert!(plan.to_string().contains("majordomo grpc"), "{plan}");
    let (mut observed, at) = serve_with(options, &Gate::new()).await;
    assert_eq!(Client::connect(at).await.get("/").await.body, "hello");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[test]
fn g01_a_fallback_without_grpc_is_refused_and_told_what_to_do() {
    let refused = |options: ManagerOptions| Manager::new(options).plan().unwrap_err();
    for options in [
        options().without_grpc().http_fallback(router(&Gate::new())),
        options().http_fallback(router(&Gate::new())).without_grpc(),
    ] {
        let error = refused(options);
        assert!(matches!(error, ConfigError::WithoutGrpcAddress), "{error}");
        let text = error.to_string();
        assert!(text.contains("http_fallback") && text.contains("http_service"), "{text}");
    }
    for (options, named) in [
        (GrpcServerOptions::new().max_body_size(0), "GrpcServerOptions::max_body_size is 0"),
        (GrpcServerOptions::new().body_timeout(ms(0)), "GrpcServerOptions::body_timeout is 0s"),
        (GrpcServerOptions::new().head_timeout(ms(0)), "GrpcServerOptions::head_timeout is 0s"),
    ] {
        let text = refused(serving().grpc_server(options)).to_string();
        assert!(text.starts_with(named), "{text}");
    }
}

#[actix::test]
async fn g02_nobody_is_accepted_until_all_run() {
    let gate = Gate::new();
    let passed = gate.clone();
    let slow = Probe::new("slow", &Journal::default()).setup(move |_| async move {
        passed.passed().await;
        Ok(())
    });
    let port = Reserved::new();
    let at = port.address;
    let options = options().grpc_server_address(at.to_string()).http_fallback(router(&Gate::new()));
    let mut observed = observe(options, |manager| manager.service(slow));
    observed.seen("setup_finished majordomo grpc: ok").await;
    assert!(TcpStream::connect(at).await.is_err(), "it accepts before all are set up");
    gate.open();
    observed.running().await;
    assert_eq!(Client::connect(at).await.get("/").await.status, 200);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_a_request_of_the_fallback_knows_its_peer_and_the_shutdown_signal() {
    let tells = |Extension(peer): Extension<Peer>, Extension(signal): Extension<ShutdownSignal>| async move {
        format!("{} {}", peer.address.is_some(), signal.is_requested())
    };
    let fallback = Router::new().route("/", get(tells));
    let mut observed = observe(serving().http_fallback(fallback), |manager| manager);
    observed.running().await;
    let at = observed.status().await.grpc_address.unwrap();
    assert_eq!(Client::connect(at).await.get("/").await.body, "true false");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g11_a_panic_of_the_fallback_is_answered_500_and_harms_nobody() {
    let (mut observed, at) = serve_with(serving(), &Gate::new()).await;
    let mut client = Client::connect(at).await;
    assert_eq!(client.get("/bad").await.status, 500);
    assert_eq!(client.get("/").await.body, "hello", "the connection goes on");
    ping(connect(&observed).await).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_limits_of_the_server_hold_for_its_fallback() {
    let gate = Gate::new();
    let limits = GrpcServerOptions::new().max_concurrent_calls(1).max_body_size(4);
    let (mut observed, at) = serve_with(serving().grpc_server(limits), &gate).await;
    let mut first = Client::connect(at).await;
    first.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    let mut second = Client::connect(at).await;
    let came = second.get("/").await;
    assert!(came.status == 503 && came.head.contains("retry-after"), "{came:?}");
    let shed = ping(connect(&observed).await).await.unwrap_err();
    assert_eq!(shed.code(), tonic::Code::ResourceExhausted, "calls and requests share the places");
    gate.open();
    assert_eq!(first.answer().await.body, "late");
    first.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde").await;
    assert_eq!(first.answer().await.status, 413);
    assert_eq!(observed.status().await.grpc.as_ref().unwrap().shed, 2);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_requests_of_the_fallback_finish_and_answers_say_that_the_connection_ends() {
    let gate = Gate::new();
    let (mut observed, at) = serve_with(serving().drain_delay(DELAY), &gate).await;
    let mut slow = Client::connect(at).await;
    slow.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    let mut client = Client::connect(at).await;
    assert!(!client.get("/").await.head.contains("connection: close"));
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    assert!(client.get("/").await.head.contains("connection: close"), "from the drain delay on");
    observed.seen("shutdown_started majordomo grpc").await;
    gate.open();
    let came = slow.answer().await;
    assert_eq!((came.status, &*came.body), (200, "late"));
    assert!(came.head.contains("connection: close"), "{}", came.head);
    assert_eq!(slow.rest().await, "");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g20_events_of_the_fallback_end_in_order_after_their_grace() {
    let events = || async {
        let ticks = stream::unfold((), |()| async {
            tokio::time::sleep(ms(5)).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"data: x\n\n")), ()))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(Body::from_stream(ticks)).unwrap()
    };
    let server = GrpcServerOptions::new().stream_grace(ms(100));
    let fallback = Router::new().route("/events", get(events));
    let options = serving().grpc_server(server).http_fallback(fallback);
    let mut observed = observe(options, |manager| manager);
    observed.running().await;
    let mut client = Client::connect(observed.status().await.grpc_address.unwrap()).await;
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    assert!(client.rest().await.ends_with("\r\n0\r\n\r\n"), "its end is in order");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("majordomo grpc").streams_ended, 1);
}

#[actix::test]
async fn g09_a_request_that_is_left_at_the_deadline_is_named_by_method_and_route() {
    let gate = Gate::new();
    let (mut observed, at) = serve_with(serving().max_shutdown_duration(ms(1500)), &gate).await;
    let mut client = Client::connect(at).await;
    client.send("GET /slow?secret=1 HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.shut_down();
    assert_eq!(client.answer().await.status, 503);
    let ended = observed.ended().await;
    let error = ended.result.as_ref().unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("majordomo grpc") && text.contains("GET /slow"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[cfg(feature = "tls")]
#[actix::test]
async fn g19_over_tls_clients_choose_http_1_1_or_http_2() {
    use support::tls::{ANY_VERSION, Authority, shake};

    let authority = Authority::new("ours");
    let server = GrpcServerOptions::new().tls(authority.sign("localhost").tls());
    let (mut observed, at) = serve_with(serving().grpc_server(server), &Gate::new()).await;
    for (offered, chosen) in
        [(&["http/1.1"][..], Some(&b"http/1.1"[..])), (&["h2", "http/1.1"], Some(b"h2")), (&[], None)]
    {
        let stream = within("the handshake", shake(at, &authority, offered, ANY_VERSION)).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[cfg(feature = "testing")]
#[test]
fn g01_a_fallback_at_a_socket_is_refused_in_paused_time() {
    majordomo::testing::paused(|| async {
        let options = options().grpc_server_address("127.0.0.1:0").http_fallback(router(&Gate::new()));
        let manager = majordomo::testing::start_paused(Manager::new(options));
        let error = manager.send(majordomo::WaitUntilRunning).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("\"majordomo grpc\" is to listen on 127.0.0.1:0"), "{error}");
    });
}
