//! What happens, as it happens: `text/event-stream`, as the HTML standard has it.
//!
//! A follower that reads more slowly than events come loses some; it is told how many, by an event `missed` in their place. One that takes
//! nothing at all is dropped by its connection. The stream ends after `stopped`.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use futures_util::stream::unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::sync::OwnedSemaphorePermit;

use super::answer::Body;
use super::managed::{Follower, Managed};
use crate::events::TimedEvent;

pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// How many events are written at once, at most.
const CHUNK: usize = 64;

struct Following {
    remembered: std::vec::IntoIter<Arc<TimedEvent>>,
    follower: crate::events::EventStream,
    managed: Arc<dyn Managed>,
    /// Its place among the followers, until it is gone.
    _place: OwnedSemaphorePermit,
}

/// What is remembered, then what happens.
pub(super) fn body(follower: Follower, managed: Arc<dyn Managed>, place: OwnedSemaphorePermit) -> Body {
    let Follower { remembered, stream } = follower;
    let following =
        Following { remembered: remembered.into_iter(), follower: stream, managed, _place: place };
    let frames = unfold(following, |mut following| async {
        let text = following.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), following))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Following {
    /// What is to be written next; `None` once all is over.
    async fn next(&mut self) -> Option<String> {
        let first = match self.remembered.next() {
            Some(event) => event,
            None => self.follower.recv().await?,
        };
        let mut text = String::new();
        self.write(&mut text, &first);
        for _ in 1..CHUNK {
            let Some(event) = self.remembered.next().or_else(|| self.follower.try_recv()) else { break };
            self.write(&mut text, &event);
        }
        Some(text)
    }

    fn write(&self, text: &mut String, event: &TimedEvent) {
        // A line of JSON has no line break in it.
        let _ = write!(text, "data: {}\n\n", self.managed.line(event));
    }
}
