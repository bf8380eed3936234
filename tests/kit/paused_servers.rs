//! Servers in paused time: gRPC and HTTP in memory, on the one thread, at exact times.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use futures_util::stream;
use h2::client::SendRequest;
use http::{Request, Uri};
use hyper::body::Bytes;
use majordomo::clients::InMemory;
use majordomo::http::HttpServerOptions;
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::testing::{Recorder, Scenario, paused, start_paused};
use majordomo::{
    ManagerOptions, OrderError, RestartPolicy, RestartService, StartShutdown, StopService, WaitForShutdown,
    WaitUntilRunning, http_service,
};
use support::rpc::{Calls, endless, flood};
use support::{Ended, Journal, Observed, Probe, ms, observe_paused, options};
use tokio::time::{Instant, advance, sleep};
use tonic::{Status, transport::Channel};
use tower::Service;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The least real time that a test in paused time took in a few runs: the machine may be busy with others. All runs see the same.
#[track_caller]
fn at_once<T: PartialEq + std::fmt::Debug, F: Future<Output = T>>(test: impl Fn() -> F) -> T {
    let mut seen = Vec::new();
    let timed = [(); 3].map(|()| {
        let began = std::time::Instant::now();
        seen.push(paused(&test));
        began.elapsed()
    });
    assert_eq!(seen[0], seen[1], "two runs differ");
    assert_eq!(seen[1], seen[2], "two runs differ");
    let least = timed.into_iter().min().unwrap();
    // Long enough for a busy machine, and much less than they wait for by their own time.
    assert!(least < s(2), "it took {least:?} of real time");
    seen.remove(0)
}

/// All that happened, and when.
fn lines(ended: &Ended) -> Vec<String> {
    ended.events.events().iter().map(|event| format!("{:?} {}", event.at, event.event)).collect()
}

/// Its calls take 20 s.
struct Slow;

#[tonic::async_trait]
impl Ping for Slow {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, Status> {
        sleep(s(20)).await;
        Ok(tonic::Response::new(()))
    }
}

/// A gRPC server in memory, of calls that take 20 s and streams that never end.
fn grpc(options: ManagerOptions) -> (Observed, Channel) {
    let memory = InMemory::new();
    let calls = Probe::new("calls", &Journal::default()).register_at_once(|on, _| {
        let (calls, _) = Calls::new();
        on.server.add_service(calls);
        on.server.add_service(PingServer::new(Slow));
        Ok(())
    });
    let observed = observe_paused(options.grpc_in_memory(&memory), |manager| manager.grpc_service(calls));
    (observed, memory.channel())
}

#[test]
fn g08_a_grpc_drain_of_half_a_minute_is_tested_at_once() {
    let events = at_once(|| async {
        let (mut observed, channel) = grpc(options().drain_delay(s(10)).max_shutdown_duration(s(60)));
        observed.running().await;
        sleep(s(3600)).await;
        let mut stream = endless(channel.clone()).await;
        let call = tokio::spawn(async move {
            let answer = PingClient::new(channel).ping(()).await;
            (answer.is_ok(), Instant::now())
        });
        sleep(ms(1)).await;
        let asked = Instant::now();
        observed.shut_down();
        let status = stream.message().await.unwrap_err();
        assert_eq!((status.code(), asked.elapsed()), (tonic::Code::Unavailable, s(15)), "{status}");
        let (answered, at) = call.await.unwrap();
        assert!(answered);
        assert_eq!(at - asked, s(20) - ms(1));
        let ended = observed.ended().await;
        ended.assert_ok();
        assert!(ended.took.unwrap() < s(21), "{:?}", ended.took);
        assert_eq!(ended.service("majordomo grpc").streams_ended, 1);
        lines(&ended)
    });
    assert!(events.iter().any(|line| line.ends_with("serving: in-memory")), "{events:#?}");
}

#[test]
fn g09_a_grpc_call_that_is_left_at_the_deadline_is_called_off_and_named_to_the_millisecond() {
    at_once(|| async {
        let (mut observed, channel) = grpc(options().max_shutdown_duration(s(10)));
        observed.running().await;
        let call = tokio::spawn(async move { PingClient::new(channel).ping(()).await });
        sleep(ms(1)).await;
        observed.shut_down();
        let status = call.await.unwrap().unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
        let ended = observed.ended().await;
        let text = ended.error().to_string();
        assert!(text.contains("/pkping.Ping/Ping"), "{text}");
        assert!(ended.took.unwrap() <= s(10), "{:?}", ended.took);
        (lines(&ended), ended.took)
    });
}

