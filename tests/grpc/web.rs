//! G5, G17, G20: gRPC-Web, over HTTP/1.1 and HTTP/2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Version;
use majordomo::{GrpcServerOptions, ManagerOptions, StopService};
use support::any_server::DELAY;
use support::phoenix::{Phoenix, at_once};
use support::rpc::{Calls, Held, SERVER, options};
use support::web::{Answered, binary, call, message, read, send};
use support::{Journal, Observed, Probe, ms, observe, within};

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];
const PING: &str = "/pkping.Ping/Ping";
const HOLD: &str = "/test.Calls/Hold";

fn web() -> GrpcServerOptions {
    GrpcServerOptions::new().grpc_web(true)
}

/// A manager of `test.Calls` that speaks gRPC-Web.
async fn serve(options: ManagerOptions) -> (Observed, Held, std::net::SocketAddr) {
    let (calls, held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let observed = observe(options, |manager| manager.grpc_service(service));
    let at = observed.grpc_address().await;
    (observed, held, at)
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn a_unary_call_of_grpc_web_is_answered_with_its_trailers_in_the_body() {
    let (observed, held, at) = serve(options().grpc_server(web())).await;
    held.go.open();
    for version in VERSIONS {
        for content_type in ["application/grpc-web", "application/grpc-web+proto"] {
            let request = call(at, HOLD, content_type, message(b""));
            let answered = read(send(at, version, request).await, <[u8]>::to_vec).await;
            assert_eq!(answered.headers["content-type"], "application/grpc-web+proto");
            // A `bytes` field of that text.
            assert_eq!(answered.messages, [[&[10, 4], &b"held"[..]].concat()], "{answered:?}");
            assert_eq!(answered.code(), 0, "{version:?} {content_type}");
        }
    }
    // Calls of plain gRPC go on at the same address.
    support::rpc::ping(support::rpc::connect(at).await).await.unwrap();
    end(observed).await;
}

#[actix::test]
async fn a_call_as_text_is_answered_as_text() {
    let (observed, held, at) = serve(options().grpc_server(web())).await;
    held.go.open();
    // Each frame of an answer is encoded by itself, so that a browser can read it when it comes.
    let decode = |text: &[u8]| {
        let text = std::str::from_utf8(text).unwrap();
        let parts = text.split_inclusive('=').flat_map(|part| part.split_inclusive("=="));
        let mut bytes = Vec::new();
        let mut open = String::new();
        for part in parts {
            open.push_str(part);
            if open.len().is_multiple_of(4) {
                bytes.extend(STANDARD.decode(std::mem::take(&mut open)).unwrap());
            }
        }
        bytes
    };
    for version in VERSIONS {
        for content_type in ["application/grpc-web-text", "application/grpc-web-text+proto"] {
            let body = STANDARD.encode(message(b"")).into_bytes();
            let answered = read(send(at, version, call(at, HOLD, content_type, body)).await, decode).await;
            assert_eq!(answered.headers["content-type"], "application/grpc-web-text+proto");
            assert_eq!((answered.messages.len(), answered.code()), (1, 0), "{answered:?}");
        }
    }
    end(observed).await;
}

/// Without a handler, and all the same in the body.
fn is_refused(answered: &Answered, code: i32, what: &str) {
    assert_eq!((answered.http.as_u16(), answered.code()), (200, code), "{answered:?}");
    assert!(
        answered.trailers.contains(what) && !answered.headers.contains_key("grpc-status"),
        "{answered:?}"
    );
    assert!(answered.messages.is_empty(), "{answered:?}");
}

#[actix::test]
async fn g17_what_no_handler_answers_is_told_in_the_body_too() {
    let (observed, _held, at) = serve(options().grpc_server(web().max_decoding_message_size(8))).await;
    for version in VERSIONS {
        is_refused(&binary(at, version, "/no.Such/Method").await, 12, "/no.Such/Method");
        let long = call(at, HOLD, "application/grpc-web+proto", message(&[0; 9]));
        let answered = read(send(at, version, long).await, <[u8]>::to_vec).await;
        is_refused(&answered, 8, "larger%20than%20max");
        let malformed = call(at, HOLD, "application/grpc-web-text", b"%%%%".to_vec());
        let answered = send(at, version, malformed).await;
        let answered = read(answered, |text| STANDARD.decode(text).unwrap()).await;
        is_refused(&answered, 13, "grpc-status");
        let mut late = call(at, HOLD, "application/grpc-web+proto", message(b""));
        late.headers_mut().insert("grpc-timeout", "20m".parse().unwrap());
        let answered = read(send(at, version, late).await, <[u8]>::to_vec).await;
        is_refused(&answered, 4, "deadline%20exceeded");
    }
    end(observed).await;
}

#[actix::test]
async fn g17_calls_of_grpc_web_are_counted_and_shed_as_others() {
    for version in VERSIONS {
        let (observed, mut held, at) = serve(options().grpc_server(web().max_concurrent_calls(1))).await;
        let open = tokio::spawn(async move { binary(at, version, HOLD).await });
        held.entered("Hold").await;
        is_refused(&binary(at, version, PING).await, 8, "as%20many%20calls");
        let carried = observed.status().await.grpc.unwrap();
        assert!(carried.to_string().contains("/test.Calls/Hold x 1"), "{carried}");
        assert_eq!((carried.arrived, carried.shed), (2, 1));
        held.go.open();
        assert_eq!(within("the call", open).await.unwrap().code(), 0);
        end(observed).await;
    }
}

#[actix::test]
async fn g17_the_handler_of_a_client_that_has_gone_is_dropped() {
    for version in VERSIONS {
        let (observed, mut held, at) = serve(options().grpc_server(web())).await;
        let open = tokio::spawn(send(at, version, call(at, HOLD, "application/grpc-web", message(b""))));
        held.entered("Hold").await;
        open.abort();
        within("the end of the handler", held.dropped.passed()).await;
        end(observed).await;
    }
}

#[actix::test]
async fn a_service_that_is_down_refuses_calls_of_grpc_web_in_the_body() {
    let phoenix = Phoenix::new("phoenix", &Journal::default()).spec(at_once());
    let options = options().grpc_ping_service(false).grpc_server(web());
    let observed = observe(options, |manager| manager.grpc_service(phoenix));
    let at = observed.grpc_address().await;
    assert_eq!(binary(at, Version::HTTP_11, PING).await.code(), 0);
    observed.manager.send(StopService("phoenix".into())).await.unwrap().unwrap();
    for version in VERSIONS {
        is_refused(&binary(at, version, PING).await, 14, "phoenix");
    }
    end(observed).await;
}

#[actix::test]
async fn g20_a_stream_of_grpc_web_is_ended_in_order_by_its_trailers() {
    let (mut observed, mut held, at) = serve(options().grpc_server(web().stream_grace(ms(100)))).await;
    let mut open = Vec::new();
    for version in VERSIONS {
        let request = call(at, "/test.Calls/Endless", "application/grpc-web+proto", message(b""));
        open.push(send(at, version, request).await);
        held.entered("Endless").await;
    }
    observed.shut_down();
    for response in open {
        let answered = read(response, <[u8]>::to_vec).await;
        assert_eq!((answered.messages.len(), answered.code()), (1, 14), "{answered:?}");
        assert!(answered.trailers.contains("going%20away"), "{answered:?}");
    }
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service(SERVER).streams_ended, 2);
}

#[actix::test]
async fn g05_a_unary_call_of_grpc_web_finishes_in_the_drain_and_its_connection_ends() {
    let (mut observed, mut held, at) = serve(options().drain_delay(DELAY).grpc_server(web())).await;
    let open = tokio::spawn(async move { binary(at, Version::HTTP_11, HOLD).await });
    held.entered("Hold").await;
    assert!(!binary(at, Version::HTTP_11, PING).await.headers.contains_key("connection"));
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    let answered = binary(at, Version::HTTP_11, PING).await;
    assert_eq!(answered.headers["connection"], "close", "from the drain delay on");
    observed.seen(&format!("shutdown_started {SERVER}")).await;
    held.go.open();
    let answered = within("the call", open).await.unwrap();
    assert_eq!((answered.messages.len(), answered.code()), (1, 0), "{answered:?}");
    assert_eq!(answered.headers["connection"], "close");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_without_a_fallback_all_but_calls_is_refused_as_before() {
    let (observed, _held, at) = serve(options().grpc_server(web())).await;
    for version in VERSIONS {
        for (method, content_type, status) in [
            ("GET", "application/grpc-web", 405),
            ("OPTIONS", "", 405),
            ("POST", "text/plain", 415),
            ("POST", "application/grpc-web+thrift", 415),
        ] {
            let mut request = call(at, PING, content_type, message(b""));
            *request.method_mut() = method.parse().unwrap();
            let answered = send(at, version, request).await;
            assert_eq!(answered.status().as_u16(), status, "{method} {content_type}");
        }
    }
    end(observed).await;
}

#[actix::test]
async fn g17_a_head_that_can_be_read_in_two_ways_is_no_call() {
    let (observed, _held, at) = serve(options().grpc_server(web())).await;
    let mut twice = call(at, PING, "application/grpc-web", message(b""));
    twice.headers_mut().append("host", "elsewhere.example".parse().unwrap());
    let refused = send(at, Version::HTTP_11, twice).await;
    assert!(refused.status().is_client_error(), "{refused:?}");
    assert_eq!(refused.headers()["connection"], "close");
    end(observed).await;
}
