//! G1, G18: whatever an option is set to, the manager starts and comes to its end, or refuses the option by its name and says its range.

use std::time::Duration;

use majordomo::{
    ForceShutdown, GrpcServerOptions, Manager, ManagerError, ManagerOptions, RestartPolicy, ServiceSpec,
    StartShutdown, WaitForShutdown, WaitUntilRunning, restartable_fn,
};
use support::{Journal, Probe, within};

/// One end of what a type can be, and whether that is refused.
#[derive(Clone, Copy, Debug)]
enum End {
    Taken,
    Refused,
}
use End::{Refused, Taken};

type Options = ManagerOptions;
type Grpc = GrpcServerOptions;

const NANO: Duration = Duration::from_nanos(1);
const MAX: Duration = Duration::MAX;

fn options() -> Options {
    ManagerOptions::new().grpc_server_address("127.0.0.1:0").handle_signals(false)
}

/// A manager with these options starts all, and is made to end; or it is refused, by that name.
async fn tried(option: &str, options: Options, expected: End) {
    let journal = Journal::default();
    let manager = Manager::new(options).service(Probe::new("a", &journal)).start();
    let running = within(option, manager.send(WaitUntilRunning)).await.unwrap();
    ended(option, manager, running, expected).await;
    if matches!(expected, Refused) {
        journal.assert_nothing_lived();
    }
}

async fn ended(
    option: &str,
    manager: actix::Addr<Manager>,
    running: Result<(), ManagerError>,
    expected: End,
) {
    manager.do_send(StartShutdown);
    // Some of these would wait for ages.
    manager.do_send(ForceShutdown);
    let result = within(option, manager.send(WaitForShutdown)).await.unwrap();
    match (expected, running) {
        (Taken, Ok(())) => {}
        (Refused, Err(error)) => {
            let text = error.to_string();
            assert!(text.contains(option), "{option}: {text}");
            let range = ["give", "allow", "leave it out", "longer than", "shorten"];
            assert!(range.iter().any(|word| text.contains(word)), "{option}: {text}");
            assert_eq!(result.unwrap_err().exit_code(), 1, "{option}");
        }
        (expected, running) => panic!("{option}: expected it to be {expected:?}, got {running:?}"),
    }
}

macro_rules! table {
    ($base:expr; $($option:ident ( $value:expr ) $expected:ident;)*) => {
        [$((stringify!($option), $base.$option($value), $expected),)*]
    };
}

#[actix::test]
async fn g18_whatever_a_managers_options_are_it_ends_or_refuses_them_by_name() {
    let _alone = crate::alone().await;
    let table = table! { options();
        service_threads(0) Refused;
        service_threads(1) Taken;
        service_threads(1024) Taken;
        service_threads(1025) Refused;
        service_threads(usize::MAX) Refused;
        flight_recorder(0) Taken;
        flight_recorder(65_536) Taken;
        flight_recorder(usize::MAX) Refused;
        log_error_limit(0) Taken;
        log_error_limit(usize::MAX) Taken;
        stuck_after(Duration::ZERO) Refused;
        stuck_after(NANO) Refused;
        stuck_after(Duration::from_millis(10)) Taken;
        stuck_after(MAX) Taken;
        stuck_after(None) Taken;
        max_shutdown_duration(Duration::ZERO) Taken;
        max_shutdown_duration(NANO) Taken;
        max_shutdown_duration(MAX) Taken;
        max_shutdown_duration(None) Taken;
        release_reserve(Duration::ZERO) Taken;
        release_reserve(MAX) Refused;
        drain_delay(NANO) Taken;
        drain_delay(MAX) Refused;
    };
    for (option, options, expected) in table {
        tried(option, options, expected).await;
    }
    let endless = options().max_shutdown_duration(None);
    tried("drain_delay", endless.clone().drain_delay(MAX), Taken).await;
    tried("release_reserve", endless.release_reserve(MAX), Taken).await;
    let long = options().max_shutdown_duration(MAX).drain_delay(MAX / 2).release_reserve(MAX / 4);
    tried("drain_delay", long, Taken).await;
}

