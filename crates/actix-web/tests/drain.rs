//! G8, G9, G19, G20: how a server of actix-web comes to its end.

use std::time::Duration;

use actix_web::web::{self, Bytes, Payload, ReqData, ServiceConfig};
use actix_web::{HttpResponse, http::StatusCode};
use futures_util::{StreamExt, stream};
use majordomo::ShutdownSignal;
use support::{Client, Gate, any_server, ms, options, within};
use tokio::io::AsyncReadExt;

use crate::{drain_error, gated, serve, two};

/// Never ends.
fn ticks() -> impl futures_util::Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::unfold((), |()| async {
        tokio::time::sleep(ms(5)).await;
        Some((Ok(Bytes::from_static(b"data: x\n\n")), ()))
    })
}

fn events(routes: &mut ServiceConfig) {
    let answer = async || HttpResponse::Ok().content_type("text/event-stream").streaming(ticks());
    // As the guide has it.
    let obliging = async |signal: ReqData<ShutdownSignal>| {
        let signal = signal.into_inner();
        let until = async move { signal.requested().await };
        HttpResponse::Ok().content_type("text/event-stream").streaming(Box::pin(ticks().take_until(until)))
    };
    routes.route("/events", web::get().to(answer)).route("/obliging", web::get().to(obliging));
}

#[actix::test]
async fn g19_a_request_finishes_and_its_answer_says_that_the_connection_ends() {
    let gate = Gate::new();
    any_server::finishes_its_requests(serve(options(), two(), gated(&gate)).await, &gate).await;
}

#[actix::test]
async fn g19_from_the_drain_delay_on_answers_say_that_the_connection_ends() {
    let manager = options().drain_delay(any_server::DELAY);
    any_server::says_that_connections_end(serve(manager, two(), gated(&Gate::new())).await).await;
}

#[actix::test]
async fn g09_what_is_left_at_the_deadline_is_cut_and_named() {
    let gate = Gate::new();
    let limit = ms(1500);
    let (mut observed, at) = serve(options().max_shutdown_duration(limit), two(), gated(&gate)).await;
    let mut client = Client::connect(at).await;
    client.send("GET /slow?secret=1 HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.shut_down();
    assert_eq!(client.rest().await, "");
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    ended.assert_in_time(limit);
    let error = drain_error(&ended);
    assert_eq!((error.connections, error.requests["GET /slow"]), (1, 1));
    assert!(error.blocked_workers.iter().all(|worker| worker.by.is_none()), "{error:?}");
    let text = ended.error().to_string();
    assert!(text.contains("web") && text.contains("GET /slow") && !text.contains("secret"), "{text}");
}

#[actix::test]
async fn g09_a_server_that_is_forced_is_told_with_what_it_carried() {
    let gate = Gate::new();
    let (mut observed, at) = serve(options(), two(), gated(&gate)).await;
    let mut client = Client::connect(at).await;
    client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.force();
    assert_eq!(client.rest().await, "");
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    let text = ended.error().to_string();
    assert!(text.contains("web") && text.contains("GET /slow"), "{text}");
}

#[actix::test]
async fn g20_events_end_in_order_after_their_grace_which_is_no_failure() {
    let (mut observed, at) = serve(options(), two().stream_grace(ms(100)), events).await;
    let mut client = Client::connect(at).await;
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    let rest = client.rest().await;
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "its end is in order: {rest:?}");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("web").streams_ended, 1);
    assert!(ended.took.unwrap() < Duration::from_secs(5), "{:?}", ended.took);
}

#[actix::test]
async fn g20_a_handler_that_asks_the_signal_ends_its_events_at_once() {
    let (mut observed, at) = serve(options(), two().stream_grace(None), events).await;
    let mut client = Client::connect(at).await;
    client.send("GET /obliging HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    let rest = client.rest().await;
    assert!(rest.ends_with("0\r\n\r\n"), "its end is in order: {rest:?}");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("web").streams_ended, 0);
}

#[actix::test]
async fn g20_a_connection_that_was_upgraded_ends_after_the_grace() {
    let echo = async |mut payload: Payload| {
        let echoed = async_stream(move |send| async move {
            while let Some(Ok(bytes)) = payload.next().await {
                send(bytes);
            }
        });
        HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS).upgrade("websocket").streaming(echoed)
    };
    let routes = move |routes: &mut ServiceConfig| {
        routes.route("/", web::get().to(echo));
    };
    let (mut observed, at) = serve(options(), two().stream_grace(ms(100)), routes).await;
    let mut client = Client::connect(at).await;
    client.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    assert_eq!(client.head().await.0, 101);
    client.send("abc").await;
    let mut echo = [0; 3];
    within("the echo", client.0.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"abc");
    observed.shut_down();
    assert_eq!(client.rest().await, "");
    observed.ended().await.assert_ok();
}

/// A body that is sent by a task.
fn async_stream<Fut: Future<Output = ()> + 'static>(
    task: impl FnOnce(Box<dyn Fn(Bytes)>) -> Fut,
) -> impl futures_util::Stream<Item = Result<Bytes, actix_web::Error>> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    actix_web::rt::spawn(task(Box::new(move |bytes| drop(sender.send(bytes)))));
    stream::unfold(receiver, |mut receiver| async move { Some((Ok(receiver.recv().await?), receiver)) })
}

#[actix::test]
async fn g19_idle_and_half_sent_connections_hold_up_no_end() {
    let (mut observed, at) =
        serve(options().max_shutdown_duration(Duration::from_secs(8)), two(), gated(&Gate::new())).await;
    let mut idle = Client::connect(at).await;
    assert_eq!(idle.get("/").await.status, 200);
    let mut half = Client::connect(at).await;
    half.send("GET / HTTP/1.1\r\nHo").await;
    let _silent = Client::connect(at).await;
    observed.shut_down();
    assert_eq!(idle.rest().await, "");
    observed.ended().await.assert_ok();
}
