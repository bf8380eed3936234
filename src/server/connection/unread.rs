//! How long a peer may leave unread what it is sent.
//!
//! ```text
//!   a write waits --a second--> told in the status --write_timeout--> cut
//!         |                          |
//!         +--some of it is written---+--> read again
//! ```
//!
//! In a drain a connection whose handlers have all answered is waited for only as long as its peer takes something:
//! [`left_unread`]. Whether the socket holds the answers back, or a window of HTTP/2 that is never opened, is the same.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::server::connection::state::Connection;
use crate::server::connection::unread_list::Entry;

/// After so long it is reported. A peer that is only slow has read something by then.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// A peer that takes fewer bytes than this in the time counts as not reading.
const LEAST: u64 = 1024;

/// Resolves when the peer of a connection has read nothing for too long. It is to be polled after each write, and costs
/// a load while none waits: a timer is made when the first has to, and goes when it has rung for nothing.
pub(crate) struct Unread<'a> {
    connection: &'a Connection,
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    told: Option<Entry<'a>>,
}

impl<'a> Unread<'a> {
    pub(crate) fn new(connection: &'a Connection, limit: Option<Duration>) -> Self {
        Self { connection, limit, timer: None, told: None }
    }

    /// What is next for a wait that began then.
    fn next(&self, since: Instant) -> Option<Instant> {
        let told = since + TOLD_AFTER;
        let cut = self.limit.map(|limit| since + limit);
        match &self.told {
            None => Some(cut.map_or(told, |cut| cut.min(told))),
            Some(_) => cut,
        }
    }

    fn tell(&mut self, since: Instant) {
        self.told = Some(self.connection.worker.unreading.insert(since));
    }
}

impl Future for Unread<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(since) = this.connection.blocked_since() else {
            this.told = None;
            // Left to ring where another write may have to wait before: most do for less than a second.
            this.timer.take_if(|timer| timer.is_elapsed());
            return Poll::Pending;
        };
        loop {
            let Some(next) = this.next(since) else { return Poll::Pending };
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if timer.deadline() > next {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if now < next {
                timer.as_mut().reset(next);
            } else if this.limit.is_some_and(|limit| since + limit <= now) {
                return Poll::Ready(());
            } else {
                this.tell(since);
                this.timer = None;
            }
        }
    }
}

/// Resolves when a connection that only its peer holds up has been left as it is for so long; never, where there is
/// no limit.
pub(crate) async fn left_unread(connection: &Connection, limit: Option<Duration>) {
    let Some(limit) = limit else { return std::future::pending().await };
    let state = || {
        let waits = connection.waits_for_its_peer();
        waits.then(|| (connection.calls_seen(), connection.bytes_sent()))
    };
    loop {
        let before = state();
        tokio::time::sleep(limit).await;
        if let (Some((seen, sent)), Some((seen_now, sent_now))) = (before, state())
            && seen == seen_now
            && sent_now.wrapping_sub(sent) < LEAST
        {
            return;
        }
    }
}
