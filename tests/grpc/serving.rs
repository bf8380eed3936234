//! G1, G2, G11, G13 and G14 with a gRPC server: from the port to the first call, over real connections.

use std::net::TcpListener;

use actix::prelude::*;
use majordomo::ping::{Ping, PingServer};
use majordomo::{
    BoxError, GetStatus, GrpcService, Manager, RegisterOnServer, Resource, Service, Setup, Stage,
    StartShutdown, WaitForShutdown, WaitUntilRunning, resource_fn,
};
use support::rpc::{Calls, Reserved, connect, is_refused, options, ping, start_call, unary};
use support::{Gate, Journal, Probe, ms, observe, whos, within};
use tonic::{Code, Request, Response, Status};

/// The contract's program: a gRPC service with two resources that answers pings itself.
struct Example {
    journal: Journal,
}

#[derive(Message)]
#[rtype("()")]
struct Pinged;

/// A resource that notes its release.
fn noted(journal: &Journal, name: &'static str) -> impl Resource {
    let journal = journal.clone();
    resource_fn(move || async move {
        journal.note(format!("{name}: released"));
        Ok(())
    })
}

impl Actor for Example {
    type Context = Context<Self>;
}

impl GrpcService for Example {}

impl Service for Example {
    fn id(&self) -> String {
        "ExampleService".into()
    }
}

impl Handler<Setup> for Example {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        for name in ["Resource 1", "Resource 2"] {
            setup.resources.start(name, noted(&self.journal, name))?;
        }
        Ok(())
    }
}

impl Handler<RegisterOnServer> for Example {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, message: RegisterOnServer, ctx: &mut Context<Self>) -> Self::Result {
        message.server.add_service(PingServer::new(Rpc(ctx.address())));
        Ok(())
    }
}

impl Handler<Pinged> for Example {
    type Result = ();

    fn handle(&mut self, _: Pinged, _: &mut Context<Self>) {
        self.journal.note("Example: pinged");
    }
}

struct Rpc(Addr<Example>);

#[tonic::async_trait]
impl Ping for Rpc {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.send(Pinged).await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(()))
    }
}

#[actix::test]
async fn g02_the_contracts_program_answers_a_ping_and_gives_its_resources_back() {
    let journal = Journal::default();
    let example = Example { journal: journal.clone() };
    let manager = Manager::new(options().grpc_ping_service(false)).grpc_service(example).start();
    within("running", manager.send(WaitUntilRunning)).await.unwrap().unwrap();
    let status = manager.send(GetStatus).await.unwrap();
    assert_eq!(status.stage, Stage::Running);
    let address = status.grpc_address.expect("a gRPC server runs");
    assert!(address.ip().is_loopback() && address.port() != 0, "{address}");

    ping(connect(address).await).await.unwrap();
    manager.do_send(StartShutdown);
    within("the end", manager.send(WaitForShutdown)).await.unwrap().unwrap();
    assert_eq!(journal.entries(), ["Example: pinged", "Resource 2: released", "Resource 1: released"]);
}

#[actix::test]
async fn g02_serving_comes_with_the_address_before_running_and_then_a_ping_succeeds_at_once() {
    let mut observed = observe(options(), |m| m);
    let address = observed.grpc_address().await;
    // The built-in service, which is there unless it is switched off. Nothing is tried again.
    ping(connect(address).await).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_in_order(&["serving", "running", "shutdown_requested", "draining", "drained"]);
    ended.events.event(&format!("serving: {address}"));
}

#[actix::test]
async fn g02_register_on_server_comes_before_setup_and_a_service_of_both_kinds_gets_every_message_once() {
    let journal = Journal::default();
    let both = Probe::new("both", &journal);
    let grpc = Probe::new("grpc", &journal);
    let mut observed = observe(options(), |m| m.service_and_grpc(both).grpc_service(grpc));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    for (service, gets) in
        [("both", &["register", "setup", "run", "shutdown"][..]), ("grpc", &["register", "setup"])]
    {
        let entries = journal.entries();
        let got = entries.iter().filter_map(|entry| entry.strip_prefix(&format!("{service}: ")));
        let got: Vec<_> = got.filter(|what| !["started", "dropped"].contains(what)).collect();
        assert_eq!(got, gets, "{service}");
        ended
            .events
            .assert_before(&format!("register_finished {service}: ok"), &format!("setup_started {service}"));
    }
}

#[actix::test]
async fn g02_the_port_accepts_no_call_before_every_set_up_succeeded() {
    let journal = Journal::default();
    let port = Reserved::new();
    let gate = Gate::default();
    let slow = Probe::new("slow", &journal).setup({
        let gate = gate.clone();
        move |_| async move {
            gate.passed().await;
            Ok(())
        }
    });
    let options = options().grpc_server_address(port.address.to_string());
    let quick = Probe::new("quick", &journal);
    let mut observed = observe(options, |m| m.grpc_service(slow).service(quick));
    // All but one are set up, the server too.
    for what in ["setup_finished majordomo grpc: ok", "setup_finished quick: ok", "setup_started slow"] {
        observed.seen(what).await;
    }
    assert!(is_refused(port.address).await);
    let status = observed.status().await;
    assert_eq!((status.stage, status.grpc_address), (Stage::SettingUp, None));
    observed.events().assert_none("serving");

    gate.open();
    assert_eq!(observed.grpc_address().await, port.address);
    ping(connect(port.address).await).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_all_before("setup_finished", "run_started");
    ended.events.assert_all_before("setup_finished", "serving");
}

