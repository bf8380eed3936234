//! `ManagerTesting`: each of its methods, and how it fails.

use std::time::Duration;

use majordomo::clients::InMemory;
use majordomo::testing::{Behaviour, ManagerTesting, RunBehaviour, ServiceScript, Signal, start_paused};
use majordomo::{
    AddService, Manager, ManagerOptions, RemoveService, Stage, StartShutdown, WaitForShutdown,
    WaitUntilRunning,
};
use support::kit::{assert_tells, async_failure, failure};
use support::{Folder, Gate, ms, options, serving, within};

fn started(manager: Manager) -> ManagerTesting {
    ManagerTesting::new(&manager.start())
}

async fn end(testing: &ManagerTesting) {
    testing.manager().do_send(StartShutdown);
    within("the end", testing.manager().send(WaitForShutdown)).await.unwrap().unwrap();
}

async fn running(testing: &ManagerTesting) {
    within("the run", testing.manager().send(WaitUntilRunning)).await.unwrap().unwrap();
}

#[actix::test]
async fn a_channel_that_was_made_before_the_server_is_bound_reaches_it() {
    let testing = started(Manager::new(serving()));
    let channel = testing.grpc_channel();
    testing.ping_grpc_server(None).await;
    majordomo::ping::PingClient::new(channel).ping(()).await.unwrap();
    testing.grpc_ping_client().ping(()).await.unwrap();
    end(&testing).await;
}

#[actix::test]
async fn the_address_is_waited_for_until_the_server_serves() {
    let testing = started(Manager::new(serving()));
    let address = testing.grpc_address();
    assert_ne!(address.port(), 0);
    tokio::net::TcpStream::connect(address).await.unwrap();
    end(&testing).await;
    assert_eq!(testing.grpc_address(), address, "it is known afterwards, too");
}

#[actix::test]
async fn all_interfaces_are_reached_by_the_loopback() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let testing = started(Manager::new(serving().grpc_server_address(address)));
        testing.ping_grpc_server(None).await;
        end(&testing).await;
    }
}

#[actix::test]
async fn a_server_in_memory_or_at_a_unix_socket_is_reached_by_its_channel_and_has_no_socket_address() {
    let folder = Folder::new();
    let path = format!("unix:{}", folder.path("s").display());
    let mut places = vec![
        (serving().grpc_server_address(&path), path),
        (options().grpc_ping_service(true).grpc_in_memory(&InMemory::new()), "in-memory".to_owned()),
    ];
    if cfg!(target_os = "linux") {
        let name = format!("unix-abstract:majordomo-kit-{}", std::process::id());
        places.push((serving().grpc_server_address(&name), name));
    }
    for (options, place) in places {
        let testing = started(Manager::new(options));
        testing.ping_grpc_server(None).await;
        let message = failure(|| testing.grpc_address());
        let at = format!("it serves at {place} alone: grpc_channel() reaches it there");
        assert_tells(
            &message,
            &["expected: a gRPC server with an address of TCP", &at, "latest events:", "serving"],
        );
        end(&testing).await;
    }
}

#[actix::test]
async fn without_a_grpc_server_every_helper_for_one_says_so() {
    let testing = started(Manager::new(options()).service(ServiceScript::new("worker")));
    running(&testing).await;
    let wanted =
        ["expected: a manager with a gRPC server", "grpc_ping_service is off", "\"worker\"", "running"];
    assert_tells(&failure(|| testing.grpc_channel()), &wanted);
    assert_tells(&failure(|| testing.grpc_error_channel()), &wanted);
    assert_tells(&failure(|| testing.grpc_address()), &wanted);
    assert_tells(&async_failure(testing.ping_grpc_server(None)).await, &wanted);
    let message = failure(|| testing.grpc_ping_client());
    assert_tells(&message, &["expected: a manager with its ping service", "grpc_ping_service is off"]);
    end(&testing).await;
}

