//! The way from a manager to its observers.
//!
//! ```text
//!   read slowly    1 2 3 .. 65,536 | lost: 65,537 .. 65,600 | there is room again
//!   what is read   1 2 3 .. 65,536   missed: 64               65,601 ..  stopped
//! ```
//!
//! Bound: as many events as the capacity says, and two more: how many are missing, and `stopped`, which is never lost.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::{LifecycleEvent, TimedEvent};

/// How many events wait for an observer at most, unless it says otherwise.
const CAPACITY: usize = 65_536;

/// A channel for [`ManagerOptions::observe`](crate::ManagerOptions::observe), in which 65,536 events may wait.
pub fn channel() -> (EventSender, EventStream) {
    channel_of(CAPACITY)
}

/// The same, in which that many events may wait; at least one. An observer that does not read loses those that come then, and is
/// [told how many](LifecycleEvent::Missed) where they are missing. [`Stopped`](LifecycleEvent::Stopped) always reaches it.
///
/// ```
/// let (sender, stream) = majordomo::events::channel_of(100);
/// let options = majordomo::ManagerOptions::new().observe(sender);
/// # drop((options, stream));
/// ```
pub fn channel_of(capacity: usize) -> (EventSender, EventStream) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Room { capacity: capacity.max(1), ..Room::default() });
    (EventSender(To::Stream(sender, Arc::clone(&room))), EventStream(receiver, room))
}

/// How much room there is in a channel. Counts, which order nothing.
#[derive(Debug, Default)]
struct Room {
    capacity: usize,
    waiting: AtomicUsize,
    missed: AtomicU64,
}

impl Room {
    /// Whether there is room for this event; if not, it is one more that is missed.
    fn has_some_for(&self, event: &LifecycleEvent) -> bool {
        let has =
            self.waiting.load(Ordering::Relaxed) < self.capacity || matches!(event, LifecycleEvent::Stopped);
        if !has {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        has
    }

    /// What is to be told of those that are missing, before an event at that place.
    fn missed_before(&self, event: &TimedEvent) -> Option<Arc<TimedEvent>> {
        if self.missed.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let count = self.missed.swap(0, Ordering::Relaxed);
        Some(Arc::new(TimedEvent { at: event.at, event: LifecycleEvent::Missed { count } }))
    }
}

/// The manager's end of [`channel`].
#[derive(Clone)]
pub struct EventSender(To);

/// Answers whether there was anybody to tell.
type Tell = dyn Fn(&Arc<TimedEvent>) -> bool + Send + Sync;

#[derive(Clone)]
enum To {
    Stream(mpsc::UnboundedSender<Arc<TimedEvent>>, Arc<Room>),
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
            To::Stream(sender, room) => {
                if !room.has_some_for(&event.event) {
                    return !sender.is_closed();
                }
                let missed = room.missed_before(event);
                missed.into_iter().chain([Arc::clone(event)]).all(|event| {
                    room.waiting.fetch_add(1, Ordering::Relaxed);
                    sender.send(event).is_ok()
                })
            }
            To::Call(tell) => tell(event),
        }
    }

    /// Whether nobody reads what it sends any more.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.0 {
            To::Stream(sender, _) => sender.is_closed(),
            To::Call(_) => false,
        }
    }
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").finish_non_exhaustive()
    }
}

/// The observer's end of [`channel`]. A slow observer delays nobody: events wait in memory, up to the capacity of the channel.
#[derive(Debug)]
pub struct EventStream(mpsc::UnboundedReceiver<Arc<TimedEvent>>, Arc<Room>);

impl EventStream {
    /// The next event; `None` once the manager has stopped and all were read.
    pub async fn recv(&mut self) -> Option<Arc<TimedEvent>> {
        let event = self.0.recv().await;
        self.taken(event)
    }

    /// The next event, waiting on a thread that runs no event loop.
    ///
    /// # Panics
    /// Inside an asynchronous context.
    pub fn blocking_recv(&mut self) -> Option<Arc<TimedEvent>> {
        let event = self.0.blocking_recv();
        self.taken(event)
    }

    /// The next event, if it is there already.
    pub fn try_recv(&mut self) -> Option<Arc<TimedEvent>> {
        let event = self.0.try_recv().ok();
        self.taken(event)
    }

    /// There is room for another.
    fn taken(&self, event: Option<Arc<TimedEvent>>) -> Option<Arc<TimedEvent>> {
        if event.is_some() {
            self.1.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn send(sender: &EventSender, millis: u64, event: LifecycleEvent) {
        assert!(sender.send(&Arc::new(TimedEvent { at: Duration::from_millis(millis), event })));
    }

    fn rest(stream: &mut EventStream) -> Vec<String> {
        let text = |timed: Arc<TimedEvent>| match timed.event {
            LifecycleEvent::Missed { count } => format!("{} missed {count}", timed.at.as_millis()),
            _ => format!("{}", timed.at.as_millis()),
        };
        std::iter::from_fn(|| stream.try_recv()).map(text).collect()
    }

    #[test]
    fn g16_who_does_not_read_loses_events_and_is_told_how_many_and_where() {
        let (sender, mut stream) = channel_of(3);
        (1..=10).for_each(|millis| send(&sender, millis, LifecycleEvent::Draining));
        assert_eq!(stream.try_recv().expect("the first").at.as_millis(), 1);
        send(&sender, 11, LifecycleEvent::Draining);
        send(&sender, 12, LifecycleEvent::Draining);
        send(&sender, 13, LifecycleEvent::Stopped);
        assert_eq!(rest(&mut stream), ["2", "3", "11 missed 7", "11", "13 missed 1", "13"]);
    }

    #[test]
    fn g16_the_last_event_has_a_place_of_its_own() {
        let (sender, mut stream) = channel_of(0);
        (1..=100).for_each(|millis| send(&sender, millis, LifecycleEvent::Draining));
        send(&sender, 101, LifecycleEvent::Stopped);
        assert_eq!(rest(&mut stream), ["1", "101 missed 99", "101"]);
        drop(stream);
        assert!(sender.is_closed());
        let timed = Arc::new(TimedEvent { at: Duration::ZERO, event: LifecycleEvent::Draining });
        assert!(!sender.send(&timed));
    }
}
