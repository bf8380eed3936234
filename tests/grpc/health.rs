//! The health service, asked over real connections.

use std::collections::BTreeMap;

use majordomo::grpc::health::{
    Health, HealthCheckRequest, HealthCheckResponse, HealthClient, HealthListRequest, HealthListResponse,
    HealthServer, LIVENESS, ServingStatus,
};
use majordomo::ping::PingClient;
use majordomo::{GrpcServerOptions, ManagerOptions};
use support::{Gate, Journal, Observed, Probe, Registers, connect, ms, observe, reconnect, serving, within};
use tonic::codegen::BoxStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use ServingStatus::{NotServing, ServiceUnknown, Serving};

/// Asks over one connection.
#[derive(Clone)]
struct Asks(HealthClient<Channel>);

impl Asks {
    async fn of(observed: &Observed) -> Self {
        Self(HealthClient::new(connect(observed).await))
    }

    async fn try_check(&self, service: &str) -> Result<ServingStatus, Status> {
        let asked = HealthCheckRequest { service: service.to_owned() };
        let answer = within("the answer", self.0.clone().check(asked)).await?;
        Ok(answer.into_inner().status())
    }

    async fn check(&self, service: &str) -> ServingStatus {
        self.try_check(service).await.unwrap_or_else(|status| panic!("{service:?}: {status}"))
    }

    async fn watch(&self, service: &str) -> Watch {
        let asked = HealthCheckRequest { service: service.to_owned() };
        Watch(within("the watch", self.0.clone().watch(asked)).await.unwrap().into_inner())
    }
}

struct Watch(Streaming<HealthCheckResponse>);

impl Watch {
    /// The next status; `None` at a clean end.
    async fn next(&mut self) -> Option<ServingStatus> {
        let next = within("a status", self.0.message()).await.expect("a watch ends cleanly");
        next.map(|response| response.status())
    }
}

/// A service whose main loop ends when the gate is opened, or when it is asked to.
fn ends_at(id: &str, gate: &Gate) -> Probe {
    let gate = gate.clone();
    Probe::new(id, &Journal::default()).run(move |run| async move {
        tokio::select! {
            () = gate.passed() => {}
            () = run.shutdown.requested() => {}
        }
        Ok(())
    })
}

fn endless(id: &str) -> Probe {
    ends_at(id, &Gate::default())
}

/// So long that no test waits for its end.
fn drain_delay() -> ManagerOptions {
    serving().drain_delay(ms(10_000))
}

#[actix::test]
async fn g13_health_says_serving_of_every_name_when_wait_until_running_was_answered() {
    let observed = observe(serving(), |manager| manager.service(endless("loop")));
    let asks = Asks::of(&observed).await;
    for name in ["", "loop", "majordomo ping", "pkping.Ping", "majordomo grpc", LIVENESS] {
        assert_eq!(asks.check(name).await, Serving, "{name:?}");
    }
    let list = asks.0.clone().list(HealthListRequest {}).await.unwrap().into_inner().statuses;
    let list: BTreeMap<_, _> = list.iter().map(|(name, of)| (&**name, of.status())).collect();
    let names: Vec<_> = list.keys().copied().filter(|name| !name.starts_with("grpc.")).collect();
    assert_eq!(names, ["", LIVENESS, "loop", "majordomo grpc", "majordomo ping", "pkping.Ping"]);
    assert!(list.values().all(|status| *status == Serving), "{list:?}");
}

#[actix::test]
async fn g13_health_says_serving_of_all_also_when_a_service_was_done_at_once() {
    let done = Gate::default();
    done.open();
    let observed = observe(serving(), |manager| manager.service(ends_at("brief", &done)));
    let asks = Asks::of(&observed).await;
    assert_eq!(asks.check("").await, Serving);
}

#[actix::test]
async fn g04_health_says_not_serving_of_a_service_that_ended_and_serving_of_the_others() {
    let done = Gate::default();
    let observed =
        observe(serving(), |manager| manager.service(ends_at("brief", &done)).service(endless("loop")));
    let asks = Asks::of(&observed).await;
    let mut watch = asks.watch("brief").await;
    assert_eq!(watch.next().await, Some(Serving));
    done.open();
    assert_eq!(watch.next().await, Some(NotServing));
    for name in ["", "loop", "pkping.Ping"] {
        assert_eq!(asks.check(name).await, Serving, "{name:?}");
    }
}

#[actix::test]
async fn g05_health_says_not_serving_during_the_drain_delay_while_everything_still_works() {
    let mut observed = observe(drain_delay(), |manager| manager.service(endless("loop")));
    let asks = Asks::of(&observed).await;
    let mut watch = asks.watch("").await;
    assert_eq!(watch.next().await, Some(Serving));
    observed.shut_down();
    // Health is not behind any observer.
    observed.seen("shutdown_requested").await;
    for name in ["", "loop", "majordomo ping", "pkping.Ping"] {
        assert_eq!(asks.check(name).await, NotServing, "{name:?}");
    }
    assert_eq!(asks.check(LIVENESS).await, Serving);
    assert_eq!(watch.next().await, Some(NotServing));
    // Also for those who come only now.
    let channel = reconnect(&observed).await;
    PingClient::new(channel.clone()).ping(()).await.unwrap();
    assert_eq!(
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap().into_inner().status(),
        NotServing
    );
    observed.force();
    observed.ended().await;
}