#[test]
fn g08_a_stream_that_never_pauses_is_answered_unavailable_too() {
    paused(|| async {
        // Not so long that its grace ends it.
        let whole = s(3);
        let (mut observed, channel) = grpc(options().max_shutdown_duration(whole));
        observed.running().await;
        let mut flood = flood(channel.clone()).await;
        let asked = Instant::now();
        observed.shut_down();
        // While there is something to do time stands: it is moved on with each message, until calls have been called off, and no further.
        let status = loop {
            match flood.message().await {
                Ok(message) => assert!(message.is_some(), "it never ends by itself"),
                Err(status) => break status,
            }
            if asked.elapsed() < whole - ms(140) {
                advance(ms(1)).await;
            }
        };
        assert_eq!((status.code(), status.message()), (tonic::Code::Unavailable, "server is shutting down"));
        drop(channel);
        let ended = observed.ended().await;
        let text = ended.error().to_string();
        assert!(text.contains("1 call answered UNAVAILABLE, 0 connections cut"), "{text}");
        assert!(ended.took.unwrap() < whole, "{:?}", ended.took);
    });
}

/// `/` answers at once, `/slow` after 20 s, `/events` for ever.
fn router() -> Router {
    let slow = || async {
        sleep(s(20)).await;
        "late"
    };
    let events = || async {
        let ticks = stream::unfold((), |()| async {
            sleep(s(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"data: x\n\n")), ()))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(Body::from_stream(ticks)).unwrap()
    };
    let hello = get(|| async { "hello" });
    Router::new().route("/", hello).route("/slow", get(slow)).route("/events", get(events))
}

/// An HTTP server in memory.
fn web(id: &str, memory: &InMemory) -> majordomo::ServiceSpec<majordomo::http::HttpServer> {
    let options = HttpServerOptions::new().in_memory(memory);
    http_service(id, "127.0.0.1:80", router()).options(options).restart(RestartPolicy::on_failure())
}

/// A connection of HTTP/2, in memory.
struct Client(SendRequest<Bytes>);

