//! Whether a server gives way to its successor: a server of another process, which accepts at the same sockets.
//!
//! ```text
//!   accepts --give_way--> gives way --nothing is left--> has told so
//!      ^                      |                             |
//!      +------- resume -------+-----------------------------+
//! ```
//!
//! A server that gives way accepts nobody, though its sockets stay open: the successor serves who connects. Its connections are
//! told to go away, and take the time that they need; what is left is ended by the drain that follows. One that resumes accepts
//! again and serves that as ever, while what was told to go away goes on leaving.
//!
//! What is ordered holds for every life of the server: one that begins meanwhile accepts nobody either. While none runs, nothing is
//! left. Of what was told before a resume, a notice may still be on its way after it.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::server::notice::{OnNotice, ServerNotice};

/// Has a server give way, and resume. Clones are of the same server. Never blocks.
#[derive(Clone, Default)]
pub(crate) struct GiveWay(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: watch::Sender<State>,
    manager: OnceLock<OnNotice>,
}

#[derive(Debug, Default)]
struct State {
    gives_way: bool,
    /// How often it was asked to and has not told.
    untold: usize,
    /// Lives of the server that run.
    lives: usize,
}

impl GiveWay {
    /// From here on its manager is told. The first one counts.
    pub(crate) fn connect(&self, manager: OnNotice) {
        let _ = self.0.manager.set(manager);
    }

    /// The server gives way. For each time [`ServerNotice::GaveWay`] is told once: here and now, where it does not run.
    pub(crate) fn give_way(&self) {
        let mut to_tell = 0;
        self.0.state.send_modify(|state| {
            state.gives_way = true;
            state.untold += 1;
            if state.lives == 0 {
                to_tell = std::mem::take(&mut state.untold);
            }
        });
        self.tell(to_tell);
    }

    /// The server accepts again. What it has not told by now it does not tell any more.
    pub(crate) fn resume(&self) {
        self.0.state.send_modify(|state| {
            state.gives_way = false;
            state.untold = 0;
        });
    }

    /// A life of the server begins.
    pub(crate) fn watch(&self) -> GiveWayWatch {
        self.0.state.send_if_modified(|state| {
            state.lives += 1;
            false
        });
        GiveWayWatch { give_way: self.clone(), changes: self.0.state.subscribe() }
    }

    fn tell(&self, times: usize) {
        if let Some(manager) = self.0.manager.get() {
            (0..times).for_each(|_| manager(ServerNotice::GaveWay));
        }
    }
}

/// What a life of a server knows of it. Once it is dropped nothing is left of that life.
pub(crate) struct GiveWayWatch {
    give_way: GiveWay,
    changes: watch::Receiver<State>,
}

impl GiveWayWatch {
    /// Whether the server is to give way now.
    pub(crate) fn gives_way(&self) -> bool {
        self.changes.borrow().gives_way
    }

    /// Resolves when something was ordered.
    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The server gives way, and nothing is left of it.
    pub(crate) fn nothing_left(&self) {
        self.tell_if(|state| state.gives_way);
    }

    fn tell_if(&self, is_told: impl FnOnce(&mut State) -> bool) {
        let mut to_tell = 0;
        self.give_way.0.state.send_if_modified(|state| {
            if is_told(state) {
                to_tell = std::mem::take(&mut state.untold);
            }
            false
        });
        self.give_way.tell(to_tell);
    }
}

impl Drop for GiveWayWatch {
    fn drop(&mut self) {
        self.tell_if(|state| {
            state.lives -= 1;
            state.lives == 0
        });
    }
}
