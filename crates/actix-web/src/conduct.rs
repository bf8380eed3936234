//! One life of a server, from its start to the end of its threads.
//!
//! ```text
//!   start: Apps are made | serving | asked: nobody new gets in, requests finish |  cut  | threads end |  give up  deadline
//!                        |         |--------------------------------------------|-------|-------------|---------|
//!                                                                               |<-- a tenth, at most 150 ms -->|
//! ```
//!
//! Once a graceful stop has begun, actix-server takes no further command: it looks once a second whether a worker is idle, and waits as
//! long as it was told when it was built, which is before anybody knows how much time there will be. So that limit is switched
//! off; we count connections ourselves, and drop the server when none is left, or when the time has come. It sends its
//! workers home then, which drop what they carry.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_server::Server;
use majordomo::sockets::ListeningSockets;
use tokio::sync::oneshot;

use crate::activity::Activity;
use crate::error::{ActixWebDrainError, BlockedWorker, ServeError};

/// A tenth of a drain, though not more than this, is kept for cutting what is left, and for the end of threads.
const LONGEST_LEAD: Duration = Duration::from_millis(150);

/// How a drain went.
pub(crate) type Drained = Result<(), ActixWebDrainError>;

/// When what is left is cut, and when threads are waited for no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timetable {
    cut: Instant,
    give_up: Instant,
}

impl Timetable {
    fn new(asked: Instant, deadline: Instant) -> Self {
        let lead = (deadline.saturating_duration_since(asked) / 10).min(LONGEST_LEAD);
        let before = |margin| deadline.checked_sub(margin).unwrap_or(asked);
        Self { cut: before(lead), give_up: before(lead / 3) }
    }
}

/// Serves until it is asked to stop, with the time until which it may take, then drains. Dropped, it cuts everything.
pub(crate) async fn conduct(
    mut server: Server,
    mut sockets: ListeningSockets,
    activity: Arc<Activity>,
    asked: oneshot::Receiver<Option<Instant>>,
) -> Result<Drained, ServeError> {
    // The first poll makes the Apps, on the workers, and blocks until they are there.
    if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(Pin::new(&mut server).poll(cx))).await {
        return Err(not_started(ended.err(), &activity));
    }
    sockets.serving();
    let deadline = tokio::select! {
        biased;
        Ok(deadline) = asked => deadline,
        ended = &mut server => return Err(ServeError::Ended(ended.err())),
        () = activity.workers.none_left() => return Err(ServeError::NoWorkers),
    };
    let times = deadline.map(|deadline| Timetable::new(Instant::now(), deadline));
    // actix-server resets who waits to be accepted when it is asked to stop, or has not come to a worker yet.
    tokio::select! {
        () = sockets.refuse_new() => {}
        () = until(times.map(|times| times.cut)) => {}
        ended = &mut server => return Err(ServeError::Ended(ended.err())),
    }
    // The file of a Unix socket goes before its listener does.
    drop(sockets);
    drop(server.handle().stop(true));
    let cut = tokio::select! {
        biased;
        // The order to stop goes out by this.
        _ = &mut server => false,
        () = activity.none_connected() => false,
        () = until(times.map(|times| times.cut)) => true,
    };
    let cut = cut.then(|| activity.in_flight());
    drop(server);
    tokio::select! {
        () = activity.workers.none_left() => {}
        () = until(times.map(|times| times.give_up)) => {}
    }
    activity.socket.streams_ended(activity.streams_ended.load(Ordering::Relaxed));
    Ok(ActixWebDrainError::of(cut, blocked(&activity)).map_or(Ok(()), Err))
}

fn not_started(error: Option<std::io::Error>, activity: &Activity) -> ServeError {
    match (activity.take_panic(), error) {
        (Some(panic), _) => ServeError::Factory(panic),
        (None, Some(error)) => ServeError::Start(error),
        (None, None) => ServeError::Ended(None),
    }
}

/// The workers that have not ended.
fn blocked(activity: &Activity) -> Vec<BlockedWorker> {
    let blocked = activity.workers.there().into_iter().map(|worker| {
        let by = worker.lock().polled().map(|(request, lasted)| (request.to_owned(), lasted));
        BlockedWorker { thread: worker.thread.clone(), by }
    });
    blocked.collect()
}

/// Resolves at that time; never, where there is none.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g08_what_is_left_is_cut_within_the_last_tenth() {
        let asked = Instant::now();
        let ms = Duration::from_millis;
        let long = Timetable::new(asked, asked + ms(30_000));
        assert_eq!(long, Timetable { cut: asked + ms(29_850), give_up: asked + ms(29_950) });
        let short = Timetable::new(asked, asked + ms(600));
        assert_eq!(short, Timetable { cut: asked + ms(540), give_up: asked + ms(580) });
        let late = Timetable::new(asked + ms(1), asked);
        assert_eq!(late, Timetable { cut: asked, give_up: asked });
    }
}
