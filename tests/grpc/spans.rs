//! Spans that users make of calls.

use std::sync::{Arc, Mutex};

use support::rpc::ping;
use support::{connect, observe, serving};
use tracing_subscriber::layer::SubscriberExt;

/// Writes down each span that is entered.
struct Entered(Arc<Mutex<Vec<&'static str>>>);

impl<S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>>
    tracing_subscriber::Layer<S> for Entered
{
    fn on_enter(&self, id: &tracing::span::Id, ctx: tracing_subscriber::layer::Context<'_, S>) {
        self.0.lock().unwrap().extend(ctx.metadata(id).map(tracing::Metadata::name));
    }
}

#[actix::test]
async fn a_span_that_a_user_makes_of_a_call_is_the_one_its_handler_runs_in() {
    let (seen, entered) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<&'static str>>>::default());
    let noted = Arc::clone(&seen);
    let subscriber = tracing_subscriber::registry().with(Entered(Arc::clone(&entered)));
    let options = serving().dispatch(tracing::Dispatch::new(subscriber)).grpc_make_span(move |head| {
        noted.lock().unwrap().push(head.uri().path().to_owned());
        tracing::info_span!("of my own")
    });
    let mut observed = observe(options, |manager| manager);
    let channel = connect(&observed).await;
    ping(channel.clone()).await.unwrap();
    drop(channel);
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(*seen.lock().unwrap(), ["/pkping.Ping/Ping"]);
    let entered = entered.lock().unwrap();
    assert!(entered.contains(&"of my own") && !entered.contains(&"call"), "{entered:?}");
}