#[actix::test]
async fn g05_health_says_not_serving_when_a_failure_brings_about_the_shutdown() {
    let fail = Gate::default();
    let gate = fail.clone();
    let failing = Probe::new("failing", &Journal::default()).run(move |_| async move {
        gate.passed().await;
        Err("out of luck".into())
    });
    let mut observed = observe(drain_delay(), |manager| manager.service(failing));
    let asks = Asks::of(&observed).await;
    let mut watch = asks.watch("").await;
    assert_eq!(watch.next().await, Some(Serving));
    fail.open();
    assert_eq!(watch.next().await, Some(NotServing));
    assert_eq!(asks.check("failing").await, NotServing);
    observed.force();
    observed.ended().await;
}

#[actix::test]
async fn g06_watches_are_told_of_the_end_and_hold_up_no_drain() {
    // With calls that hold on, this would take 30 s.
    let mut observed = observe(serving(), |manager| manager.service(endless("loop")));
    let asks = Asks::of(&observed).await;
    let mut watches = Vec::new();
    for (name, now) in [("", Serving), ("loop", Serving), ("nobody", ServiceUnknown), (LIVENESS, Serving)] {
        let mut watch = asks.watch(name).await;
        assert_eq!(watch.next().await, Some(now), "{name:?}");
        watches.push(watch);
    }
    // One whose client does not look.
    let _unread = asks.watch("").await;
    observed.shut_down();
    for (watch, last) in watches.iter_mut().zip([Some(NotServing), Some(NotServing), None, None]) {
        assert_eq!(watch.next().await, last);
        assert_eq!(watch.next().await, None);
    }
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.took.unwrap() < ms(900) + ended.soon(), "{:?}", ended.took);
}

#[actix::test]
async fn g05_who_is_not_known_is_not_found_by_check_and_watched_on() {
    let observed = observe(serving(), |manager| manager.service(endless("loop")));
    let asks = Asks::of(&observed).await;
    let status = asks.try_check("nobody").await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("\"nobody\""), "{status}");
    let mut watch = asks.watch("nobody").await;
    assert_eq!(watch.next().await, Some(ServiceUnknown));
    let more = tokio::time::timeout(ms(20), watch.0.message()).await;
    assert!(more.is_err(), "it stays open, and says nothing more: {more:?}");
}

#[actix::test]
async fn g01_a_health_service_of_the_users_own_is_refused_unless_the_built_in_one_is_off() {
    let mine = || Registers::new("mine", |server| server.add_service(HealthServer::new(Mine)));
    let ended = observe(serving(), |manager| manager.grpc_service(mine())).ended().await;
    let error = ended.error().to_string();
    for part in ["mine", "grpc.health.v1.Health", "GrpcServerOptions::health_service(false)"] {
        assert!(error.contains(part), "no {part} in: {error}");
    }
    let off = serving().grpc_server(GrpcServerOptions::new().health_service(false));
    let observed = observe(off, |manager| manager.grpc_service(mine()));
    let asks = Asks::of(&observed).await;
    assert_eq!(asks.try_check("").await.unwrap_err().message(), "mine");
}

#[actix::test]
async fn health_can_be_switched_off() {
    let off = serving().grpc_server(GrpcServerOptions::new().health_service(false));
    let observed = observe(off, |manager| manager);
    let asks = Asks::of(&observed).await;
    assert_eq!(asks.try_check("").await.unwrap_err().code(), Code::Unimplemented);
}

/// Answers nothing but who it is.
struct Mine;

#[tonic::async_trait]
impl Health for Mine {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Err(Status::internal("mine"))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::internal("mine"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::internal("mine"))
    }
}

#[actix::test]
async fn g05_health_is_told_by_a_server_that_is_full_and_a_watch_takes_no_place() {
    let full = GrpcServerOptions::new().max_concurrent_calls(1).max_concurrent_calls_per_connection(1);
    let mut observed = observe(serving().grpc_server(full), |manager| manager.service(endless("loop")));
    let asks = Asks::of(&observed).await;
    let mut watch = asks.watch("").await;
    assert_eq!(watch.next().await, Some(Serving));
    // On one connection and with one place: beside the watch there is room for others.
    assert_eq!(asks.check("").await, Serving);
    PingClient::new(connect(&observed).await).ping(()).await.unwrap();
    observed.shut_down();
    assert_eq!(watch.next().await, Some(NotServing));
    observed.ended().await.assert_ok();
}
