//! Spans of calls: the server's own, with the trace of the call, and those that users make.

use std::sync::{Arc, Mutex};

use majordomo::ManagerOptions;
use majordomo::ping::{Ping, PingClient, PingServer};
use support::spans::SpanLog;
use support::{Registers, connect, observe, serving};
use tonic::{Request, Response, Status};
use tracing::Span;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Writes down the span that its handler runs in.
struct Sees(Arc<Mutex<Vec<Option<&'static str>>>>);

#[tonic::async_trait]
impl Ping for Sees {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.lock().unwrap().push(Span::current().metadata().map(tracing::Metadata::name));
        Ok(Response::new(()))
    }
}

/// Pings once, with this header; the span that the handler saw.
async fn ping(options: ManagerOptions, log: &SpanLog, header: Option<&str>) -> Option<&'static str> {
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let noted = Arc::clone(&seen);
    let register = move |on: &majordomo::GrpcRegistrar| {
        on.add_service(PingServer::new(Sees(Arc::clone(&noted))));
    };
    let options = options.grpc_ping_service(false).dispatch(log.dispatch());
    let mut observed = observe(options, |m| m.grpc_service(Registers::new("pings", register)));
    let mut request = Request::new(());
    if let Some(header) = header {
        request.metadata_mut().insert("traceparent", header.parse().unwrap());
    }
    PingClient::new(connect(&observed).await).ping(request).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    seen[0]
}

#[actix::test]
async fn the_span_of_a_call_tells_its_trace_where_its_header_is_valid() {
    for (header, is_valid) in [
        (Some(format!("00-{TRACE}-{PARENT}-01")), true),
        (Some(format!("01-{TRACE}-{PARENT}-01-more")), true),
        (Some(format!("ff-{TRACE}-{PARENT}-01")), false),
        (Some("nonsense".to_owned()), false),
        (None, false),
    ] {
        let log = SpanLog::default();
        assert_eq!(ping(serving(), &log, header.as_deref()).await, Some("call"));
        let [call] = &log.made("call")[..] else { panic!("{log:?}") };
        let field = |name| call.fields.get(name).map(String::as_str);
        assert_eq!(field("method"), Some("/pkping.Ping/Ping"));
        assert_eq!(field("trace_id"), is_valid.then_some(TRACE), "{header:?}");
        assert_eq!(field("parent_id"), is_valid.then_some(PARENT), "{header:?}");
    }
}

#[actix::test]
async fn a_span_that_a_user_makes_of_a_call_is_the_one_its_handler_runs_in() {
    let (log, heads) = (SpanLog::default(), Arc::<Mutex<Vec<String>>>::default());
    let noted = Arc::clone(&heads);
    let options = serving().grpc_make_span(move |head| {
        assert!(Span::current().is_none(), "it is made within none of ours");
        noted.lock().unwrap().push(head.uri().path().to_owned());
        tracing::info_span!("of my own")
    });
    assert_eq!(ping(options, &log, None).await, Some("of my own"));
    assert_eq!(*heads.lock().unwrap(), ["/pkping.Ping/Ping"]);
    assert_eq!(log.entered(), ["of my own"]);
    assert_eq!(log.made("of my own")[0].parent, None);
}

#[actix::test]
async fn nothing_of_ours_is_entered_around_the_span_of_a_user() {
    let log = SpanLog::default();
    let options = serving().grpc_make_span(|_| tracing::info_span!(parent: None, "root"));
    assert_eq!(ping(options, &log, None).await, Some("root"));
    assert_eq!((log.entered(), log.made("root")[0].parent), (vec!["root"], None));

    let log = SpanLog::default();
    assert_eq!(ping(serving().grpc_make_span(|_| Span::none()), &log, None).await, None);
    assert_eq!(log.entered(), Vec::<&str>::new());
}
