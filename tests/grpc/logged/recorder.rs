//! Records events, each with its fields and with the spans that it is in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use support::within;

type Fields = BTreeMap<&'static str, String>;

/// An event, or the making of a span.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) level: Level,
    /// An event's message, a span's name.
    pub(crate) text: String,
    fields: Fields,
    /// From the innermost to the outermost.
    spans: Vec<Record>,
}

impl Record {
    /// A field, which must be there.
    #[track_caller]
    pub(crate) fn get(&self, field: &str) -> &str {
        self.has(field).unwrap_or_else(|| panic!("no field {field} in {self}"))
    }

    pub(crate) fn has(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// All fields but those that differ from run to run.
    pub(crate) fn stable(&self) -> String {
        let stable = self.fields.iter().filter(|(name, _)| !["call_id", "elapsed_ms", "peer"].contains(name));
        let fields: Vec<_> = stable.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}: {}", self.level, self.text, fields.join(" "))
    }

    /// The call that the event was in, by its span.
    #[track_caller]
    pub(crate) fn in_call(&self) -> &str {
        match &self.spans[..] {
            [call] if call.text == "call" => call.get("call_id"),
            spans => panic!("not in one call: {spans:?}"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {:?} in {:?}", self.level, self.text, self.fields, self.spans)
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.text = value,
            name => drop(self.fields.insert(name, value)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// What was recorded of `majordomo::grpc` and of the test itself.
#[derive(Clone)]
pub(crate) struct Recorder {
    level: LevelFilter,
    records: Arc<watch::Sender<Vec<Record>>>,
    /// Whether it panics at every event, once it has recorded it.
    panics: bool,
}

impl Recorder {
    /// Records what is of this level or more severe.
    pub(crate) fn new(level: Level) -> Self {
        Self { level: level.into(), records: Arc::default(), panics: false }
    }

    pub(crate) fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.clone()))
    }

    /// One that panics at every event.
    pub(crate) fn panicking(&self) -> Dispatch {
        Self { panics: true, ..self.clone() }.dispatch()
    }

    pub(crate) fn all(&self) -> Vec<Record> {
        self.records.borrow().clone()
    }

    /// Those with this text, as far as they have come.
    pub(crate) fn those(&self, text: &str) -> Vec<Record> {
        self.all().into_iter().filter(|record| record.text == text).collect()
    }

    /// Waits for so many with this text.
    pub(crate) async fn wait(&self, text: &str, count: usize) -> Vec<Record> {
        let mut records = self.records.subscribe();
        let come = records.wait_for(|all| all.iter().filter(|record| record.text == text).count() >= count);
        drop(within(text, come).await);
        let those = self.those(text);
        assert_eq!(those.len(), count, "{text}: {those:#?}");
        those
    }

    /// The only one with this text.
    pub(crate) async fn one(&self, text: &str) -> Record {
        self.wait(text, 1).await.remove(0)
    }

    fn record(&self, record: Record) {
        self.records.send_modify(|records| records.push(record));
    }
}

fn record(metadata: &Metadata<'_>, fill: impl FnOnce(&mut Record)) -> Record {
    let mut record = Record {
        level: *metadata.level(),
        text: metadata.name().to_owned(),
        fields: Fields::new(),
        spans: Vec::new(),
    };
    fill(&mut record);
    record
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let ours = ["majordomo::grpc", "test"].contains(&metadata.target());
        ours && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = record(attributes.metadata(), |span| attributes.record(span));
        context.span(id).unwrap().extensions_mut().insert(span);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.record(record(event.metadata(), |record| {
            event.record(record);
            let scope = context.event_scope(event).into_iter().flatten();
            record.spans = scope.filter_map(|span| span.extensions().get::<Record>().cloned()).collect();
        }));
        assert!(!self.panics, "a subscriber that panics");
    }
}