#[actix::test]
async fn g18_whatever_a_grpc_servers_options_are_it_ends_or_refuses_them_by_name() {
    let _alone = crate::alone().await;
    let age = || Grpc::new().workers(1).max_connection_age(Duration::from_secs(60));
    let mut table = Vec::from(table! { Grpc::new().workers(1);
        workers(0) Refused;
        workers(1025) Refused;
        workers(usize::MAX) Refused;
        max_connections(0) Refused;
        max_connections(usize::MAX) Taken;
        max_concurrent_streams(0) Refused;
        max_concurrent_streams(u32::MAX) Taken;
        max_concurrent_calls(0) Refused;
        max_concurrent_calls(usize::MAX) Taken;
        max_concurrent_calls_per_connection(0) Refused;
        max_concurrent_calls_per_connection(usize::MAX) Refused;
        request_timeout(Duration::ZERO) Refused;
        request_timeout(NANO) Taken;
        request_timeout(MAX) Refused;
        handshake_timeout(Duration::ZERO) Refused;
        handshake_timeout(MAX) Refused;
        keepalive_interval(Duration::ZERO) Refused;
        keepalive_interval(NANO) Taken;
        keepalive_interval(MAX) Refused;
        keepalive_timeout(NANO) Taken;
        keepalive_timeout(MAX) Refused;
        max_connection_age(NANO) Taken;
        max_connection_age(MAX) Refused;
        max_connection_idle(NANO) Taken;
        max_connection_idle(MAX) Refused;
        tcp_keepalive(NANO) Refused;
        tcp_keepalive(MAX) Refused;
        max_decoding_message_size(0) Refused;
        max_decoding_message_size(u32::MAX) Taken;
        max_encoding_message_size(0) Refused;
        max_encoding_message_size(u32::MAX) Taken;
        initial_stream_window_size(0) Refused;
        initial_stream_window_size(u32::MAX) Refused;
        initial_connection_window_size(0) Refused;
        initial_connection_window_size(u32::MAX) Refused;
        max_frame_size(0) Refused;
        max_frame_size(u32::MAX) Refused;
        max_header_list_size(0) Refused;
        max_header_list_size(u32::MAX) Taken;
    });
    table.push(("max_connection_age_grace", age().max_connection_age_grace(MAX), Refused));
    for (option, grpc, expected) in table {
        tried(option, options().grpc_server(grpc), expected).await;
    }
}

#[actix::test]
async fn g18_whatever_a_services_restarts_are_it_ends_or_refuses_them_by_name() {
    let _alone = crate::alone().await;
    let policy = RestartPolicy::on_failure;
    let table = [
        ("max_restarts", policy().max_restarts(u32::MAX), Refused),
        ("max_restarts", policy().max_restarts(10_000), Taken),
        ("within", policy().within(Duration::ZERO), Refused),
        ("within", policy().within(NANO), Taken),
        ("within", policy().within(MAX), Taken),
        ("backoff", policy().backoff(MAX, NANO), Refused),
        ("backoff", policy().backoff(Duration::ZERO, MAX), Taken),
        ("backoff", policy().backoff(MAX, MAX), Taken),
        ("jitter", policy().jitter(f64::INFINITY), Refused),
        ("jitter", policy().jitter(1.0), Taken),
        ("healthy_after", policy().healthy_after(Duration::ZERO), Taken),
        ("healthy_after", policy().healthy_after(MAX), Taken),
    ];
    for (option, policy, expected) in table {
        let fails = restartable_fn("fails", |_| async { Err("as it should".into()) });
        let events = support::Events::new();
        let manager = Manager::new(options().grpc_ping_service(false).observe(events.observer()))
            .service(ServiceSpec::new(fails).restart(policy))
            .start();
        let running = within(option, manager.send(WaitUntilRunning)).await.unwrap();
        // One that runs also fails, and is to be started again, be it in ages.
        if matches!(expected, Taken) {
            events.wait_within(Duration::from_secs(10), "restart_started", 1).await;
        }
        ended(
            option,
            manager,
            running.or_else(|error| match expected {
                // It may have failed before anybody heard that it ran.
                Taken => Ok(()),
                Refused => Err(error),
            }),
            expected,
        )
        .await;
    }
    for (timeout, expected) in [(Duration::ZERO, Refused), (NANO, Refused), (MAX, Taken)] {
        let (journal, options) = (Journal::default(), options().max_shutdown_duration(None));
        let service = ServiceSpec::new(Probe::new("a", &journal)).stop_timeout(timeout);
        let manager = Manager::new(options).service(service).start();
        let running = within("stop_timeout", manager.send(WaitUntilRunning)).await.unwrap();
        ended("stop_timeout", manager, running, expected).await;
    }
}
