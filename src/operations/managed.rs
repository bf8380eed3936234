//! What the endpoint asks of a manager.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::refusal::Refusal;
use crate::events::{EventStream, Name, TimedEvent};

/// An answer that takes its time; `None` where the manager is over.
pub(crate) type Later<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

/// A manager, as far as it can be seen from outside. Each may be asked in every stage, from before its set-up until after
/// its end; asking never blocks, and texts of failures are as they may be shown.
pub(crate) trait Managed: Send + Sync + 'static {
    /// Answers when the manager does.
    fn presence(&self) -> Later<()>;

    /// The status.
    fn status(&self) -> Later<Arc<dyn Document>>;

    /// What each service is doing.
    fn states(&self) -> Later<Vec<(Name, String)>>;

    /// How far the shutdown has come, and what came before it.
    fn report(&self) -> Later<Arc<dyn Document>>;

    /// What the manager would do, as it was known at its start.
    fn plan(&self) -> Arc<dyn Document>;

    /// What is remembered, and all that happens from then on, of which so many wait at most.
    fn follow(&self, capacity: usize) -> Later<Follower>;

    /// An event as one line of JSON.
    fn line(&self, event: &TimedEvent) -> String;

    /// Has something done; answers when that is done.
    fn order(&self, order: Order) -> Later<Result<(), Refusal>>;
}

/// What can be shown to programs and to people.
pub(crate) trait Document: Send + Sync {
    fn json(&self) -> String;
    fn text(&self) -> String;
}

impl<T: Serialize + Display + Send + Sync> Document for T {
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// One who follows events.
pub(crate) struct Follower {
    pub(crate) remembered: Vec<Arc<TimedEvent>>,
    pub(crate) stream: EventStream,
}

/// What a manager is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Done when the service is up again.
    Restart(String),
    /// Done when it is down.
    Stop(String),
    /// Done when its lease was given back; it asks for none for so long, or for as long as is usual.
    StepDown(String, Option<Duration>),
    /// Done when all have the new settings, or nobody.
    Reload,
    /// Done when a successor is in charge.
    Handover,
    /// Done when the shutdown has begun.
    Shutdown,
    /// Done when the end is forced from then on.
    Force,
}