#[actix::test]
async fn g03_the_port_never_opens_when_a_set_up_fails() {
    let journal = Journal::default();
    let port = Reserved::new();
    let failing = Probe::new("failing", &journal).setup_at_once(|_, _| Err("no".into()));
    let options = options().grpc_server_address(port.address.to_string());
    let observed = observe(options, |m| m.grpc_service(failing));
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    ended.events.assert_none("serving");
    ended.events.assert_none("run_started");
    assert!(is_refused(port.address).await);
    TcpListener::bind(port.address).map(drop).unwrap_or_else(|error| panic!("the port is not free: {error}"));
}

#[actix::test]
async fn g14_a_port_in_use_is_reported_with_its_address_and_nothing_of_the_services_is_started() {
    let journal = Journal::default();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let options = options().grpc_server_address(&address).max_shutdown_duration(ms(5000));
    let (a, b) = (Probe::new("a", &journal), Probe::new("b", &journal));
    let mut observed = observe(options, |m| m.service_and_grpc(a).service(b));
    observed.seen("setup_started majordomo grpc").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    assert_eq!(whos(errors.errors()), ["majordomo grpc (setup)"], "{errors}");
    let text = errors.to_string();
    assert!(text.contains(&address) && text.contains("in use"), "{text}");
    journal.assert_nothing_lived();
    assert_eq!(ended.events.count("setup_started"), 1, "{}", ended.events);
    ended.events.assert_none("register_started");
    // It did not wait for the port to become free.
    assert!(ended.took.unwrap() < ms(400) + ended.soon(), "{:?}", ended.took);
}

#[actix::test]
async fn g14_a_port_in_use_is_served_on_once_it_is_free() {
    let journal = Journal::default();
    let port = Reserved::new();
    let other = TcpListener::bind(port.address).unwrap();
    let options = options().grpc_server_address(port.address.to_string());
    let mut observed = observe(options, |m| m.grpc_service(Probe::new("a", &journal)));
    observed.seen("setup_started majordomo grpc").await;
    drop(other);
    assert_eq!(observed.grpc_address().await, port.address);
    ping(connect(port.address).await).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g01_two_services_that_register_the_same_grpc_service_are_refused_by_both_their_names() {
    let journal = Journal::default();
    let (first, _held) = Calls::new();
    let (second, _held_too) = Calls::new();
    let (a, b) = (Probe::new("service a", &journal), Probe::new("service b", &journal));
    let observed = observe(options(), |m| {
        m.grpc_service(a.register_at_once(first.register()))
            .grpc_service(b.register_at_once(second.register()))
    });
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let text = ended.setup_errors().to_string();
    for name in ["service a", "service b", "test.Calls"] {
        assert!(text.contains(name), "{name:?} is not in: {text}");
    }
    assert_eq!(ended.setup_errors().errors().len(), 1, "{text}");
    ended.events.assert_none("run_started");
    ended.events.assert_none("serving");
}

#[actix::test]
async fn g01_a_ping_service_beside_the_built_in_one_is_refused_and_the_way_out_is_told() {
    let example = Example { journal: Journal::default() };
    let ended = observe(options(), |m| m.grpc_service(example)).ended().await;
    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    let text = errors.to_string();
    for what in ["ExampleService", "majordomo ping", "pkping.Ping", "grpc_ping_service(false)"] {
        assert!(text.contains(what), "{what:?} is not in: {text}");
    }
}

#[actix::test]
async fn g11_a_panic_in_a_grpc_handler_is_answered_internal_and_nobody_else_is_harmed() {
    let journal = Journal::default();
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &journal).register_at_once(calls.register());
    let mut observed = observe(options(), |m| m.service_and_grpc(service));
    let address = observed.grpc_address().await;
    let channel = connect(address).await;
    let other = start_call(channel.clone(), "Hold");
    held.entered("Hold").await;

    let status = unary(channel.clone(), "Panic").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status}");
    // On the same connection and on a new one.
    ping(channel).await.unwrap();
    ping(connect(address).await).await.unwrap();
    held.go.open();
    assert_eq!(within("the held call", other).await.unwrap().unwrap(), b"held");
    assert_eq!(observed.status().await.stage, Stage::Running);

    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.cause(), "StartShutdown");
}

#[actix::test]
async fn g13_two_managers_of_one_process_serve_at_the_same_time_and_end_apart() {
    let mut first = observe(options(), |m| m);
    let mut second = observe(options(), |m| m);
    let (at_first, at_second) = (first.grpc_address().await, second.grpc_address().await);
    assert_ne!(at_first, at_second);
    ping(connect(at_first).await).await.unwrap();
    let channel = connect(at_second).await;
    ping(channel.clone()).await.unwrap();

    first.shut_down();
    first.ended().await.assert_ok();
    assert!(is_refused(at_first).await);
    ping(channel).await.unwrap();
    second.shut_down();
    let ended = second.ended().await;
    ended.assert_ok();
    assert!(is_refused(at_second).await);
}

#[actix::test]
async fn g13_a_port_is_free_for_the_next_manager_as_soon_as_the_end_is_answered() {
    let port = Reserved::new();
    for _ in 0..3 {
        let mut observed = observe(options().grpc_server_address(port.address.to_string()), |m| m);
        let address = observed.grpc_address().await;
        ping(connect(address).await).await.unwrap();
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        TcpListener::bind(address).map(drop).unwrap_or_else(|error| panic!("{error}\n{}", ended.events));
    }
}
