//! A subscriber that writes down the spans of the threads of servers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span, as it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    pub name: &'static str,
    pub parent: Option<&'static str>,
    pub fields: BTreeMap<&'static str, String>,
}

/// The spans that were made and entered on the threads that serve.
#[derive(Debug, Clone, Default)]
pub struct SpanLog(Arc<Mutex<Spans>>);

#[derive(Debug, Default)]
struct Spans {
    made: Vec<Made>,
    entered: Vec<&'static str>,
}

impl SpanLog {
    /// What a manager is given.
    pub fn dispatch(&self) -> Dispatch {
        Dispatch::new(tracing_subscriber::registry().with(self.clone()))
    }

    /// Those of this name that were made.
    pub fn made(&self, name: &str) -> Vec<Made> {
        self.0.lock().unwrap().made.iter().filter(|made| made.name == name).cloned().collect()
    }

    /// The names of those that were entered, each once.
    pub fn entered(&self) -> Vec<&'static str> {
        let mut entered = self.0.lock().unwrap().entered.clone();
        entered.sort_unstable();
        entered.dedup();
        entered
    }
}

/// Whether a span is one of a thread that serves. h2 has spans of its own, which it leaves before anybody is called.
fn is_served(metadata: &Metadata<'_>) -> bool {
    let serves = std::thread::current().name().is_some_and(|name| name.contains("-worker-"));
    serves && !metadata.target().starts_with("h2::")
}

impl Visit for Made {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if is_served(attributes.metadata()) {
            let parent = ctx.span(id).and_then(|span| span.parent().map(|parent| parent.name()));
            let mut made = Made { name: attributes.metadata().name(), parent, ..Made::default() };
            attributes.record(&mut made);
            self.0.lock().unwrap().made.push(made);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let metadata = ctx.metadata(id).filter(|metadata| is_served(metadata));
        self.0.lock().unwrap().entered.extend(metadata.map(Metadata::name));
    }
}
