//! What is logged of streams and of messages.

use crate::logged::{FINISHED, OPENED, REQUEST, RESPONSE, Served, messages};
use crate::logged::{Record, Recorder};
use majordomo::grpc::health::{HealthCheckRequest, HealthClient};
use majordomo::{resource_fn, service_fn};
use support::{Gate, observe, within};
use tonic::Code;
use tracing::{Level, info};

#[actix::test]
async fn a_stream_is_logged_when_it_opens_and_when_it_ends() {
    let served = Served::debug().await;
    let end = Gate::default();
    let ended = end.clone();
    let texts = tokio_stream::StreamExt::chain(
        tokio_stream::iter(["one"]),
        futures_util::FutureExt::into_stream(Box::pin(async move {
            ended.passed().await;
            "two"
        })),
    );
    let client = served.client.clone();
    let call = tokio::spawn(async move { client.stream("Chat", texts).await });
    let opened = served.recorder.one(OPENED).await;
    assert_eq!(opened.stable(), "DEBUG gRPC stream opened: kind=bidi_streaming method=/test.Texts/Chat");
    assert!(served.recorder.those(FINISHED).is_empty());
    end.open();
    assert_eq!(within("the end", call).await.unwrap().unwrap(), ["one", "two"]);
    let finished = served.finished().await;
    assert_eq!(
        finished.stable(),
        "DEBUG gRPC call finished: kind=bidi_streaming method=/test.Texts/Chat status=OK"
    );
    for field in ["call_id", "peer"] {
        assert_eq!(opened.get(field), finished.get(field));
    }
    // Messages are another matter.
    assert_eq!(served.recorder.all().len(), 2);
}

#[actix::test]
async fn messages_are_logged_as_json_each_at_its_level() {
    let served = Served::logging(Level::INFO, messages().responses(Level::WARN)).await;
    served.client.unary("Echo", "hello \"you\"").await.unwrap();
    served.client.stream("Join", tokio_stream::iter(["one", "two"])).await.unwrap();
    served.client.stream("Split", tokio_stream::iter(["three four"])).await.unwrap();
    let stable = |text: &str| served.recorder.those(text).iter().map(Record::stable).collect::<Vec<_>>();
    assert_eq!(
        stable(REQUEST),
        [
            r#"INFO gRPC request: json={"text":"hello \"you\""} method=/test.Texts/Echo number=1 size=13"#,
            r#"INFO gRPC request: json={"text":"one"} method=/test.Texts/Join number=1 size=5"#,
            r#"INFO gRPC request: json={"text":"two"} method=/test.Texts/Join number=2 size=5"#,
            r#"INFO gRPC request: json={"text":"three four"} method=/test.Texts/Split number=1 size=12"#,
        ]
    );
    assert_eq!(
        stable(RESPONSE),
        [
            r#"WARN gRPC response: json={"text":"hello \"you\""} method=/test.Texts/Echo number=1 size=13"#,
            r#"WARN gRPC response: json={"text":"one two"} method=/test.Texts/Join number=1 size=9"#,
            r#"WARN gRPC response: json={"text":"three"} method=/test.Texts/Split number=1 size=7"#,
            r#"WARN gRPC response: json={"text":"four"} method=/test.Texts/Split number=2 size=6"#,
        ]
    );
    let (request, response) = (&served.recorder.those(REQUEST)[0], &served.recorder.those(RESPONSE)[0]);
    assert_eq!(request.get("call_id"), response.get("call_id"));
    assert!(served.recorder.those(FINISHED).is_empty());
}

#[actix::test]
async fn long_messages_are_put_together_and_cut() {
    let served = Served::logging(Level::INFO, messages().max_json_length(20)).await;
    // Comes in several frames.
    served.client.unary("Echo", &"long ".repeat(20_000)).await.unwrap();
    for text in [REQUEST, RESPONSE] {
        let stable = served.recorder.one(text).await.stable();
        let told = r#"cut=true json={"text":"long long l method=/test.Texts/Echo number=1 size=100004"#;
        assert_eq!(stable, format!("INFO {text}: {told}"));
    }
    served.client.unary("Echo", &"x".repeat(300_000)).await.unwrap();
    let request = &served.recorder.wait(REQUEST, 2).await[1];
    assert_eq!(
        request.stable(),
        "INFO gRPC request: method=/test.Texts/Echo number=1 size=300004 too_long=true"
    );
}

#[actix::test]
async fn compressed_messages_are_inflated() {
    let served = Served::logging(Level::INFO, messages().max_json_length(100_000)).await;
    let text = "again and ".repeat(1000);
    assert_eq!(served.client.compressed("Echo", &text).await.unwrap(), text);
    for text_of in [REQUEST, RESPONSE] {
        let message = served.recorder.one(text_of).await;
        assert_eq!(message.get("json"), format!(r#"{{"text":"{text}"}}"#));
        assert!(message.get("size").parse::<usize>().unwrap() < 1000, "{message}");
    }
    // A few bytes of which too many would come.
    served.client.compressed("Echo", &"x".repeat(1_000_000)).await.unwrap();
    let request = &served.recorder.wait(REQUEST, 2).await[1];
    assert_eq!((request.get("too_long"), request.has("json")), ("true", None));
}

#[actix::test]
async fn a_malformed_message_is_logged_as_such_and_is_the_handlers_to_answer() {
    let served = Served::logging(Level::INFO, messages()).await;
    let status = served.client.mistaken("Echo").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let request = served.recorder.one(REQUEST).await;
    assert!(request.get("malformed").contains("wire type"), "{request}");
    assert_eq!((request.get("size"), request.has("json")), ("2", None));
}

#[actix::test]
async fn what_nothing_describes_is_logged_without_kind_and_by_size() {
    let logging = messages().calls(Level::INFO);
    let served = Served::registering(Level::INFO, |options| options.grpc_logging(logging), false).await;
    served.client.unary("Echo", "hello").await.unwrap();
    assert_eq!(
        served.finished().await.stable(),
        "INFO gRPC call finished: method=/test.Texts/Echo status=OK"
    );
    for text in [REQUEST, RESPONSE] {
        let message = served.recorder.one(text).await;
        assert_eq!(message.stable(), format!("INFO {text}: method=/test.Texts/Echo number=1 size=7"));
    }
}

#[actix::test]
async fn probes_of_health_are_logged_at_trace() {
    for (level, count) in [(Level::DEBUG, 0), (Level::TRACE, 1)] {
        let served = Served::new(level, |options| options).await;
        let mut health = HealthClient::new(served.client.0.clone());
        health.check(HealthCheckRequest::default()).await.unwrap();
        let checks = served.recorder.those(FINISHED);
        assert_eq!(checks.len(), count, "{checks:?}");
        assert!(checks.iter().all(|check| check.level == Level::TRACE));
    }
}

#[actix::test]
async fn the_managers_dispatch_is_that_of_services_and_resources() {
    let recorder = Recorder::new(Level::INFO);
    let speaks = service_fn("speaks", |run| async move {
        let released = || async {
            info!(target: "test", "released");
            Ok(())
        };
        run.resources.start("resource", resource_fn(released))?;
        info!(target: "test", "runs");
        tokio::task::spawn_local(async { info!(target: "test", "spawned") }).await?;
        run.shutdown.requested().await;
        Ok(())
    });
    let options = support::options().dispatch(recorder.dispatch());
    let mut observed = observe(options, |manager| manager.service(speaks));
    observed.running().await;
    for text in ["runs", "spawned"] {
        recorder.one(text).await;
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
    recorder.one("released").await;
}
