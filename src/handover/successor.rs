//! What the new process does: it says how it gets on, and hears when it is in charge.
//!
//! ```text
//!   doing, doing, .. ready --> InCharge --> Released --> Gone
//!           |          |          |
//!           +----------+----------+--> CalledOff, or Gone
//! ```
//!
//! A thread, `majordomo-handover`, sends and hears. What it has to send is bounded: of what the process is doing only the latest is kept.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::channel::{Channel, Next, Watched};
use super::protocol::{ToPredecessor, ToSuccessor};
use super::steps::{HandoverStep, reached};
use crate::base::{ThreadError, spawn_with};
use crate::server::listen::passing;

/// How long the last words are waited for to have gone.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How often it is looked whether a predecessor whose channel has ended is gone, too.
const LOOK: Duration = Duration::from_millis(5);

/// What is heard of a predecessor. It is told on the hand-over's thread, and must not block that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromPredecessor {
    /// This process is in charge.
    InCharge,
    /// The predecessor has nothing any more that may exist once only.
    Released,
    /// The hand-over was called off: this process is to end.
    CalledOff { reason: String },
    /// It is gone, whatever it was about to do. The last that is told.
    Gone,
}

/// The predecessor, as long as it is there. Dropped, the channel is closed.
#[derive(Debug)]
pub(crate) struct Predecessor(Arc<Outbox>);

#[derive(Debug, Default)]
struct Outbox {
    unsent: Mutex<Unsent>,
    /// Something is to be sent, or nothing ever will be.
    wake: Notify,
    /// The last words have gone, or nobody reads them.
    gone: Condvar,
}

#[derive(Debug, Default)]
struct Unsent {
    doing: Option<String>,
    ready: bool,
    failed: Option<String>,
    closed: bool,
}

impl Predecessor {
    pub(super) fn watch(
        channel: Channel,
        predecessor: u32,
        tell: impl Fn(FromPredecessor) + Send + 'static,
    ) -> Result<Self, ThreadError> {
        let outbox = Arc::new(Outbox::default());
        let sent = Arc::clone(&outbox);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all();
        spawn_with(
            "the predecessor",
            "majordomo-handover".to_owned(),
            move || {
                let runtime = runtime.build()?;
                let entered = runtime.enter();
                let channel = Watched::new(channel)?;
                drop(entered);
                Ok((runtime, channel))
            },
            move |(runtime, channel)| {
                runtime.block_on(hear(&channel, &sent, predecessor, tell));
                sent.close();
            },
        )?;
        Ok(Self(outbox))
    }

    /// What this process is doing; only the latest is kept on its way.
    pub(crate) fn doing(&self, text: &str) {
        self.0.unsent().doing = Some(text.to_owned());
        self.0.wake.notify_one();
    }

    /// All of it runs.
    pub(crate) fn ready(&self) {
        self.0.unsent().ready = true;
        self.0.wake.notify_one();
    }

    /// Why it cannot serve. Waits a moment, at most 200 ms, until that has gone.
    pub(crate) fn failed(&self, text: &str) {
        let mut unsent = self.0.unsent();
        if unsent.closed {
            return;
        }
        unsent.failed = Some(text.to_owned());
        self.0.wake.notify_one();
        let waits = |unsent: &mut Unsent| unsent.failed.is_some() && !unsent.closed;
        let _ = self.0.gone.wait_timeout_while(unsent, LAST_WORDS, waits);
    }
}

impl Drop for Predecessor {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Outbox {
    fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.unsent().closed = true;
        self.wake.notify_one();
        self.gone.notify_all();
    }

    /// Sends whatever there is, until the channel is to be closed.
    async fn send_all(&self, channel: &Watched) {
        loop {
            let (doing, ready, failed, closed) = {
                let mut unsent = self.unsent();
                let ready = std::mem::take(&mut unsent.ready);
                (unsent.doing.take(), ready, unsent.failed.clone(), unsent.closed)
            };
            if closed {
                return;
            }
            let nothing = doing.is_none() && !ready && failed.is_none();
            // One that is gone shows by the channel's end.
            if let Some(doing) = doing {
                let _ = channel.send(&ToPredecessor::doing(&doing).encode(), None).await;
            }
            if ready {
                let _ = channel.send(&ToPredecessor::Ready {}.encode(), None).await;
                reached(HandoverStep::ReadySaid);
            }
            if let Some(failed) = failed {
                let _ = channel.send(&ToPredecessor::failed(&failed).encode(), None).await;
                self.unsent().failed = None;
                self.gone.notify_all();
            }
            if nothing {
                self.wake.notified().await;
            }
        }
    }
}

/// Whether the process of that number has started this one, and lives.
fn is_child_of(process: u32) -> bool {
    rustix::process::getppid()
        .is_some_and(|parent| u32::try_from(parent.as_raw_nonzero().get()) == Ok(process))
}

async fn hear(channel: &Watched, outbox: &Outbox, predecessor: u32, tell: impl Fn(FromPredecessor)) {
    let mut sending = std::pin::pin!(outbox.send_all(channel));
    let (mut called_off, mut released) = (false, false);
    loop {
        let next = tokio::select! {
            biased;
            next = channel.receive() => next,
            () = &mut sending => return,
        };
        let message = match next {
            Ok(Next::Message(bytes, _)) => ToSuccessor::decode(&bytes).ok(),
            Ok(Next::End) | Err(_) => break,
        };
        match message {
            Some(ToSuccessor::InCharge {}) => {
                reached(HandoverStep::InChargeHeard);
                tell(FromPredecessor::InCharge);
            }
            Some(ToSuccessor::Released {}) => {
                released = true;
                reached(HandoverStep::ReleasedHeard);
                passing::let_go();
                tell(FromPredecessor::Released);
            }
            Some(ToSuccessor::CalledOff { reason }) => {
                called_off = true;
                tell(FromPredecessor::CalledOff { reason });
            }
            // Both have said their version: whatever else comes is of no use, and as good as the end.
            Some(_) | None => break,
        }
    }
    // An end of the channel alone shows nothing: who still has what exists once is gone when it is no parent any more.
    while !called_off && !released && is_child_of(predecessor) {
        tokio::time::sleep(LOOK).await;
    }
    // Called off, the sockets are still the predecessor's, which may have gone only now.
    if !called_off {
        passing::let_go();
    }
    tell(FromPredecessor::Gone);
}
