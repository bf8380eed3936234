//! The way from a manager to its observers.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{LifecycleEvent, TimedEvent};

/// A channel for [`ManagerOptions::observe`](crate::ManagerOptions::observe).
pub fn channel() -> (EventSender, EventStream) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (EventSender(To::Stream(sender)), EventStream(receiver))
}

/// The manager's end of [`channel`].
#[derive(Clone)]
pub struct EventSender(To);

/// Answers whether there was anybody to tell.
type Tell = dyn Fn(&Arc<TimedEvent>) -> bool + Send + Sync;

#[derive(Clone)]
enum To {
    Stream(mpsc::UnboundedSender<Arc<TimedEvent>>),
    Call(Arc<Tell>),
}

impl EventSender {
    /// Tells of each event by a call on the manager's thread: what it does is done before anything else
    /// comes of the event. Only for what returns at once.
    pub(crate) fn calling(tell: impl Fn(&LifecycleEvent) + Send + Sync + 'static) -> Self {
        Self(To::Call(Arc::new(move |timed| {
            tell(&timed.event);
            true
        })))
    }

    /// The same, until the call answers that nobody is left to tell.
    #[cfg(feature = "testing")]
    pub(crate) fn calling_while(tell: impl Fn(&Arc<TimedEvent>) -> bool + Send + Sync + 'static) -> Self {
        Self(To::Call(Arc::new(tell)))
    }

    /// Whether there was anybody to tell: an observer that has gone needs no more telling.
    pub(crate) fn send(&self, event: &Arc<TimedEvent>) -> bool {
        match &self.0 {
            To::Stream(sender) => sender.send(Arc::clone(event)).is_ok(),
            To::Call(tell) => tell(event),
        }
    }
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").finish_non_exhaustive()
    }
}

/// The observer's end of [`channel`]. A slow observer delays nobody: events wait in memory.
#[derive(Debug)]
pub struct EventStream(mpsc::UnboundedReceiver<Arc<TimedEvent>>);

impl EventStream {
    /// The next event; `None` once the manager has stopped and all were read.
    pub async fn recv(&mut self) -> Option<Arc<TimedEvent>> {
        self.0.recv().await
    }

    /// The next event, waiting on a thread that runs no event loop.
    ///
    /// # Panics
    /// Inside an asynchronous context.
    pub fn blocking_recv(&mut self) -> Option<Arc<TimedEvent>> {
        self.0.blocking_recv()
    }

    /// The next event, if it is there already.
    pub fn try_recv(&mut self) -> Option<Arc<TimedEvent>> {
        self.0.try_recv().ok()
    }
}