impl Client {
    async fn connect(memory: &InMemory) -> Self {
        let io = memory.clone().call(Uri::from_static("http://web")).await.unwrap().into_inner();
        let (sender, connection) = h2::client::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn get(&mut self, path: &str) -> Result<http::Response<h2::RecvStream>, h2::Error> {
        let mut sender = self.0.clone().ready().await?;
        let request = Request::get(format!("http://web{path}")).body(()).unwrap();
        sender.send_request(request, true)?.0.await
    }
}

#[test]
fn g19_an_http_drain_of_half_a_minute_is_tested_at_once() {
    let events = at_once(|| async {
        let memory = InMemory::new();
        let options = options().drain_delay(s(10)).max_shutdown_duration(s(60));
        let mut observed = observe_paused(options, |manager| manager.service(web("web", &memory)));
        observed.running().await;
        let mut client = Client::connect(&memory).await;
        assert_eq!(client.get("/").await.unwrap().status(), 200);
        sleep(s(3600)).await;
        let mut events = client.get("/events").await.unwrap().into_body();
        let mut other = Client::connect(&memory).await;
        let slow = tokio::spawn(async move {
            let status = other.get("/slow").await.unwrap().status();
            (status.as_u16(), Instant::now())
        });
        sleep(ms(1)).await;
        let asked = Instant::now();
        observed.shut_down();
        let mut count = 0;
        while let Some(data) = events.data().await {
            let length = data.unwrap().len();
            events.flow_control().release_capacity(length).unwrap();
            count += usize::from(length > 0);
        }
        assert_eq!((count, asked.elapsed()), (15, s(15)), "they end in order");
        let (status, at) = slow.await.unwrap();
        assert_eq!((status, at - asked), (200, s(20) - ms(1)));
        drop(client);
        let ended = observed.ended().await;
        ended.assert_ok();
        assert!(ended.took.unwrap() < s(21), "{:?}", ended.took);
        assert_eq!(ended.service("web").streams_ended, 1);
        lines(&ended)
    });
    assert!(events.iter().any(|line| line.contains("in-memory")), "{events:#?}");
}

#[test]
fn g19_a_server_that_restarts_in_paused_time_touches_no_connection_of_another() {
    at_once(|| async {
        let (one, two) = (InMemory::new(), InMemory::new());
        let mut observed =
            observe_paused(options(), |manager| manager.service(web("one", &one)).service(web("two", &two)));
        observed.running().await;
        let (mut client, mut beside) = (Client::connect(&one).await, Client::connect(&two).await);
        assert_eq!(beside.get("/").await.unwrap().status(), 200);
        for _ in 0..3 {
            assert_eq!(client.get("/").await.unwrap().status(), 200);
            observed.manager.send(RestartService("one".into())).await.unwrap().unwrap();
            client.get("/").await.unwrap_err();
            client = Client::connect(&one).await;
            assert_eq!(beside.get("/").await.unwrap().status(), 200);
        }
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        lines(&ended)
    });
}

#[test]
fn g19_what_is_open_where_a_server_is_stopped_is_called_off_before_its_time_to_stop_is_over() {
    at_once(|| async {
        let memory = InMemory::new();
        let web = web("web", &memory).stop_timeout(s(10));
        let mut observed = observe_paused(options(), |manager| manager.service(web));
        observed.running().await;
        let mut client = Client::connect(&memory).await;
        let held = tokio::spawn(async move { client.get("/slow").await.unwrap().status() });
        sleep(ms(1)).await;
        let asked = Instant::now();
        let stopped = observed.manager.send(StopService("web".into())).await.unwrap();
        assert!(asked.elapsed() < s(10), "{:?}", asked.elapsed());
        assert!(!matches!(stopped, Err(OrderError::Forced(_))), "{stopped:?}");
        assert_eq!(held.await.unwrap().as_u16(), 503);
        observed.shut_down();
        lines(&observed.ended().await)
    });
}

/// Servers of both kinds, which are rehearsed in memory.
const SCENARIO: &str = r#"{"grpc_address": "in-memory", "ping": true, "drain_delay_ms": 10000, "stream_grace_ms": 2000,
    "services": [{"id": "db", "resources": [{"name": "r"}]},
                 {"id": "web", "http": "in-memory", "depends_on": ["db"],
                  "restart": {"policy": "on_failure"}, "resources": [{"name": "pool"}]}],
    "actions": [{"at_ms": 1000, "do": "restart:web"}, {"at_ms": 5000, "do": "start_shutdown"}]}"#;

#[test]
fn g19_two_runs_of_a_scenario_with_servers_tell_the_same_lines() {
    let scenario: Scenario = serde_json::from_str(SCENARIO).unwrap();
    scenario.check().unwrap();
    let events = at_once(|| async {
        let (recorder, memory) = (Recorder::new(), InMemory::new());
        let options = ManagerOptions::new().observe(recorder.observer()).grpc_in_memory(&memory);
        let manager = start_paused(scenario.manager(options));
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        PingClient::new(memory.channel()).ping(()).await.unwrap();
        scenario.act(&manager);
        manager.send(WaitForShutdown).await.unwrap().unwrap();
        let lines =
            |event: &std::sync::Arc<majordomo::events::TimedEvent>| format!("{:?} {}", event.at, event.event);
        recorder.events().iter().map(lines).collect::<Vec<_>>()
    });
    let wanted = ["serving", "restart_finished web", "stopped"];
    assert!(
        wanted.iter().all(|wanted| events.iter().any(|line| line.contains(wanted))),
        "{wanted:?} are to be in {events:#?}"
    );
}

#[test]
fn a_manager_with_servers_that_a_test_leaves_running_is_ended() {
    at_once(|| async {
        let memory = InMemory::new();
        let observed = observe_paused(options(), |manager| manager.service(web("web", &memory)));
        observed.running().await;
        let mut client = Client::connect(&memory).await;
        assert_eq!(client.get("/").await.unwrap().status(), 200);
        let (manager, held) =
            (observed.manager.clone(), tokio::spawn(async move { client.get("/slow").await.is_err() }));
        sleep(ms(1)).await;
        manager.do_send(StartShutdown);
        drop(observed);
        drop(held);
    });
}