#[actix::test]
async fn a_server_that_knows_no_pings_answers_one_by_saying_so() {
    for health in [true, false] {
        let with = majordomo::GrpcServerOptions::new().health_service(health);
        let options = serving().grpc_ping_service(false).grpc_server(with);
        let testing = started(Manager::new(options).grpc_service(ServiceScript::new("silent").spec()));
        testing.ping_grpc_server(None).await;
        end(&testing).await;
    }
}

#[actix::test]
async fn a_ping_that_is_not_answered_in_time_tells_the_last_attempt_and_the_events() {
    let gate = Gate::named("set-up");
    let slow = ServiceScript::new("slow").setup_gate(&gate);
    let testing = started(Manager::new(serving()).service(slow));
    gate.arrived().await;
    let message = async_failure(testing.ping_grpc_server(Some(ms(500)))).await;
    let wanted = ["within 500ms", "the gRPC server does not serve yet: setting up", "setup_started slow"];
    assert_tells(&message, &wanted);
    gate.open();
    testing.ping_grpc_server(None).await;
    end(&testing).await;
}

#[actix::test]
async fn a_ping_is_given_up_when_the_manager_has_ended() {
    let broken = ServiceScript::new("broken").setup(Behaviour::Error);
    let testing = started(Manager::new(serving()).service(broken));
    let message = async_failure(testing.ping_grpc_server(Some(Duration::from_secs(60)))).await;
    assert_tells(&message, &["the manager has ended", "broken fails in setup, as scripted"]);
    let message = failure(|| testing.grpc_address());
    assert_tells(
        &message,
        &["ended without serving", "broken fails in setup", "setup_finished broken: error"],
    );
}

#[cfg(feature = "tls")]
fn with_tls() -> majordomo::GrpcServerOptions {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    majordomo::GrpcServerOptions::new().tls(majordomo::grpc::ServerTls::from_pem(certificate, key))
}

#[cfg(feature = "tls")]
#[actix::test]
async fn a_server_with_tls_that_is_in_memory_too_is_reached_there() {
    let options = serving().grpc_server(with_tls()).grpc_in_memory(&InMemory::new());
    let testing = started(Manager::new(options));
    testing.ping_grpc_server(None).await;
    end(&testing).await;
}

#[cfg(feature = "tls")]
#[actix::test]
async fn a_server_with_tls_is_left_to_a_client_of_the_tests_own() {
    let testing = started(Manager::new(serving().grpc_server(with_tls())));
    let message = failure(|| testing.grpc_channel());
    assert_tells(&message, &["it speaks TLS", "grpc_address()"]);
    assert_ne!(testing.grpc_address().port(), 0);
    end(&testing).await;
}

#[actix::test]
async fn services_are_told_by_their_ids_in_their_order() {
    let options = options().grpc_ping_service(true).grpc_in_memory(&InMemory::new());
    let script = ServiceScript::new;
    let testing = started(Manager::new(options).service(script("b")).service(script("a")));
    assert_eq!(testing.services(), ["b", "a", "majordomo ping"]);
    running(&testing).await;
    testing.manager().send(AddService::new(script("c"))).await.unwrap().unwrap();
    testing.manager().send(RemoveService("b".into())).await.unwrap().unwrap();
    let mut services = testing.services();
    services.sort();
    assert_eq!(services, ["a", "c", "majordomo ping"]);
    end(&testing).await;
    assert!(testing.services().contains(&"a".to_owned()));
}

#[actix::test]
async fn services_of_a_manager_that_refused_them_are_told_all_the_same() {
    let twice = Manager::new(options()).service(ServiceScript::new("a")).service(ServiceScript::new("a"));
    assert_eq!(started(twice).services(), ["a", "a"]);
}

