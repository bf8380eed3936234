//! Calls of gRPC-Web from another origin: a user's layer answers what browsers ask before (CORS).

use axum::Router;
use axum::http::{Method, StatusCode, Version};
use axum::routing::get;
use support::observe;
use support::web::{call, message, read, send};

const ORIGIN: &str = "https://app.example";

#[actix::test]
async fn a_layer_of_cors_answers_preflights_behind_the_fallback_and_marks_answers_around_the_methods() {
    let pages = Router::new().route("/", get(async || "a page"));
    let options = recipes::cors::options(ORIGIN.parse().unwrap(), pages);
    let options = options.grpc_server_address("127.0.0.1:0").handle_signals(false);
    let mut observed = observe(options, |manager| manager);
    let at = observed.grpc_address().await;

    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut preflight = call(at, "/pkping.Ping/Ping", "", Vec::new());
        *preflight.method_mut() = Method::OPTIONS;
        preflight.headers_mut().remove("content-type");
        preflight.headers_mut().insert("origin", ORIGIN.parse().unwrap());
        preflight.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
        preflight
            .headers_mut()
            .insert("access-control-request-headers", "content-type,x-grpc-web".parse().unwrap());
        let allowed = send(at, version, preflight).await;
        assert_eq!(allowed.status(), StatusCode::OK);
        let header = |name: &str| allowed.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("access-control-allow-origin"), ORIGIN);
        assert_eq!(header("access-control-allow-methods"), "POST");
        assert!(header("access-control-allow-headers").contains("x-grpc-web"));

        for (origin, allowed) in [(ORIGIN, true), ("https://elsewhere.example", false)] {
            let mut request = call(at, "/pkping.Ping/Ping", "application/grpc-web+proto", message(b""));
            request.headers_mut().insert("origin", origin.parse().unwrap());
            let answered = read(send(at, version, request).await, <[u8]>::to_vec).await;
            assert_eq!(answered.code(), 0);
            assert_eq!(answered.headers.contains_key("access-control-allow-origin"), allowed, "{origin}");
            assert!(answered.headers.contains_key("access-control-expose-headers"));
        }
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}
