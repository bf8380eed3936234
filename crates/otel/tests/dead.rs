//! G8 with a collector that is dead: the end is not late, and tells what was lost.

use std::net::TcpListener;
use std::time::Duration;

use majordomo::ping::PingClient;
use majordomo_otel::{Otel, OtelOptions, Protocol, TelemetryLost};
use support::{Ended, connect, error_of, observe, serving};

use crate::traced;

const LIMIT: Duration = Duration::from_millis(2500);

/// A program with telemetry that answers one call, to its end. All of it lives on a runtime of one thread.
async fn life(options: OtelOptions) -> Ended {
    let otel = Otel::new(options).unwrap();
    let manager = traced(&otel, serving()).max_shutdown_duration(LIMIT);
    let mut observed = observe(manager, |manager| manager.service(otel.service()));
    PingClient::new(connect(&observed).await).ping(()).await.unwrap();
    observed.shut_down();
    observed.ended().await
}

fn lost(ended: &Ended) -> TelemetryLost {
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    let error = error_of(ended.shutdown_errors(), "telemetry (release of flush)");
    error.source.downcast_ref::<TelemetryLost>().unwrap_or_else(|| panic!("{error}")).clone()
}

#[actix::test]
async fn g08_where_nobody_listens_the_end_is_in_time_and_tells_what_was_lost() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let ended =
            life(OtelOptions::new("lost").endpoint(format!("http://{nobody}")).protocol(protocol)).await;
        let lost = lost(&ended);
        assert_eq!((lost.spans, lost.of_spans, lost.metrics), (1, 1, true), "{protocol:?}: {lost}");
        let text = ended.error().to_string();
        for word in [
            "1 of 1 spans and the last metrics were lost",
            &nobody.to_string(),
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ] {
            assert!(text.contains(word), "{protocol:?}: {word}: {text}");
        }
        assert!(protocol == Protocol::Grpc || text.contains("Connection refused"), "{text}");
    }
}

#[actix::test]
async fn g08_a_collector_that_never_answers_holds_up_no_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let lost = lost(&life(OtelOptions::new("lost").endpoint(&endpoint).protocol(protocol)).await);
        assert_eq!((lost.spans, lost.of_spans, lost.metrics), (1, 1, true), "{protocol:?}: {lost}");
        assert!(lost.reason.starts_with("no answer within"), "{protocol:?}: {lost}");
    }
}

#[actix::test]
async fn g08_a_loss_that_is_tolerated_is_no_failure() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = life(OtelOptions::new("lost").endpoint(format!("http://{nobody}")).tolerate_loss(true)).await;
    ended.assert_in_time(LIMIT);
    ended.assert_ok();
}
