//! The thread on which stores are asked. All that is asked in a turn is handed over in one piece, so that a thousand leases wake it as often as one.

use std::io;
use std::mem;
use std::pin::Pin;

use futures_util::future::{AbortHandle, Abortable, abortable};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::base::{ThreadError, spawn_with};

pub(super) type Asked = Abortable<Pin<Box<dyn Future<Output = ()> + Send>>>;
/// What is asked in one piece.
pub(super) type Turn = Vec<Asked>;

/// So many turns wait for the thread at most: it takes them up at once, unless a store blocks it.
const MOST_TURNS: usize = 16;

/// The way to the thread, which ends when this is dropped. Bound: so many turns and one more, of each lease a request, a watch and a question whether its store can be used. What is
/// not taken up is kept back; of that goes what was given up meanwhile, which has never begun.
pub(super) struct Stores {
    turn: Turn,
    turns: mpsc::Sender<Turn>,
}

impl Stores {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system refuses it.
    pub(super) fn start() -> Result<Self, ThreadError> {
        let (stores, turns) = Self::new();
        let run = |runtime: Runtime| runtime.block_on(ask_all(turns));
        spawn_with("the stores of leases", "majordomo-stores".to_owned(), runtime, run)?;
        Ok(stores)
    }

    /// The way, and its other end.
    pub(super) fn new() -> (Self, mpsc::Receiver<Turn>) {
        let (turns, received) = mpsc::channel(MOST_TURNS);
        (Self { turn: Vec::new(), turns }, received)
    }

    /// Has the thread do it, once it is handed over. What is aborted before that never begins; all of it is dropped on that thread, but for what was given up while there was no room.
    pub(super) fn ask(&mut self, asked: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let (asked, abort) = abortable(Box::pin(asked) as _);
        self.turn.push(asked);
        abort
    }

    /// Hands over what was asked since the last time, if there is room.
    pub(super) fn hand_over(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        match self.turns.try_reserve() {
            Ok(place) => place.send(mem::take(&mut self.turn)),
            Err(_) => self.turn.retain(|asked| !asked.is_aborted()),
        }
    }
}

/// One for a thread of leases.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

async fn ask_all(mut turns: mpsc::Receiver<Turn>) {
    while let Some(turn) = turns.recv().await {
        for asked in turn {
            // A task each: one that panics takes none with it.
            tokio::spawn(asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc as std_mpsc;
    use std::thread;

    use super::*;

    /// Tells where it is dropped.
    struct Dropped(std_mpsc::Sender<Option<String>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().name().map(str::to_owned));
        }
    }

    #[test]
    fn g25_all_that_is_asked_in_a_turn_is_handed_over_in_one_piece() {
        let (mut stores, mut turns) = Stores::new();
        stores.hand_over();
        assert!(turns.try_recv().is_err(), "nothing was asked");
        for _ in 0..3 {
            drop(stores.ask(async {}));
        }
        assert!(turns.try_recv().is_err(), "the turn goes on");
        stores.hand_over();
        assert_eq!(turns.try_recv().map(|turn| turn.len()), Ok(3));
        stores.hand_over();
        assert!(turns.try_recv().is_err());
    }

    #[test]
    fn g25_what_is_aborted_ends_alone_and_before_it_was_handed_over_never_begins() {
        let mut stores = Stores::start().expect("a thread");
        let (tell, told) = std_mpsc::channel();
        let (begin, begun) = std_mpsc::channel();
        let ask = |stores: &mut Stores, name| {
            let (dropped, begin) = (Dropped(tell.clone()), begin.clone());
            stores.ask(async move {
                let _dropped = dropped;
                begin.send(name).expect("it is heard");
                pending::<()>().await;
            })
        };
        let [early, late, never] = ["early", "late", "never"].map(|name| ask(&mut stores, name));
        early.abort();
        stores.hand_over();
        assert_eq!([begun.recv(), begun.recv()], [Ok("late"), Ok("never")]);
        let there = Some("majordomo-stores".to_owned());
        assert_eq!(told.recv(), Ok(there.clone()), "the early one");
        assert!(told.try_recv().is_err(), "the others go on");
        late.abort();
        assert_eq!(told.recv(), Ok(there.clone()));
        assert!(told.try_recv().is_err() && begun.try_recv().is_err());
        // The thread ends, and with it what is still asked.
        drop(stores);
        assert_eq!(told.recv(), Ok(there));
        drop(never);
    }

    #[test]
    fn g25_behind_a_store_that_blocks_its_thread_no_more_waits_than_the_bound_and_the_latest_is_not_lost() {
        let (mut stores, mut turns) = Stores::new();
        for _ in 0..1000 {
            let given_up = stores.ask(async {});
            stores.hand_over();
            given_up.abort();
        }
        drop(stores.ask(async {}));
        stores.hand_over();
        assert_eq!((turns.len(), stores.turn.len()), (MOST_TURNS, 1));
        while turns.try_recv().is_ok() {}
        stores.hand_over();
        let latest = turns.try_recv().expect("it is handed over");
        assert!(latest.len() == 1 && !latest[0].is_aborted());
    }

    #[test]
    fn g25_a_store_that_panics_takes_no_other_with_it() {
        let mut stores = Stores::start().expect("a thread");
        let (tell, told) = std_mpsc::channel();
        drop(stores.ask(async { panic!("rehearsed") }));
        let beside = tell.clone();
        drop(stores.ask(async move { beside.send("beside").expect("it is heard") }));
        stores.hand_over();
        assert_eq!(told.recv(), Ok("beside"));
        drop(stores.ask(async move { tell.send("after").expect("it is heard") }));
        stores.hand_over();
        assert_eq!(told.recv(), Ok("after"));
    }
}
