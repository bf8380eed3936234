//! G20: a deploy is not held up by those who watch.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::stream;
use majordomo::grpc::health::{HealthCheckRequest, HealthClient};
use majordomo::http::HttpServerOptions;
use majordomo::{GrpcServerOptions, Manager, ManagerError, WaitForShutdown, WaitUntilRunning, http_service};
use rustix::process::Signal;
use support::rpc::{Calls, connect, endless};
use support::{Client, Probe, child, within};

/// How long what does not end by itself may go on.
const GRACE: Duration = Duration::from_millis(500);
const CONNECTIONS: usize = 10;
const WATCHES_EACH: usize = 100;
const STREAMS_EACH: usize = 5;
const EVENTS: usize = 50;

/// What the process of this test does.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    assert_eq!(program, "server");
    let result = actix::System::new().block_on(serve());
    println!("\nchild: end {:?}", result.as_ref().err());
    majordomo::exit(result)
}

async fn serve() -> Result<(), ManagerError> {
    let events = || async {
        let ticks = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"data: x\n\n")), ()))
        });
        let body = Body::from_stream(ticks);
        Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
    };
    let options = support::rpc::options().handle_signals(true);
    let options = options.grpc_server(GrpcServerOptions::new().stream_grace(GRACE));
    let web = http_service("web", "127.0.0.1:0", Router::new().route("/events", get(events)));
    let (calls, _held) = Calls::new();
    let calls = Probe::new("calls", &support::Journal::default()).register_at_once(calls.register());
    let manager = Manager::new(options)
        .grpc_service(calls)
        .service(web.options(HttpServerOptions::new().stream_grace(GRACE)))
        .start();
    manager.send(WaitUntilRunning).await??;
    let status = manager.send(majordomo::GetStatus).await?;
    let web = status.services.iter().find(|service| &*service.id == "web").unwrap();
    println!("\nchild: serves {} {}", status.grpc_address.unwrap(), web.addresses[0]);
    manager.send(WaitForShutdown).await?
}

#[actix::test]
async fn g20_a_deploy_ends_a_thousand_watches_and_a_hundred_streams_within_their_grace() {
    let mut child = child::start(module_path!(), "server");
    let line = child.wait_for("child: serves");
    let mut addresses = line.split(' ').skip(2).map(|at| at.trim().parse::<SocketAddr>().unwrap());
    let (grpc, web) = (addresses.next().unwrap(), addresses.next().unwrap());
    let began = Instant::now();
    let (mut watches, mut streams, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CONNECTIONS {
        let channel = connect(grpc).await;
        for _ in 0..WATCHES_EACH {
            let mut client = HealthClient::new(channel.clone());
            let watch = within("a watch", client.watch(HealthCheckRequest::default())).await.unwrap();
            let mut watch = watch.into_inner();
            assert!(within("a status", watch.message()).await.unwrap().is_some());
            watches.push(watch);
        }
        for _ in 0..STREAMS_EACH {
            streams.push(endless(channel.clone()).await);
        }
    }
    for _ in 0..EVENTS {
        let mut client = Client::connect(web).await;
        client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert_eq!(client.head().await.0, 200);
        events.push(client);
    }
    // Half of what it takes here and now to open them, one after the other, is enough to end them.
    let opened = began.elapsed();
    let watched = watches.into_iter().map(|mut watch| async move {
        loop {
            match within("the end of a watch", watch.message()).await {
                Ok(Some(_)) => {}
                ended => return ended.is_ok(),
            }
        }
    });
    let streamed = streams.into_iter().map(|mut stream| async move {
        loop {
            match within("the end of a stream", stream.message()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a status"),
                Err(status) => return status.code(),
            }
        }
    });
    let came = events.into_iter().map(|mut client| async move { client.rest().await });
    let asked = Instant::now();
    child.signal(Signal::TERM);
    let (watched, streamed, came) = tokio::join!(join_all(watched), join_all(streamed), join_all(came));
    let status = child.end();
    let took = asked.elapsed();
    assert_eq!(watched.iter().filter(|clean| **clean).count(), CONNECTIONS * WATCHES_EACH);
    assert!(streamed.iter().all(|code| *code == tonic::Code::Unavailable), "{streamed:?}");
    assert!(came.iter().all(|rest| rest.ends_with("0\r\n\r\n")), "{came:?}");
    assert_eq!(status.code(), Some(0));
    assert!(took < GRACE + Duration::from_secs(1).max(opened / 2), "{took:?}; opened in {opened:?}");
}
