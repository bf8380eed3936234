//! What services and resources log carries their names, without any work of theirs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use actix::fut::wrap_future;
use actix::prelude::*;
use support::{Call, Journal, Probe, observe, options};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber, info};
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

type Fields = BTreeMap<&'static str, String>;

/// Each line of the test's own, with the fields of the spans that it is in, from the outermost to the innermost.
#[derive(Clone, Default)]
struct Lines {
    lines: Arc<Mutex<BTreeMap<String, String>>>,
    /// Whether it panics whenever a span is entered.
    panics: bool,
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Collect(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_enter(&self, _: &Id, _: layer::Context<'_, S>) {
        assert!(!self.panics, "as the test wants it");
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        if event.metadata().target() != "test" {
            return;
        }
        let mut line = Fields::new();
        event.record(&mut Collect(&mut line));
        let scope = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let spans = scope.map(|span| match span.extensions().get::<Fields>() {
            Some(fields) => fields.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            None => Vec::new(),
        });
        let within: Vec<String> = spans.map(|fields| fields.join(" ")).collect();
        self.lines.lock().unwrap().insert(line["message"].clone(), within.join(" > "));
    }
}

impl Lines {
    fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.clone()))
    }

    #[track_caller]
    fn assert(&self, all: &[(&str, &str)]) {
        let lines = self.lines.lock().unwrap();
        let all: BTreeMap<_, _> =
            all.iter().map(|(line, within)| ((*line).to_owned(), (*within).to_owned())).collect();
        assert_eq!(*lines, all);
    }
}

/// A service that logs from wherever its code runs, with a resource that does in its handler.
fn logs(id: &'static str, journal: &Journal) -> Probe {
    let resource = Probe::new(format!("{id}/r"), journal).release_at_once(move |_, _| {
        info!(target: "test", "{id}: resource");
        Ok(())
    });
    let noted = journal.clone();
    let service = Probe::new(id, journal).setup_at_once(move |setup, ctx| {
        info!(target: "test", "{id}: handler");
        setup.span.in_scope(|| info!(target: "test", "{id}: its step"));
        setup.resources.start("r", resource)?;
        let ours = noted.clone();
        ctx.spawn(wrap_future(async move {
            tokio::task::yield_now().await;
            info!(target: "test", "{id}: spawned on its context");
            ours.note(format!("{id}: logged"));
        }));
        actix::spawn(async move {
            tokio::task::yield_now().await;
            info!(target: "test", "{id}: spawned");
            noted.note(format!("{id}: logged"));
        });
        Ok(())
    });
    service.run(move |run| async move {
        run.shutdown.requested().await;
        info!(target: "test", "{id}: main loop");
        Ok(())
    })
}

#[actix::test]
async fn lines_of_a_service_s_own_code_carry_its_name_and_its_neighbours_theirs() {
    let (lines, journal) = (Lines::default(), Journal::default());
    let options = options().service_threads(1).dispatch(lines.dispatch());
    let mut observed =
        observe(options, |manager| manager.service(logs("a", &journal)).service(logs("b", &journal)));
    observed.running().await;
    journal.until("a: logged", 2).await;
    journal.until("b: logged", 2).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    lines.assert(&[
        ("a: handler", "service=a"),
        ("a: its step", "service=a stage=setup"),
        ("a: spawned on its context", "service=a"),
        ("a: spawned", "service=a"),
        ("a: main loop", "service=a"),
        ("a: resource", "resource=r service=a"),
        ("b: handler", "service=b"),
        ("b: its step", "service=b stage=setup"),
        ("b: spawned on its context", "service=b"),
        ("b: spawned", "service=b"),
        ("b: main loop", "service=b"),
        ("b: resource", "resource=r service=b"),
    ]);
}

#[actix::test]
async fn g18_a_subscriber_that_panics_over_a_span_costs_the_name_and_nothing_else() {
    let (lines, journal) = (Lines { panics: true, ..Lines::default() }, Journal::default());
    let (service, address) = Probe::new("a", &journal).with_address();
    let mut observed = observe(options().dispatch(lines.dispatch()), |manager| manager.service(service));
    observed.running().await;
    let logs = Call::now(|_| info!(target: "test", "goes on"));
    address.await.unwrap().send(logs).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    lines.assert(&[("goes on", "")]);
}