#[actix::test]
async fn g12_a_signal_reaches_one_manager_alone() {
    for (signal, name) in [(Signal::Interrupt, "SIGINT"), (Signal::Terminate, "SIGTERM")] {
        let other = started(Manager::new(options()).service(ServiceScript::new("other")));
        let testing = started(
            Manager::new(ManagerOptions::new().grpc_ping_service(false))
                .service(ServiceScript::new("worker")),
        );
        running(&testing).await;
        running(&other).await;
        testing.send_signal(signal);
        within("the end", testing.manager().send(WaitForShutdown)).await.unwrap().unwrap();
        let status = testing.manager().send(majordomo::GetStatus).await.unwrap();
        assert_eq!(status.report.unwrap().cause.unwrap().to_string(), name);
        let status = other.manager().send(majordomo::GetStatus).await.unwrap();
        assert_eq!(status.stage, Stage::Running);
        end(&other).await;
    }
}

#[actix::test]
async fn g12_the_second_signal_forces_the_end_and_others_only_print() {
    let deaf = ServiceScript::new("deaf").run(RunBehaviour::IgnoreShutdown);
    let testing = started(Manager::new(options()).service(deaf));
    running(&testing).await;
    testing.send_signal(Signal::User1);
    testing.send_signal(Signal::Quit);
    let status = testing.manager().send(majordomo::GetStatus).await.unwrap();
    assert_eq!(status.stage, Stage::Running);
    testing.send_signal(Signal::Terminate);
    let status = testing.manager().send(majordomo::GetStatus).await.unwrap();
    assert_eq!(status.stage, Stage::Stopping, "it has been taken in when it was sent");
    testing.send_signal(Signal::Terminate);
    let error = within("the end", testing.manager().send(WaitForShutdown)).await.unwrap().unwrap_err();
    assert_eq!(error.exit_code(), 3);
    testing.send_signal(Signal::Terminate); // nobody is left to take notice
}

#[actix::test]
async fn a_manager_on_the_tests_own_thread_cannot_be_asked_and_that_is_said() {
    tokio::time::pause();
    let manager = start_paused(Manager::new(options()).service(ServiceScript::new("a")));
    within("the run", manager.send(WaitUntilRunning)).await.unwrap().unwrap();
    let testing = ManagerTesting::new(&manager);
    let message = failure(|| testing.services());
    assert_tells(
        &message,
        &["expected: an answer of the manager", "lives on this very thread", "Manager::start"],
    );
    end(&testing).await;
}

#[test]
fn a_manager_outlives_the_system_that_it_was_started_in() {
    let system = actix::System::new();
    let script = ServiceScript::new("a");
    let testing = system.block_on(async { started(Manager::new(options()).service(script)) });
    actix::System::current().stop();
    system.run().unwrap();
    assert_eq!(testing.services(), ["a"]);
    actix::System::new().block_on(end(&testing));
}

#[actix::test]
async fn rich_errors_carry_the_frame_of_the_layer_that_the_channel_has() {
    use majordomo::api_errors::{ApiError, ERR_NOT_FOUND, ErrorGenerator};
    use majordomo::ping::{Ping, PingClient, PingServer};
    use tonic::{Request, Response, Status};

    struct Lost(ErrorGenerator);
    #[tonic::async_trait]
    impl Ping for Lost {
        async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
            Err(self.0.error(&ERR_NOT_FOUND).into())
        }
    }
    let errors = ErrorGenerator::new("lost");
    let service = support::Registers::new("lost", {
        let errors = errors.clone();
        move |server| {
            server.add_service(PingServer::new(Lost(errors.clone())));
        }
    });
    let with = serving().grpc_ping_service(false).error_generator(errors);
    let testing = started(Manager::new(with).grpc_service(service));
    running(&testing).await;
    let frames = |status: &Status| ApiError::from_status(status).expect("a rich error").trace().len();
    let plain = PingClient::new(testing.grpc_channel()).ping(()).await.unwrap_err();
    let layered = PingClient::new(testing.grpc_error_channel()).ping(()).await.unwrap_err();
    assert_eq!(frames(&layered), frames(&plain) + 1);
    end(&testing).await;

    let without = started(Manager::new(serving()));
    let message = failure(|| without.grpc_error_channel());
    assert_tells(
        &message,
        &["expected: a manager with an error generator", "ManagerOptions::error_generator"],
    );
    end(&without).await;
}
