//! One life of a server on the thread that accepts: it accepts, deals out, and conducts the drain.
//!
//! ```text
//!   accepting --drain ordered--> draining --all over, or time to give up--> told --its workers are left--> gone
//!       |  it gives way: its listeners stay open, and nobody is accepted until it resumes
//!       |                           |
//!       +------------ killed -------+--> told --its workers are left--> gone
//! ```

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::base::clock;
use crate::server::application::Application;
use crate::server::crew::{Crew, Drained, all_over, drop_late, undrained};
use crate::server::drain::{Timetable, until};
use crate::server::give_way::GiveWayWatch;
use crate::server::listen::{Accepted, Entry, Listening, accept as accept_any, close};
use crate::server::worker::intake::Dealer;
use crate::service::ShutdownSignal;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where somebody connected so short a time ago, somebody may be about to.
const RECENTLY: Duration = Duration::from_secs(1);

/// The way of connections to the workers.
pub(crate) struct WayIn {
    pub(crate) listening: Vec<Listening>,
    pub(crate) entry: Entry,
}

/// What a life of a server goes by.
pub(crate) struct Orders {
    pub(crate) give_way: GiveWayWatch,
    /// Begins the drain.
    pub(crate) drain: oneshot::Receiver<Option<Instant>>,
    pub(crate) signal: ShutdownSignal,
    pub(crate) kill: CancellationToken,
}

/// Accepts until the drain is ordered, then drains. Being killed ends either.
pub(crate) async fn conduct<A: Application>(way: WayIn, crew: &mut Crew<A>, orders: Orders) -> Drained {
    let Orders { mut give_way, mut drain, signal, kill } = orders;
    let killed = async {
        tokio::select! {
            () = kill.cancelled() => {}
            () = signal.forced() => {}
        }
    };
    tokio::pin!(killed);
    let deadline = tokio::select! {
        () = &mut killed => return crew.forced(),
        ordered = accept(way, crew, &mut give_way, &mut drain) => match ordered {
            Ok(deadline) => deadline,
            Err(_) => return crew.forced(),
        },
    };
    // The listeners are closed by now.
    let times = deadline.map(|deadline| Timetable::new(clock::now(), deadline));
    crew.drain(times);
    let parts = crew.parts();
    let forced = tokio::select! {
        biased;
        () = all_over(parts) => false,
        () = &mut killed => true,
        () = until(times.map(|times| times.give_up)) => false,
        () = drop_late(parts) => false,
    };
    undrained(parts, forced)
}

/// Accepts connections until the drain is ordered, and those that were made by then: whoever is connected may have sent a request.
/// While the server gives way it accepts none, in the end neither: the successor does.
async fn accept<A: Application>(
    way: WayIn,
    crew: &mut Crew<A>,
    give_way: &mut GiveWayWatch,
    ordered: &mut oneshot::Receiver<Option<Instant>>,
) -> Result<Option<Instant>, RecvError> {
    let WayIn { listening, mut entry } = way;
    let protocol = crew.protocol();
    let watched: io::Result<Vec<_>> = listening.into_iter().map(Listening::watch).collect();
    let mut listeners = watched.unwrap_or_else(|error| {
        tracing::error!(%error, "cannot watch the {protocol} server's sockets: no connection will be accepted; raise the limits of the process and start it again");
        Vec::new()
    });
    let (mut dealer, caught_up) = (crew.dealer(), crew.caught_up());
    let (mut listeners_turn, mut last_accepted) = (0, None);
    let (mut pause, mut paused_until) = (FIRST_PAUSE, None);
    obey(give_way, crew, &mut dealer);
    loop {
        crew.leave_in_order();
        if crew.has_given_way() {
            give_way.nothing_left();
        }
        let accepts = dealer.is_open() && !crew.gives_way() && paused_until.is_none();
        let accepted = tokio::select! {
            biased;
            ordered = &mut *ordered => {
                obey(give_way, crew, &mut dealer);
                if !crew.gives_way() {
                    let busy = last_accepted.is_some_and(|at| clock::now() < at + RECENTLY);
                    let deadline = ordered.as_ref().ok().copied().flatten();
                    let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(clock::now()));
                    for made in close(listeners, busy, left / 10).await {
                        // What cannot be accepted any more is closed.
                        if let Ok(Some(accepted)) = entry.admit(made) {
                            dealer.deal(accepted, clock::now());
                        }
                    }
                }
                return ordered;
            }
            () = give_way.changed() => {
                obey(give_way, crew, &mut dealer);
                continue;
            }
            // Connections that wait for a worker that is behind go to one that is not.
            () = caught_up.notified() => {
                dealer.look(clock::now());
                continue;
            }
            () = until(dealer.due()) => {
                dealer.look(clock::now());
                continue;
            }
            () = crew.changes() => {
                crew.change(&mut dealer);
                continue;
            }
            () = until(paused_until), if paused_until.is_some() => {
                paused_until = None;
                continue;
            }
            accepted = accept_any(&mut listeners, &mut listeners_turn), if accepts => accepted,
        };
        match accepted.and_then(|stream| entry.admit(stream)) {
            // One too many; closed by now.
            Ok(None) => pause = FIRST_PAUSE,
            Ok(Some(accepted)) => {
                pause = FIRST_PAUSE;
                let now = clock::now();
                dealer.deal(accepted, now);
                last_accepted = Some(now);
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept {protocol} connections; trying again in {pause:?}: is the limit of open files too low?");
                paused_until = Some(clock::now() + pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Gives way, or accepts, as is ordered.
fn obey<A: Application>(give_way: &GiveWayWatch, crew: &mut Crew<A>, dealer: &mut Dealer<Accepted>) {
    crew.set_gives_way(give_way.gives_way(), dealer);
}

/// Whether only that connection failed: its peer went before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    // `InvalidInput` is what some systems say to setting an option on a connection that has gone.
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}
